//! The words of a tag: versions, suites, variants. What they mean is data (`tags.toml`).

use serde::Deserialize;

use super::super::data::{Date, Names, Pairs, Table};
use super::super::distros::{Release, release, release_named};
use super::super::terms::Arch;

/// `tags.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    /// Words that are a release: `bookworm`.
    pub(super) words: Pairs,
    /// Words that name a distribution when a number follows: `alpine3.20`.
    pub(super) prefixes: Pairs,
    /// Words that name an architecture: `arm64v8`.
    pub(super) architectures: Pairs,
    /// Registry paths that hold Docker Hub's images.
    pub(super) mirrors: Names,
    /// Folders of other registries that pass on Docker Hub's images.
    pub(super) mirror_folders: Names,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    pub(super) mirrors_source: String,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    pub(super) mirror_folders_source: String,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    pub(super) words_source: String,
    pub(super) schedule: Vec<Schedule>,
}

/// Where a moving tag pointed from which day on, oldest first.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Schedule {
    pub(super) name: String,
    pub(super) steps: Pairs,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    pub(super) source: String,
}

static WORDS: Table<Words> = Table::new(include_str!("tags.toml"));

/// The vocabulary of tags.
pub(super) fn words() -> &'static Words {
    WORDS.get()
}

#[cfg(test)]
pub(super) fn check() -> Result<(), toml_edit::de::Error> {
    WORDS.check()
}

/// The release that `target` stands for on `day`: a release (`debian:12`) is itself, anything
/// else the name of a schedule. The newest step where `day` is not given.
pub(super) fn on_day(target: &str, day: Option<Date>) -> Option<&'static Release> {
    if target.contains(':') {
        return release_named(target);
    }
    let schedule = words()
        .schedule
        .iter()
        .find(|schedule| schedule.name == target)?;
    let reached = |step: &(&str, &str)| day.is_none_or(|day| Date::parse(step.0) <= Some(day));
    // Before the first step the first one is the best there is.
    let step = schedule
        .steps
        .iter()
        .rev()
        .find(reached)
        .or_else(|| schedule.steps.iter().next())?;
    release_named(step.1)
}

/// Whether `target` moves with time.
pub(super) fn moves(target: &str) -> bool {
    !target.contains(':')
}

/// The architecture that a word names: `arm64v8`.
pub(super) fn architecture(word: &str) -> Option<Arch> {
    words().architectures.get(word).and_then(Arch::from_docker)
}

/// Whether the word is a variable that may stand for a suite: `${SUITE}`, `ubuntu${VERSION}`, but
/// not `python${VERSION}`.
pub(super) fn hides_suite(word: &str) -> bool {
    let literal = word
        .find(['$', '{', '<', '%'])
        .and_then(|at| word.get(..at));
    literal.is_some_and(|literal| literal.is_empty() || words().prefixes.get(literal).is_some())
}

/// The words between the dashes, a variable in one piece.
pub(super) fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let boundary = move |symbol: char| {
        match symbol {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && matches!(symbol, '-' | '_' | '/')
    };
    text.split(boundary)
        .filter(|word| !word.is_empty())
        .collect()
}

/// The release that one of the words names by itself: `bookworm`, `alpine3.20`, `ubuntu2204`,
/// `debian`, `12`.
pub(super) fn named_release(list: &[&str]) -> Option<&'static Release> {
    list.iter().enumerate().find_map(|(at, word)| {
        if let Some(name) = words().words.get(word) {
            return release_named(name);
        }
        let digits = word
            .find(|symbol: char| symbol.is_ascii_digit())
            .unwrap_or(word.len());
        let (name, number) = word.split_at_checked(digits)?;
        let distro = words().prefixes.get(name)?;
        let number = if number.is_empty() {
            *list.get(at + 1)?
        } else {
            number
        };
        release(distro, &dotted(distro, number))
    })
}

/// Some tags write a release without its dot or with a suffix: `ubuntu2204`, `oe2403lts`.
fn dotted(distro: &str, number: &str) -> String {
    let end = number
        .find(|symbol: char| !symbol.is_ascii_digit() && symbol != '.')
        .unwrap_or(number.len());
    let number = number.get(..end).unwrap_or(number);
    match number.split_at_checked(2) {
        Some((year, month)) if matches!(distro, "ubuntu" | "openeuler") && month.len() == 2 => {
            format!("{year}.{month}")
        }
        _ => number.to_owned(),
    }
}

/// The version at the head of a word: `v3.12.4` is `[3, 12, 4]`, `3.13rc1` is `[3, 13]`.
pub(super) fn version(word: &str) -> Vec<u32> {
    let word = word.strip_prefix('v').unwrap_or(word);
    let mut parts = Vec::new();
    for part in word.split('.') {
        let digits = part
            .find(|symbol: char| !symbol.is_ascii_digit())
            .unwrap_or(part.len());
        let Some(number) = part.get(..digits).and_then(|number| number.parse().ok()) else {
            break;
        };
        parts.push(number);
        if digits < part.len() {
            break;
        }
    }
    parts
}

/// Major and minor of a Python version, where both are there.
pub(super) fn minor(version: &[u32]) -> Option<(u8, u8)> {
    match version {
        [major, minor, ..] => Some((u8::try_from(*major).ok()?, u8::try_from(*minor).ok()?)),
        _ => None,
    }
}

/// The Python version that a word of the kind `python3.12`, `py310`, `cp311` names; also
/// `python` followed by `3.12` or `312`.
pub(super) fn python_word(list: &[&str]) -> Option<(u8, u8)> {
    list.iter().enumerate().find_map(|(at, word)| {
        let rest = ["python", "py", "cp"]
            .into_iter()
            .find_map(|name| word.strip_prefix(name))?;
        let number = if rest.is_empty() {
            *list.get(at + 1)?
        } else {
            rest
        };
        compact(number)
    })
}

/// `3.12` or, without the dot, `312`.
fn compact(number: &str) -> Option<(u8, u8)> {
    if let Some(found) = minor(&version(number)) {
        return Some(found);
    }
    let (major, rest) = number.split_at_checked(1)?;
    let digits = rest
        .find(|symbol: char| !symbol.is_ascii_digit())
        .unwrap_or(rest.len());
    match (major, rest.get(..digits)?.parse()) {
        ("2" | "3", Ok(minor)) => Some((major.parse().ok()?, minor)),
        _ => None,
    }
}
