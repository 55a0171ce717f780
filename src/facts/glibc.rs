//! glibc's malloc tunables under both of their names, and the names people mistake for them.
//! The data is `glibc-tunables.toml`. Values are judged by the rules, not here.

use crate::text::near;
use serde::Deserialize;

use super::data::Table;

/// One malloc tunable of glibc.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tunable {
    /// Its name in `GLIBC_TUNABLES`: `glibc.malloc.arena_max`.
    pub name: String,
    /// Its environment variable; `None` where there is none and only `GLIBC_TUNABLES` reaches it.
    pub alias: Option<String>,
    /// What kind of number it is.
    pub kind: TunableKind,
    /// Values below are ignored.
    #[serde(default)]
    pub min: u64,
    /// Values above are ignored; `None` = no limit of its own.
    pub max: Option<u64>,
    /// The default, in words.
    #[expect(dead_code, reason = "a fact that no rule asks for yet")]
    pub default: String,
    /// The glibc that brought it, where that is newer than 2.17.
    since: Option<String>,
    /// Beside this it does nothing: `MALLOC_MMAP_MAX_=0`.
    pub useless_with: Option<String>,
    /// The glibc from which on it needs a library of its own, and that library: `2.34 libc_malloc_debug.so`.
    pub needs: Option<String>,
    /// What else to know.
    #[expect(dead_code, reason = "a fact that no rule asks for yet")]
    pub note: Option<String>,
    /// Setting it freezes the otherwise dynamic mmap threshold.
    #[serde(default)]
    #[expect(dead_code, reason = "a fact that no rule asks for yet")]
    pub stops_dynamic_threshold: bool,
    /// Names that nothing reads and that mean this one.
    pub mistaken: Vec<String>,
    /// Where the facts come from.
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "tests demand that every fact says where it was read"
        )
    )]
    pub source: String,
}

/// The type of a tunable's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TunableKind {
    /// An unsigned size in bytes (or a count).
    Size,
    /// A signed 32-bit number.
    Int,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    others: Vec<String>,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    others_source: String,
    tunable: Vec<Tunable>,
    /// Tunables that are not malloc's, and the glibc that brought them.
    elsewhere: Vec<Elsewhere>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Elsewhere {
    names: String,
    since: String,
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "tests demand that every fact says where it was read"
        )
    )]
    source: String,
}

static FILE: Table<File> = Table::new(include_str!("glibc-tunables.toml"));

/// Every malloc tunable.
#[must_use]
pub(crate) fn tunables() -> &'static [Tunable] {
    &FILE.get().tunable
}

/// The tunable of exactly that name, as an environment variable (`MALLOC_ARENA_MAX`) or in
/// `GLIBC_TUNABLES` (`glibc.malloc.arena_max`).
#[must_use]
pub(crate) fn tunable(name: &str) -> Option<&'static Tunable> {
    tunables()
        .iter()
        .find(|tunable| tunable.alias.as_deref() == Some(name) || tunable.name == name)
}

/// The glibc that brought a tunable, malloc's or another, where that is newer than 2.17.
#[must_use]
pub(crate) fn came_with(name: &str) -> Option<&'static str> {
    let elsewhere = || {
        let mut others = FILE.get().elsewhere.iter();
        let named = |other: &&Elsewhere| other.names.split_whitespace().any(|own| own == name);
        Some(others.find(named)?.since.as_str())
    };
    match tunable(name) {
        Some(tunable) => tunable.since.as_deref(),
        None => elsewhere(),
    }
}

/// The tunable that `name` probably means although nothing reads it: a known mistake, or at most
/// two edits away. `None` for right names and for those that other software reads.
#[must_use]
pub(crate) fn near_miss(name: &str) -> Option<&'static Tunable> {
    if tunable(name).is_some() || FILE.get().others.iter().any(|other| other == name) {
        return None;
    }
    let mistaken = tunables()
        .iter()
        .find(|tunable| tunable.mistaken.iter().any(|known| known == name));
    mistaken.or_else(|| nearest(name))
}

