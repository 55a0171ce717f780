//! Allocators by the names of their files and environment variables, and the well-known preloads
//! that are no allocators. The data is `allocators.toml`; packages are in `distros`.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::Deserialize;

use super::data::{Names, Table};
use super::terms::Family;

/// One allocator that can be preloaded.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Allocator {
    /// What it is.
    pub family: Family,
    /// Its file names before `.so`.
    stems: Names,
    /// Parts of words that name it in a script: its own name, that of its project.
    #[serde(default)]
    words: Names,
    /// The name that its build gives the library.
    pub library: String,
    /// The soname's number from an upstream version on, oldest first.
    #[serde(default)]
    pub sonames: Vec<(String, u32)>,
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

/// An environment variable that an allocator reads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variable {
    /// Its name; a trailing `*` stands for any rest.
    pub name: String,
    /// The allocator that reads it.
    pub family: Family,
    /// The software whose own copy reads it; `None` = the preloaded library does.
    pub reader: Option<String>,
    /// Where the fact comes from.
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "tests demand that every fact says where it was read"
        )
    )]
    pub source: String,
}

/// Libraries that are preloaded for other reasons than allocation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OtherPreload {
    stems: Names,
    what: String,
    /// Why it gets on with no allocator beside it, where it does not.
    alone: Option<String>,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    allocator: Vec<Allocator>,
    variable: Vec<Variable>,
    preload: Vec<OtherPreload>,
    bundled: Vec<Bundled>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bundled {
    family: Family,
    names: Names,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

static FILE: Table<File> = Table::new(include_str!("allocators.toml"));

/// The family of a preloadable library by its file name or path: `libjemalloc.so.2`,
/// `/usr/lib/libtcmalloc_minimal.so.4`; one in capitals is meant for it, too. `None` for anything that is not known to be one.
#[must_use]
pub(crate) fn family_of_library(file_name: &str) -> Option<Family> {
    let stem = stem(file_name)?;
    let known = |allocator: &&Allocator| allocator.stems.iter().any(|name| covers(name, stem));
    FILE.get()
        .allocator
        .iter()
        .find(known)
        .map(|allocator| allocator.family)
}

/// The allocator of which a package of Python has a copy in its extensions.
#[must_use]
pub(crate) fn bundled(package: &str) -> Option<Family> {
    let mut all = FILE.get().bundled.iter();
    let named = |one: &&Bundled| one.names.iter().any(|name| name == package);
    all.find(named).map(|one| one.family)
}

/// Whether a file name is a well-known preload that is no allocator.
#[must_use]
pub(crate) fn not_an_allocator(file_name: &str) -> bool {
    preload_purpose(file_name).is_some()
}

fn preload(file_name: &str) -> Option<&'static OtherPreload> {
    let stem = stem(file_name)?;
    if family_of_library(file_name).is_some() {
        return None;
    }
    let known = |other: &&OtherPreload| other.stems.iter().any(|name| covers(name, stem));
    FILE.get().preload.iter().find(known)
}

/// What a well-known preload that is no allocator is: `an OpenMP run-time`.
#[must_use]
pub(crate) fn preload_purpose(file_name: &str) -> Option<&'static str> {
    preload(file_name).map(|other| other.what.as_str())
}

/// Why a well-known preload must have no allocator beside it, where it must not.
#[must_use]
pub(crate) fn stands_alone(file_name: &str) -> Option<&'static str> {
    preload(file_name)?.alone.as_deref()
}

/// The allocators of a family: one for the big three, several for `Other`.
pub(crate) fn allocators(family: Family) -> impl Iterator<Item = &'static Allocator> {
    FILE.get()
        .allocator
        .iter()
        .filter(move |allocator| allocator.family == family)
}

/// The allocator's variable of that name: `MALLOC_CONF`, `MIMALLOC_PURGE_DELAY`.
#[must_use]
pub(crate) fn allocator_variable(name: &str) -> Option<&'static Variable> {
    let is = |variable: &&Variable| match variable.name.strip_suffix('*') {
        Some(head) => name.len() > head.len() && name.starts_with(head),
        None => variable.name == name,
    };
    FILE.get().variable.iter().find(is)
}

