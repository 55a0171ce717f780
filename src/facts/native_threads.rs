//! Packages whose own threads allocate beside Python (`native-threads.toml`).

use serde::Deserialize;

use super::data::{Names, Table};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    cost: Cost,
    package: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    names: Names,
    #[serde(default)]
    often: bool,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

/// What a block costs two such threads beside one arena, in nanoseconds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cost {
    pub(crate) without_caches: u32,
    pub(crate) with_caches: u32,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

static FILE: Table<File> = Table::new(include_str!("native-threads.toml"));

/// What was measured.
pub(crate) fn native_cost() -> &'static Cost {
    &FILE.get().cost
}

/// Whether threads of a package of Python allocate often, where it has threads of its own that allocate at all.
#[must_use]
pub(crate) fn native_threads(package: &str) -> Option<bool> {
    let named = |entry: &&Entry| entry.names.iter().any(|name| name == package);
    FILE.get()
        .package
        .iter()
        .find(named)
        .map(|entry| entry.often)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole() {
        FILE.check().unwrap();
        assert!(!native_cost().source.is_empty());
        let mut names: Vec<&str> = Vec::new();
        for entry in &FILE.get().package {
            assert!(!entry.source.is_empty());
            names.extend(entry.names.iter());
        }
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        assert_eq!(native_threads("torch"), Some(true));
        assert_eq!(native_threads("numpy"), Some(false));
        // Their wheels bring allocators of their own.
        assert_eq!(native_threads("polars"), None);
        assert_eq!(native_threads("pyarrow"), None);
    }
}
