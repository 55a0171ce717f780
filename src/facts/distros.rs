//! Releases of Linux distributions: C library, package manager, where the loader looks, and which
//! package brings which allocator. The data is `distros/*.toml`, one file per distribution.
//!
//! This module never guesses: a release that is not in the data is `None`, and a family whose
//! packages nobody checked in a release is listed in [`Release::unknown`].

mod packages;
mod schema;

use std::sync::OnceLock;

use super::terms::{Arch, Family, Libc, Manager};

pub(crate) use packages::{any_package, packaged_files, packaged_soname};

/// One release of one distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The distribution: `debian`, `rhel` (with every rebuild of it), `alpine`...
    pub distro: String,
    /// `12`, `24.04`, `3.20`, `rolling`.
    pub release: String,
    /// `bookworm`, `noble`.
    pub codename: Option<String>,
    /// Other names of this release: `testing`, `leap-15.6`.
    pub aliases: Vec<String>,
    /// The C library.
    pub libc: Libc,
    /// Its version, major and minor: `2.36`.
    pub libc_version: Option<String>,
    /// The package manager of the ordinary image.
    pub manager: Manager,
    /// Its packages are no longer where its images look for them: they were moved to an archive.
    pub archived: bool,
    /// The day from which on it gets no updates, where that is over: its packages will be moved, too.
    pub ended: Option<String>,
    /// Runtime and development packages of allocators.
    pub packages: Vec<AllocatorPackage>,
    /// Families whose packages were not checked here: their absence from `packages` says nothing.
    pub unknown: Vec<Family>,
    /// Where the loader looks by default; may contain `{triplet}`.
    pub library_dirs: Vec<String>,
    /// In its images `/lib` is a folder of its own, and no link to `/usr/lib`.
    pub unmerged: bool,
    /// The version of the interpreter in its package `python3`.
    pub python: Option<(u8, u8)>,
}

/// A package that brings an allocator to preload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocatorPackage {
    /// `libjemalloc2`.
    pub name: String,
    /// What it is.
    pub family: Family,
    /// Upstream version in this release: `5.3.0`.
    pub version: Option<String>,
    /// The runtime library, `libjemalloc.so.2`.
    pub soname: String,
    /// Further preloadable file names that the package (with its dependencies) brings.
    pub others: Vec<String>,
    /// The directory: `/usr/lib/{triplet}`.
    pub dir: String,
    /// Whether it is a development package.
    pub dev: bool,
    /// The link without a version that it brings: `libjemalloc.so`.
    pub unversioned: Option<String>,
    /// The runtime package that it depends on and that would be enough.
    pub brings: Option<String>,
    /// Libraries that it needs beyond libc, libm and the loader.
    pub needs: Vec<String>,
    /// The oldest glibc it starts with.
    pub min_glibc: Option<String>,
    /// The repository to enable first: `epel`, `universe`.
    pub repository: Option<String>,
    /// The architectures it exists for; `None` = all of the release.
    pub archs: Option<Vec<Arch>>,
    /// Other names under which the manager finds it.
    pub provides: Vec<String>,
    /// Whether name and files were checked in this distribution. Where not, `dir` and `soname`
    /// are a hint and must not be a rule's only ground.
    pub verified: bool,
}

impl Release {
    /// The package of that name, or the one that provides it.
    #[must_use]
    pub fn package(&self, name: &str) -> Option<&AllocatorPackage> {
        let named = self.packages.iter().find(|package| package.name == name);
        named.or_else(|| {
            self.packages
                .iter()
                .find(|package| package.provides.iter().any(|other| other == name))
        })
    }

    /// The packages of one family, runtime packages first as the data lists them.
    pub fn packages_of(&self, family: Family) -> impl Iterator<Item = &AllocatorPackage> {
        self.packages
            .iter()
            .filter(move |package| package.family == family)
    }

    /// Whether the list of packages of `family` is known to be complete.
    #[must_use]
    pub fn knows(&self, family: Family) -> bool {
        !self.unknown.contains(&family)
    }

    /// The loader's default directories on `arch`, in its order.
    #[must_use]
    pub fn dirs(&self, arch: Arch) -> Vec<String> {
        self.library_dirs
            .iter()
            .map(|dir| dir.replace("{triplet}", arch.triplet()))
            .collect()
    }
}

impl AllocatorPackage {
    /// Where the runtime library lies on `arch`; `{prefix}` stays for conda packages.
    #[must_use]
    pub fn path(&self, arch: Arch) -> String {
        format!(
            "{}/{}",
            self.dir.replace("{triplet}", arch.triplet()),
            self.soname
        )
    }
}