/// Whether a variable decides about allocators, rightly or misspelt, other than by what the loader
/// loads.
#[must_use]
pub(crate) fn is_allocator_setting(name: &str) -> bool {
    matches!(name, "PYTHONMALLOC" | "GLIBC_TUNABLES")
        || allocator_variable(name).is_some()
        || super::tunable(name).is_some()
        || super::near_miss(name).is_some()
}

/// The allocators that a text names, of those that distributions package.
#[must_use]
pub(crate) fn families_named(text: &str) -> Vec<Family> {
    let text = text.to_lowercase();
    let packaged = |allocator: &&Allocator| allocator.family != Family::Other;
    let named = |allocator: &&Allocator| allocator.words.iter().any(|word| text.contains(word));
    let all = FILE.get().allocator.iter().filter(packaged).filter(named);
    all.map(|allocator| allocator.family).collect()
}

/// Whether a text names an allocator, whichever. Every word of every script is asked this.
#[must_use]
pub(crate) fn names_allocator(text: &[u8]) -> bool {
    static FINDERS: LazyLock<Vec<Finder<'static>>> = LazyLock::new(|| {
        let words = FILE
            .get()
            .allocator
            .iter()
            .flat_map(|allocator| allocator.words.iter());
        words.map(Finder::new).collect()
    });
    FINDERS.iter().any(|finder| finder.find(text).is_some())
}

impl Allocator {
    /// The runtime file name of an upstream version: jemalloc `5.3.0` is `libjemalloc.so.2`.
    #[must_use]
    pub(crate) fn soname(&self, version: &str) -> Option<String> {
        let wanted = numbers(version);
        let step = self
            .sonames
            .iter()
            .rev()
            .find(|step| numbers(&step.0) <= wanted)?;
        Some(format!("{}.{}", self.library, step.1))
    }

    /// That of the newest version.
    #[must_use]
    pub(crate) fn newest_soname(&self) -> Option<String> {
        let (_, number) = self.sonames.last()?;
        Some(format!("{}.{number}", self.library))
    }
}

fn numbers(version: &str) -> Vec<u32> {
    version
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect()
}

/// The part of the file name before `.so`; `None` for what is not a shared library's name.
fn stem(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    let at = name.find(".so").or_else(|| name.find(".SO"))?;
    let (stem, rest) = name.split_at_checked(at)?;
    let rest = rest.get(".so".len()..)?;
    (!stem.is_empty() && (rest.is_empty() || rest.starts_with('.'))).then_some(stem)
}

