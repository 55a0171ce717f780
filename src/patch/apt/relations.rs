//! What a package needs and what it does not live with (Debian Policy, 7.1), held against what is installed.

use std::cmp::Ordering;

use super::version::compare;

/// The first thing in a list of needs (`libc6 (>= 2.34), a | b`) that no package in `installed` meets, each with its version.
pub(super) fn lacking<'t>(list: &'t str, installed: &[(String, String)]) -> Option<&'t str> {
    let mut needs = parts(list, ',');
    needs.find(|any| !parts(any, '|').any(|one| Relation::of(one).is_met(installed)))
}

/// The first thing in a list that is there and must not be.
pub(super) fn clashing<'t>(list: &'t str, installed: &[(String, String)]) -> Option<&'t str> {
    parts(list, ',').find(|one| Relation::of(one).is_met(installed))
}

fn parts(list: &str, by: char) -> impl Iterator<Item = &str> {
    let parts = list.split(by).map(str::trim);
    parts.filter(|part| !part.is_empty())
}

/// `libc6 (>= 2.34)`, without what holds for other architectures and for builds alone.
struct Relation<'t> {
    name: &'t str,
    version: Option<(&'t str, &'t str)>,
}

impl<'t> Relation<'t> {
    fn of(text: &'t str) -> Self {
        let name = text.split(['(', '[', '<', ':']).next().unwrap_or_default();
        let version = text.split_once('(').map(|(_, behind)| {
            let inside = behind.split(')').next().unwrap_or_default().trim();
            let begins = |c: char| !matches!(c, '<' | '>' | '=');
            inside.split_at(inside.find(begins).unwrap_or(inside.len()))
        });
        Self {
            name: name.trim(),
            version: version.map(|(order, wanted)| (order, wanted.trim())),
        }
    }

    fn is_met(&self, installed: &[(String, String)]) -> bool {
        let mut installed = installed.iter();
        installed.any(|(name, version)| name == self.name && self.takes(version))
    }

    fn takes(&self, version: &str) -> bool {
        let Some((order, wanted)) = self.version else {
            return true;
        };
        let is = compare(version, wanted);
        match order {
            // The two with one sign are what old packages write.
            ">=" | ">" => is != Ordering::Less,
            "<=" | "<" => is != Ordering::Greater,
            ">>" => is == Ordering::Greater,
            "<<" => is == Ordering::Less,
            "=" => is == Ordering::Equal,
            // What is not understood is not met.
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_are_met_by_what_is_installed() {
        let installed = [("libc6", "2.36-9+deb12u7"), ("libgcc-s1", "12.2.0-14")];
        let installed = installed.map(|(name, version)| (name.to_owned(), version.to_owned()));
        let lacks = |list| lacking(list, &installed);
        assert_eq!(lacks(""), None);
        assert_eq!(lacks("libc6 (>= 2.34), libgcc-s1 (>= 3.3)"), None);
        assert_eq!(lacks("libc6:any (>=2.36), x | libgcc-s1,"), None);
        assert_eq!(lacks("libc6 (>= 2.37), libgcc-s1"), Some("libc6 (>= 2.37)"));
        assert_eq!(lacks("libgcc-s1, x | y (= 1)"), Some("x | y (= 1)"));
        assert_eq!(lacks("libc6 (<< 2.36)"), Some("libc6 (<< 2.36)"));
        assert_eq!(lacks("libc6 (~ 2)"), Some("libc6 (~ 2)"));
        assert_eq!(clashing("libc6 (<< 2.36), y", &installed), None);
        assert_eq!(
            clashing("y, libc6 (<< 2.37)", &installed),
            Some("libc6 (<< 2.37)")
        );
    }
}
