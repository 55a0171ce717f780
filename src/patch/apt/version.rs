//! Versions of Debian's packages, and which of two is the later one (Debian Policy, 5.6.12; deb-version(7)).

use std::cmp::Ordering;

/// How two versions compare, as `dpkg --compare-versions` has it.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (Parts::of(left), Parts::of(right));
    number(left.epoch, right.epoch)
        .then_with(|| part(left.upstream, right.upstream))
        .then_with(|| part(left.revision, right.revision))
}

/// `1:5.3.0-1`
struct Parts<'v> {
    epoch: &'v str,
    upstream: &'v str,
    revision: &'v str,
}

impl<'v> Parts<'v> {
    fn of(version: &'v str) -> Self {
        let version = version.trim();
        let (epoch, rest) = version.split_once(':').unwrap_or(("", version));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        Self {
            epoch,
            upstream,
            revision,
        }
    }
}

/// Parts that are no digits and parts that are take turns.
fn part(mut left: &str, mut right: &str) -> Ordering {
    while !(left.is_empty() && right.is_empty()) {
        let (words, rest) = (split(&mut left, false), split(&mut right, false));
        let (numbers, others) = (split(&mut left, true), split(&mut right, true));
        let order = word(words, rest).then_with(|| number(numbers, others));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

/// Takes what is in front, digits or what is none.
fn split<'v>(rest: &mut &'v str, digits: bool) -> &'v str {
    let ends = |c: char| c.is_ascii_digit() != digits;
    let (taken, behind) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
    *rest = behind;
    taken
}

/// A tilde comes before the end, letters before all else.
fn word(left: &str, right: &str) -> Ordering {
    let weight = |byte: Option<u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(byte),
        Some(byte) => i32::from(byte) + 256,
    };
    let (mut left, mut right) = (left.bytes(), right.bytes());
    loop {
        let (one, other) = (left.next(), right.next());
        match weight(one).cmp(&weight(other)) {
            Ordering::Equal if one.is_none() && other.is_none() => return Ordering::Equal,
            Ordering::Equal => {}
            order => return order,
        }
    }
}

/// Numbers of any length.
fn number(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the least to the greatest.
    const IN_ORDER: [&str; 19] = [
        "0~~",
        "0~",
        "0",
        "1.0~rc1-1",
        "1.0-1~deb12u1",
        "1.0-1",
        "1.0-1+b1",
        "1.0-1+deb12u1",
        "1.0a-1",
        "1.0+dfsg-1",
        "1.0.1-1",
        "1.2-1",
        "1.10-1",
        "5.2.1-3",
        "5.3.0-1",
        "5.3.0-2ubuntu1",
        "5.3.0-99999999999999999999999",
        "1:0.1-1",
        "2:0",
    ];

    #[test]
    fn versions_compare_as_debian_has_it() {
        for (at, left) in IN_ORDER.iter().enumerate() {
            for (other, right) in IN_ORDER.iter().enumerate() {
                assert_eq!(compare(left, right), at.cmp(&other), "{left} and {right}");
            }
        }
        for same in [("1.0", "0:1.0"), ("1.0", "1.0-0"), ("01.002-1", "1.2-1")] {
            assert_eq!(compare(same.0, same.1), Ordering::Equal, "{same:?}");
        }
    }

    /// The program itself, where it is.
    #[test]
    fn dpkg_says_the_same() {
        let says = |left: &str, order: &str, right: &str| {
            let arguments = ["--compare-versions", left, order, right];
            let mut command = std::process::Command::new("dpkg");
            command.args(arguments).status().ok()
        };
        for left in IN_ORDER {
            for right in IN_ORDER {
                let Some(status) = says(left, "lt", right) else {
                    return;
                };
                let own = compare(left, right) == Ordering::Less;
                assert_eq!(status.success(), own, "{left} < {right}");
            }
        }
    }
}
