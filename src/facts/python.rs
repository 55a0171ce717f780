//! What CPython makes of `PYTHONMALLOC`, by version. The data is `python.toml`.

use serde::Deserialize;

use super::data::Table;

/// What a value of `PYTHONMALLOC` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PythonMalloc {
    /// Accepted; as good as the default or better. The empty value counts as not set.
    Valid,
    /// Accepted, but not meant for production; the reason.
    Slow(&'static str),
    /// The interpreter must be at least of this version and is not: it ends at start.
    NeedsVersion((u8, u8)),
    /// Only an interpreter with its lock knows it, and this one has none: it ends at start.
    NeedsLock,
    /// No version knows it: the interpreter ends at start.
    Unknown,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Value {
    name: String,
    since: String,
    slow: Option<String>,
    #[serde(default)]
    lock: bool,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    variable_since: String,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    variable_source: String,
    value: Vec<Value>,
}

static FILE: Table<File> = Table::new(include_str!("python.toml"));

/// What `PYTHONMALLOC=value` does to a Python of `version`. Where the version is not known, only
/// what no version accepts is `Unknown`, and nothing needs a version. Before 3.6 the variable is
/// not read at all, so that anything is valid there. `free_threaded`: it is built without its lock.
#[must_use]
pub(crate) fn pythonmalloc(
    value: &str,
    version: Option<(u8, u8)>,
    free_threaded: bool,
) -> PythonMalloc {
    let file = FILE.get();
    let unread = version
        .zip(pair(&file.variable_since))
        .is_some_and(|(version, since)| version < since);
    if value.is_empty() || unread {
        return PythonMalloc::Valid;
    }
    let Some(entry) = file.value.iter().find(|entry| entry.name == value) else {
        return PythonMalloc::Unknown;
    };
    match (version, pair(&entry.since), &entry.slow) {
        (Some(version), Some(since), _) if version < since => PythonMalloc::NeedsVersion(since),
        _ if free_threaded && entry.lock => PythonMalloc::NeedsLock,
        (_, _, Some(reason)) => PythonMalloc::Slow(reason),
        _ => PythonMalloc::Valid,
    }
}

fn pair(text: &str) -> Option<(u8, u8)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_with_sources() {
        FILE.check().unwrap();
        assert_eq!(FILE.get().value.len(), 8);
        assert!(
            FILE.get()
                .value
                .iter()
                .all(|value| !value.source.is_empty() && pair(&value.since).is_some())
        );
        assert!(!FILE.get().variable_source.is_empty());
    }

    #[test]
    fn values_by_version() {
        use PythonMalloc::{NeedsLock, NeedsVersion, Unknown, Valid};
        for (value, version, wanted) in [
            ("", Some((3, 12)), Valid),
            ("pymalloc", Some((3, 6)), Valid),
            ("default", Some((3, 6)), NeedsVersion((3, 7))),
            ("default", Some((3, 7)), Valid),
            ("mimalloc", Some((3, 12)), NeedsVersion((3, 13))),
            ("mimalloc", Some((3, 13)), Valid),
            ("mimalloc", Some((3, 14)), Valid),
            ("mimalloc", None, Valid),
            ("mimalloc_debug", Some((3, 11)), NeedsVersion((3, 13))),
            ("jemalloc", Some((3, 13)), Unknown),
            ("Malloc", None, Unknown),
            ("\"malloc\"", None, Unknown),
            ("jemalloc", Some((2, 7)), Valid),
        ] {
            assert_eq!(
                pythonmalloc(value, version, false),
                wanted,
                "{value} {version:?}"
            );
        }
        for value in ["malloc", "debug", "malloc_debug", "pymalloc_debug"] {
            assert!(
                matches!(
                    pythonmalloc(value, Some((3, 9)), false),
                    PythonMalloc::Slow(_)
                ),
                "{value}"
            );
        }
        for (value, wanted) in [
            ("malloc", NeedsLock),
            ("pymalloc", NeedsLock),
            ("mimalloc", Valid),
            ("default", Valid),
            ("jemalloc", Unknown),
        ] {
            assert_eq!(pythonmalloc(value, Some((3, 14)), true), wanted, "{value}");
        }
    }
}