/// The closest name within two edits, of variables for variables and of tunables for tunables.
fn nearest(name: &str) -> Option<&'static Tunable> {
    let dotted = name.starts_with("glibc.");
    if !dotted && !name.starts_with("MALLOC") {
        return None;
    }
    let spelling = |tunable: &'static Tunable| {
        if dotted {
            Some(tunable.name.as_str())
        } else {
            tunable.alias.as_deref()
        }
    };
    let distance = |tunable: &'static Tunable| Some((edits(name, spelling(tunable)?)?, tunable));
    tunables()
        .iter()
        .filter_map(distance)
        .min_by_key(|found| found.0)
        .map(|found| found.1)
}

/// The number of edits between two names if it is 1 or 2.
pub(super) fn edits(one: &str, other: &str) -> Option<usize> {
    const MOST: usize = 2;
    // What is much longer is another name, whatever is in it.
    if one.len().abs_diff(other.len()) > MOST {
        return None;
    }
    Some(near::edits(one, other)).filter(|edits| (1..=MOST).contains(edits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_with_sources_and_without_repetition() {
        FILE.check().unwrap();
        assert!(!FILE.get().others_source.is_empty());
        let mut elsewhere = FILE.get().elsewhere.iter();
        assert!(elsewhere.all(|other| !other.source.is_empty()));
        assert_eq!(tunables().len(), 13);
        assert!(tunables().iter().all(|tunable| !tunable.source.is_empty()));
        let aliases = tunables()
            .iter()
            .filter_map(|tunable| tunable.alias.as_ref());
        let mut names: Vec<_> = aliases
            .chain(tunables().iter().flat_map(|tunable| &tunable.mistaken))
            .collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn exact_names_only() {
        for name in [
            "MALLOC_ARENA_MAX",
            "MALLOC_TRIM_THRESHOLD_",
            "MALLOC_CHECK_",
            "glibc.malloc.tcache_count",
        ] {
            assert!(tunable(name).is_some(), "{name}");
            assert!(near_miss(name).is_none(), "{name}");
        }
        for name in [
            "MALLOC_ARENA_MAX_",
            "MALLOC_TRIM_THRESHOLD",
            "MALLOC_TCACHE_COUNT",
            "malloc_arena_max",
            "",
        ] {
            assert!(tunable(name).is_none(), "{name}");
        }
    }

    #[test]
    fn near_misses() {
        for (name, meant) in [
            ("MALLOC_ARENA_MAX_", "glibc.malloc.arena_max"),
            ("MALLOC_ARENAS_MAX", "glibc.malloc.arena_max"),
            ("MALLOC_AREA_MAX", "glibc.malloc.arena_max"),
            ("MALLOC_ARENAMAX", "glibc.malloc.arena_max"),
            ("M_ARENA_MAX", "glibc.malloc.arena_max"),
            ("MALLOC_ARENA_TEST_", "glibc.malloc.arena_test"),
            ("MALLOC_MMAP_THRESHOLD", "glibc.malloc.mmap_threshold"),
            ("MALLOC_TRIM_THRESHOLD", "glibc.malloc.trim_threshold"),
            ("MALLOC_TRIM_TRESHOLD_", "glibc.malloc.trim_threshold"),
            ("MALLOC_TOP_PAD", "glibc.malloc.top_pad"),
            ("MALLOC_MMAP_MAX", "glibc.malloc.mmap_max"),
            ("MALLOC_PERTURB", "glibc.malloc.perturb"),
            ("MALLOC_CHECK", "glibc.malloc.check"),
            ("MALLOC_TCACHE_COUNT", "glibc.malloc.tcache_count"),
            ("MALLOC_TCACHE_MAX", "glibc.malloc.tcache_max"),
            ("glibc.malloc.arenas_max", "glibc.malloc.arena_max"),
        ] {
            assert_eq!(
                near_miss(name).map(|tunable| tunable.name.as_str()),
                Some(meant),
                "{name}"
            );
        }
        for name in [
            "MALLOC_CONF",
            "MALLOC_OPTIONS",
            "MALLOC_TRACE",
            "MALLOC",
            "MALLOC_STATS",
            "PYTHONMALLOC",
            "ARENA",
            "",
            "MALLOC_ÄRENA",
        ] {
            assert!(near_miss(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_name_of_any_length_is_cheap() {
        assert!(near_miss(&"MALLOC_".repeat(1_000_000)).is_none());
    }
}
