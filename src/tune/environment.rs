//! The variables that decide about the allocator: those that are set now, and those that a
//! candidate gets instead.

use std::ffi::{OsStr, OsString};

use crate::facts::{allocator_variable, family_of_library, tunables};

use super::container::Container;
use super::tree;

/// What malloclint itself was started with, or what a container starts with.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment {
    /// The variables that decide about the allocator, as they are.
    pub(super) current: Vec<(String, String)>,
    /// What `LD_PRELOAD` names besides allocators: it stays.
    preloads: Vec<String>,
    /// What `GLIBC_TUNABLES` holds besides malloc: it stays.
    tunables: Vec<String>,
    /// Children that this process has from before: `database & exec malloclint tune ...`.
    pub(super) children: Vec<u32>,
    /// What a copy of an image sets besides, and the image does not.
    copied: Vec<OsString>,
}

/// What `tune` was started with that is no allocator's setting, and stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beside {
    /// Libraries in `LD_PRELOAD`.
    pub preloads: Vec<String>,
    /// Entries of `GLIBC_TUNABLES`.
    pub tunables: Vec<String>,
}

const PRELOAD: &str = "LD_PRELOAD";
const TUNABLES: &str = "GLIBC_TUNABLES";

impl Environment {
    /// That of this process.
    pub(super) fn here() -> Self {
        Self {
            children: tree::descendants(std::process::id()),
            ..Self::of(std::env::vars_os())
        }
    }

    /// That of a container, which is watched from this process.
    pub(super) fn of_container(container: &Container) -> Self {
        Self {
            children: tree::descendants(std::process::id()),
            copied: container.copied.clone(),
            ..Self::of(container.variables.iter().cloned())
        }
    }

    fn of(all: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let mut found = Self::default();
        for (name, value) in all {
            let (Some(name), value) = (name.to_str(), value.to_string_lossy()) else {
                continue;
            };
            let value = value.as_ref();
            let mut decides = is_about_malloc(name);
            if name == PRELOAD {
                let entries = value.split([':', ' ']).filter(|entry| !entry.is_empty());
                let (allocators, others): (Vec<&str>, Vec<&str>) =
                    entries.partition(|entry| family_of_library(entry).is_some());
                found.preloads = others.into_iter().map(str::to_owned).collect();
                decides = !allocators.is_empty();
            } else if name == TUNABLES {
                let (malloc, others): (Vec<&str>, Vec<&str>) = value
                    .split(':')
                    .partition(|entry| entry.starts_with("glibc.malloc."));
                found.tunables = others.into_iter().map(str::to_owned).collect();
                decides = !malloc.is_empty();
            }
            if decides {
                found.current.push((name.to_owned(), value.to_owned()));
            }
        }
        found.current.sort();
        found
    }

    /// What every candidate is measured with besides its own setting.
    pub(super) fn beside(&self) -> Beside {
        Beside {
            preloads: self.preloads.clone(),
            tunables: self.tunables.clone(),
        }
    }

    /// The variables to set and to unset where everything stays as it is.
    pub(super) fn unchanged(&self) -> (Vec<(OsString, OsString)>, Vec<OsString>) {
        let pair = |(name, value): &(String, String)| (name.into(), value.into());
        (self.current.iter().map(pair).collect(), self.names())
    }

    fn names(&self) -> Vec<OsString> {
        let own = self.current.iter().map(|(name, _)| OsString::from(name));
        let others = self.copied.iter().filter(|name| !self.is_current(name));
        own.chain(others.cloned()).collect()
    }

    fn is_current(&self, name: &OsStr) -> bool {
        self.current.iter().any(|(own, _)| OsStr::new(own) == name)
    }

    /// The variables to set and to unset for a library and its settings.
    pub(super) fn with(
        &self,
        library: Option<&str>,
        env: &[(String, String)],
    ) -> (Vec<(OsString, OsString)>, Vec<OsString>) {
        let mut set: Vec<(OsString, OsString)> = Vec::new();
        let preloads: Vec<&str> = self
            .preloads
            .iter()
            .map(String::as_str)
            .chain(library)
            .collect();
        if !preloads.is_empty() {
            set.push((PRELOAD.into(), preloads.join(":").into()));
        }
        let own = env.iter().find(|(name, _)| name == TUNABLES);
        let own = own.map(|(_, value)| value.as_str());
        let tunables: Vec<&str> = self
            .tunables
            .iter()
            .map(String::as_str)
            .chain(own)
            .collect();
        if !tunables.is_empty() {
            set.push((TUNABLES.into(), tunables.join(":").into()));
        }
        let others = env.iter().filter(|(name, _)| name != TUNABLES);
        set.extend(others.map(|(name, value)| (name.into(), value.into())));
        (set, self.names())
    }
}

/// Whether an allocator that can be put in force here reads the variable.
fn is_about_malloc(name: &str) -> bool {
    allocator_variable(name).is_some_and(|variable| variable.reader.is_none())
        || tunables()
            .iter()
            .any(|tunable| tunable.alias.as_deref() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Environment {
        Environment::of(
            pairs
                .iter()
                .map(|(name, value)| (name.into(), value.into())),
        )
    }

    #[test]
    fn other_preloads_and_tunables_stay() {
        let env = of(&[
            ("PATH", "/bin"),
            ("LD_PRELOAD", "libfaketime.so.1:/usr/lib/libjemalloc.so.2"),
            ("MALLOC_CONF", "narenas:2"),
            ("MALLOC_ARENA_MAX", "2"),
            (
                "GLIBC_TUNABLES",
                "glibc.malloc.arena_max=2:glibc.rtld.nns=4",
            ),
            ("_RJEM_MALLOC_CONF", "narenas:1"),
        ]);
        let names: Vec<&str> = env.current.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "GLIBC_TUNABLES",
                "LD_PRELOAD",
                "MALLOC_ARENA_MAX",
                "MALLOC_CONF"
            ]
        );
        let (set, unset) = env.with(Some("/x/libmimalloc.so.2"), &[]);
        assert_eq!(unset.len(), 4);
        assert_eq!(set[0].1, "libfaketime.so.1:/x/libmimalloc.so.2");
        assert_eq!(set[1].1, "glibc.rtld.nns=4");
        let tcache = (TUNABLES.into(), "glibc.malloc.tcache_count=0".into());
        let (set, _) = env.with(None, &[tcache]);
        assert_eq!(set[1].1, "glibc.rtld.nns=4:glibc.malloc.tcache_count=0");
        assert_eq!(set.len(), 2);
    }

    #[test]
    fn a_preload_that_is_no_allocator_is_no_setting() {
        let env = of(&[
            ("LD_PRELOAD", "libfaketime.so.1"),
            ("MIMALLOC_VERBOSE", "1"),
        ]);
        assert_eq!(env.current, [("MIMALLOC_VERBOSE".into(), "1".into())]);
        assert_eq!(env.with(None, &[]).0[0].1, "libfaketime.so.1");
        assert!(of(&[]).with(None, &[]).0.is_empty());
    }
}