/// A distribution: the names it goes by and its data.
struct Distro {
    names: &'static [&'static str],
    text: &'static str,
    releases: OnceLock<Vec<Release>>,
}

impl Distro {
    const fn new(names: &'static [&'static str], text: &'static str) -> Self {
        Self {
            names,
            text,
            releases: OnceLock::new(),
        }
    }

    fn releases(&self) -> &[Release] {
        self.releases.get_or_init(|| {
            toml_edit::de::from_str::<schema::File>(self.text)
                .map(schema::File::releases)
                .unwrap_or_default()
        })
    }
}

/// Every distribution under the names that images and `ID` in os-release use; the first name is the one that `Release::distro` bears.
static DISTROS: [Distro; 12] = [
    Distro::new(&["debian"], include_str!("distros/debian.toml")),
    Distro::new(&["ubuntu"], include_str!("distros/ubuntu.toml")),
    Distro::new(&["alpine"], include_str!("distros/alpine.toml")),
    Distro::new(
        &[
            "rhel",
            "ubi",
            "centos",
            "rockylinux",
            "rocky",
            "almalinux",
            "oraclelinux",
            "ol",
        ],
        include_str!("distros/rhel.toml"),
    ),
    Distro::new(&["fedora"], include_str!("distros/fedora.toml")),
    Distro::new(
        &["amazonlinux", "amzn", "amazon"],
        include_str!("distros/amazonlinux.toml"),
    ),
    Distro::new(
        &["opensuse", "opensuse-leap", "opensuse-tumbleweed", "sles"],
        include_str!("distros/opensuse.toml"),
    ),
    Distro::new(&["arch", "archlinux"], include_str!("distros/arch.toml")),
    Distro::new(&["wolfi", "chainguard"], include_str!("distros/wolfi.toml")),
    Distro::new(&["photon"], include_str!("distros/photon.toml")),
    Distro::new(
        &["azurelinux", "mariner", "cbl-mariner"],
        include_str!("distros/azurelinux.toml"),
    ),
    Distro::new(&["openeuler"], include_str!("distros/openeuler.toml")),
];

/// The release of a distribution, by number (`12`, `12.5`), codename or alias.
///
/// `12.5` finds Debian `12` and `9.4` RHEL `9`: where the exact release is not in the data, its
/// leading parts are tried. Ubuntu's `24.04.1` is `24.04`, but `24` alone is nothing.
#[must_use]
pub(crate) fn release(distro: &str, release: &str) -> Option<&'static Release> {
    let releases = of_distro(distro)?.releases();
    let mut wanted = release;
    loop {
        if let Some(found) = releases
            .iter()
            .find(|candidate| candidate.is_called(wanted))
        {
            return Some(found);
        }
        wanted = wanted.rsplit_once('.')?.0;
    }
}

/// The release whose codename is a word of an image's tag, and that word: `acme/base:1-bookworm`.
#[must_use]
pub(crate) fn release_in_tag(image: &str) -> Option<(&'static Release, &str)> {
    let (_, tag) = image.split('@').next()?.rsplit_once(':')?;
    let mut words = tag.split(['-', '_', '.']).filter(|_| !tag.contains('/'));
    words.find_map(|word| {
        let named = |release: &&Release| release.codename.as_deref() == Some(word);
        let mut all = ["debian", "ubuntu"].into_iter().flat_map(releases);
        Some((all.find(named)?, word))
    })
}

/// Whether the name or tag of an image has `alpine` as a word: `acme/alpine-chrome`, `acme/base:1-alpine3.20`.
#[must_use]
pub(crate) fn says_alpine(image: &str) -> bool {
    let name = image.split('@').next().unwrap_or_default();
    let mut words = name.split(['/', ':', '-', '_', '.']);
    words.any(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()) == "alpine")
}

/// The release written `debian:12`, as data files refer to it.
pub(super) fn release_named(name: &str) -> Option<&'static Release> {
    let (distro, version) = name.split_once(':')?;
    release(distro, version)
}

/// Every release of a distribution, oldest first; empty when the distribution is not known.
#[must_use]
pub(crate) fn releases(distro: &str) -> &'static [Release] {
    of_distro(distro).map(Distro::releases).unwrap_or_default()
}

fn of_distro(name: &str) -> Option<&'static Distro> {
    DISTROS.iter().find(|distro| distro.names.contains(&name))
}

impl Release {
    fn is_called(&self, name: &str) -> bool {
        self.release == name
            || self.codename.as_deref() == Some(name)
            || self.aliases.iter().any(|alias| alias == name)
    }
}

#[cfg(test)]
mod tests;
