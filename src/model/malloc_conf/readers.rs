//! Which jemallocs read the `MALLOC_CONF` of a unit.

use super::Jemalloc;
use crate::facts::{
    Arch, Family, JemallocVersion, allocators, jemalloc_build, jemalloc_near, jemalloc_versions,
};
use crate::model::{Library, Origin, Unit};
use crate::text::paths;

/// The architectures that services run on where nothing pins one.
const USUAL: [Arch; 2] = [Arch::Amd64, Arch::Arm64];

/// The jemallocs that may read a string.
#[derive(Debug)]
pub(crate) struct Readers {
    /// All of them; what holds for each holds for sure.
    pub all: Vec<Jemalloc>,
    /// The version, where it is known.
    pub version: Option<JemallocVersion>,
    /// Where the version is known from: ``package `libjemalloc2` ``.
    pub because: Option<String>,
    /// One of them is in force for sure.
    pub in_force: bool,
}

/// The jemallocs that may read the `MALLOC_CONF` of `unit`: the one that is there, else all that
/// images have.
#[must_use]
pub(crate) fn readers(unit: &Unit) -> Readers {
    let library = library(unit);
    let version = library.and_then(|library| JemallocVersion::parse(library.version.as_deref()?));
    let distro = library
        .filter(|library| is_the_distributions(library))
        .and_then(|_| unit.platform.release.value())
        .map(|release| release.distro.as_str());
    let archs = unit
        .platform
        .archs
        .value()
        .map_or(USUAL.as_slice(), Vec::as_slice);
    let name = unit
        .preloads
        .iter()
        .find(|preload| preload.family == Some(Family::Jemalloc));
    let may_be =
        |version: &JemallocVersion| name.is_none_or(|preload| has_soname(&preload.name, *version));
    let versions: Vec<JemallocVersion> = match version {
        Some(version) => vec![version],
        None => jemalloc_versions().filter(may_be).collect(),
    };
    let build = |version| {
        archs.iter().filter_map(move |arch| {
            Some(Jemalloc {
                version,
                build: jemalloc_build(distro, *arch)?,
                arch: *arch,
            })
        })
    };
    Readers {
        all: versions.into_iter().flat_map(build).collect(),
        version,
        because: library.filter(|_| version.is_some()).map(origin),
        in_force: unit
            .replacement()
            .is_some_and(|(family, _)| family == Family::Jemalloc),
    }
}

/// Why no jemalloc that images have takes a string as it is, if none does: the setting that the newest rejects.
#[must_use]
pub(crate) fn rejected(text: &str) -> Option<String> {
    let of = |version| {
        let (arch, build) = (Arch::Amd64, jemalloc_build(None, Arch::Amd64)?);
        Some(super::read(
            text,
            Jemalloc {
                version,
                build,
                arch,
            },
        ))
    };
    let wrong = |reading: &super::Reading| {
        let mut settings = reading.settings.iter();
        let setting = settings.find(|setting| setting.verdict.is_rejection());
        let setting = setting.map(|setting| (setting.all(), setting.key.clone()));
        setting.or_else(|| reading.broken.as_ref().map(|_| (0..text.len(), 0..0)))
    };
    let mut readings = jemalloc_versions().rev().filter_map(of);
    let newest = jemalloc_versions().next_back()?;
    let (span, key) = wrong(&readings.next()?)?;
    if readings.any(|reading| wrong(&reading).is_none()) {
        return None;
    }
    let shown = text.get(span)?;
    let key = text.get(key)?;
    let near = jemalloc_near(key, newest).filter(|option| option.name != key);
    let near = near.map(|option| format!(": is `{}` meant?", option.name));
    Some(format!(
        "no jemalloc takes `{shown}`{}",
        near.unwrap_or_default()
    ))
}

/// The jemalloc that is loaded or meant to be.
fn library(unit: &Unit) -> Option<&Library> {
    let preloaded = unit
        .preloads
        .iter()
        .filter_map(|preload| preload.outcome.library());
    let mut all = preloaded.chain(&unit.libraries);
    all.find(|library| library.family == Family::Jemalloc && !library.conditional)
}

/// Whether the distribution built it: conda's and one's own lie elsewhere.
fn is_the_distributions(library: &Library) -> bool {
    let folder = library.path.folder();
    let system = ["/usr/lib", "/lib"]
        .iter()
        .any(|root| folder.starts_with(root));
    matches!(library.origin, Origin::Package { .. } | Origin::Linked) && system
}

/// Whether a library called `name` may be of `version`: `libjemalloc.so.2` came with 4.0.
fn has_soname(name: &str, version: JemallocVersion) -> bool {
    let file = paths::file_name(name);
    if !file.ends_with(|c: char| c.is_ascii_digit()) {
        return true;
    }
    let soname =
        allocators(Family::Jemalloc).find_map(|allocator| allocator.soname(&version.to_string()));
    soname.is_none_or(|soname| soname == file)
}

fn origin(library: &Library) -> String {
    match &library.origin {
        Origin::Package { name, .. } => format!("package `{name}`"),
        _ => format!("`{}`", library.path.shown()),
    }
}
