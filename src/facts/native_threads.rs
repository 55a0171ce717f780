//! Packages whose own threads allocate beside Python (`native-threads.toml`).

use serde::Deserialize;

use super::data::{Names, Table};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    cost: Cost,
    objects: Cost,
    package: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    names: Names,
    doubt: Option<String>,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

/// What allocating costs beside one arena, in nanoseconds.
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

/// What a block costs two such threads.
pub(crate) fn native_cost() -> &'static Cost {
    &FILE.get().cost
}

/// What a tuple with a number and a dictionary costs Python where malloc makes its objects.
pub(crate) fn objects_cost() -> &'static Cost {
    &FILE.get().objects
}

/// A package with threads of its own that allocate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allocating {
    /// Why they may do so seldom: `may compute in buffers that stay`. Nothing where they do in ordinary use.
    pub(crate) doubt: Option<&'static str>,
}

/// What threads of a package of Python do, where it has threads of its own that allocate at all.
#[must_use]
pub(crate) fn native_threads(package: &str) -> Option<Allocating> {
    let named = |entry: &&Entry| entry.names.iter().any(|name| name == package);
    let entry = FILE.get().package.iter().find(named)?;
    Some(Allocating {
        doubt: entry.doubt.as_deref(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole() {
        FILE.check().unwrap();
        assert!(!native_cost().source.is_empty() && !objects_cost().source.is_empty());
        let mut names: Vec<&str> = Vec::new();
        for entry in &FILE.get().package {
            assert!(!entry.source.is_empty());
            names.extend(entry.names.iter());
        }
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        let doubted = |package| native_threads(package).map(|threads| threads.doubt.is_some());
        assert_eq!(doubted("torch"), Some(false));
        assert_eq!(doubted("numpy"), Some(true));
        // Their wheels bring allocators of their own.
        for package in ["ray", "pymilvus", "google-cloud-pubsub"] {
            assert_eq!(doubted(package), Some(false), "{package}");
        }
        for package in ["polars", "pyarrow", "duckdb", "catboost"] {
            assert_eq!(doubted(package), None, "{package}");
        }
    }
}