fn covers(name: &str, stem: &str) -> bool {
    let Some((head, rest)) = stem.split_at_checked(name.len()) else {
        return false;
    };
    head.eq_ignore_ascii_case(name) && (rest.is_empty() || rest.starts_with(['-', '_', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_with_sources_and_without_repetition() {
        FILE.check().unwrap();
        let file = FILE.get();
        assert!(file.allocator.iter().all(|entry| !entry.source.is_empty()));
        assert!(file.variable.iter().all(|entry| !entry.source.is_empty()));
        assert!(file.preload.iter().all(|entry| !entry.source.is_empty()));
        assert!(file.bundled.iter().all(|entry| !entry.source.is_empty()));
        let all = file.allocator.iter().flat_map(|entry| entry.stems.iter());
        let mut stems: Vec<_> = all
            .chain(file.preload.iter().flat_map(|entry| entry.stems.iter()))
            .collect();
        let count = stems.len();
        stems.sort();
        stems.dedup();
        assert_eq!(stems.len(), count);
    }

    #[test]
    fn families_by_file_name() {
        for (name, family) in [
            ("libjemalloc.so.2", Some(Family::Jemalloc)),
            ("libjemalloc.so.1", Some(Family::Jemalloc)),
            ("libjemalloc.so", Some(Family::Jemalloc)),
            (
                "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
                Some(Family::Jemalloc),
            ),
            ("libjemalloc-5.3.so", Some(Family::Jemalloc)),
            ("libtcmalloc.so.4", Some(Family::Tcmalloc)),
            ("libtcmalloc.so.4.5.9", Some(Family::Tcmalloc)),
            ("libtcmalloc_minimal.so.4", Some(Family::Tcmalloc)),
            ("libtcmalloc_minimal_debug.so.4", Some(Family::Tcmalloc)),
            ("libtcmalloc_and_profiler.so", Some(Family::Tcmalloc)),
            ("libmimalloc.so.2.0", Some(Family::Mimalloc)),
            ("libmimalloc-secure.so", Some(Family::Mimalloc)),
            ("libmimalloc-insecure.so.2", Some(Family::Mimalloc)),
            ("libmimalloc.so.3", Some(Family::Mimalloc)),
            ("libhoard.so", Some(Family::Other)),
            ("libsnmallocshim.so", Some(Family::Other)),
            ("libsnmallocshim-checks.so", Some(Family::Other)),
            ("libhardened_malloc.so", Some(Family::Other)),
            ("libhardened_malloc-light.so", Some(Family::Other)),
            ("libscudo.so", Some(Family::Other)),
            (
                "libclang_rt.scudo_standalone-x86_64.so",
                Some(Family::Other),
            ),
            ("libtbbmalloc_proxy.so.2", Some(Family::Other)),
            ("libtbbmalloc.so.2", None),
            ("libjemalloc.a", None),
            ("libjemalloc.sock", None),
            ("libjemallocator.so", None),
            ("libgomp.so.1", None),
            ("", None),
            (".so", None),
            ("/", None),
        ] {
            assert_eq!(family_of_library(name), family, "{name}");
        }
    }

    #[test]
    fn other_preloads() {
        for name in [
            "libgomp.so.1",
            "/usr/lib/aarch64-linux-gnu/libgomp.so.1",
            "libgomp-d22c30c5.so.1.0.0",
            "libfaketime.so.1",
            "libnss_wrapper.so",
            "libcuda.so",
            "libstdc++.so.6",
            "libeatmydata.so",
            "libasan.so.8",
            "libc_malloc_debug.so",
            "launcher.preload.so",
            "preloadable_libiconv.so",
        ] {
            assert!(not_an_allocator(name), "{name}");
        }
        for name in ["libjemalloc.so.2", "libmystery.so", "libgompx.so", ""] {
            assert!(!not_an_allocator(name), "{name}");
        }
    }

    #[test]
    fn variables_and_their_readers() {
        let reader =
            |name| allocator_variable(name).map(|found| (found.family, found.reader.is_some()));
        assert_eq!(reader("MALLOC_CONF"), Some((Family::Jemalloc, false)));
        assert_eq!(reader("_RJEM_MALLOC_CONF"), Some((Family::Jemalloc, true)));
        assert_eq!(
            reader("DUCKDB_JE_MALLOC_CONF"),
            Some((Family::Jemalloc, true))
        );
        assert_eq!(
            reader("MIMALLOC_PURGE_DELAY"),
            Some((Family::Mimalloc, false))
        );
        assert_eq!(
            reader("TCMALLOC_RELEASE_RATE"),
            Some((Family::Tcmalloc, false))
        );
        assert_eq!(reader("MIMALLOC_"), None);
        assert_eq!(reader("MALLOC_ARENA_MAX"), None);
    }

    #[test]
    fn sonames_by_version() {
        for (family, version, soname) in [
            (Family::Jemalloc, "3.6.0", "libjemalloc.so.1"),
            (Family::Jemalloc, "4.0.4", "libjemalloc.so.2"),
            (Family::Jemalloc, "5.3.1", "libjemalloc.so.2"),
            (Family::Mimalloc, "2.0.9", "libmimalloc.so.2"),
            (Family::Mimalloc, "3.0.1", "libmimalloc.so.3"),
            (Family::Tcmalloc, "2.16", "libtcmalloc.so.4"),
        ] {
            let allocator = allocators(family).next().unwrap();
            assert_eq!(
                allocator.soname(version).as_deref(),
                Some(soname),
                "{version}"
            );
        }
    }
}
