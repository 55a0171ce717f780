//! The shape of `distros/*.toml` and its unfolding into [`Release`]s.

use serde::Deserialize;

use super::super::data::{Names, Pairs};
use super::{AllocatorPackage, Arch, Family, Libc, Manager, Release};

/// One distribution as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    distro: String,
    libc: Option<Libc>,
    manager: Option<Manager>,
    library_dirs: Vec<String>,
    /// Releases in whose images `/lib` is no link to `/usr/lib`; of others that is not said.
    unmerged: Names,
    /// Release and version of the interpreter in its package `python3`.
    python: Pairs,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    pub(super) source: String,
    pub(super) release: Vec<ReleaseEntry>,
    pub(super) package: Vec<PackageEntry>,
}

/// One release as written; what it leaves out comes from the file's head.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReleaseEntry {
    /// One or several releases that share all this.
    pub(super) release: Names,
    codename: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    libc_version: Option<String>,
    manager: Option<Manager>,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    ended: Option<String>,
    #[serde(default)]
    unknown: Vec<Family>,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    pub(super) source: String,
}

/// One package as written, for all releases that `in` names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PackageEntry {
    pub(super) name: String,
    pub(super) family: Family,
    pub(super) soname: String,
    #[serde(default)]
    others: Vec<String>,
    dir: String,
    #[serde(default)]
    pub(super) dev: bool,
    unversioned: Option<String>,
    brings: Option<String>,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    min_glibc: Pairs,
    #[serde(default)]
    repository: Pairs,
    archs: Option<Vec<Arch>>,
    #[serde(default)]
    pub(super) provides: Vec<String>,
    #[serde(default = "yes")]
    pub(super) verified: bool,
    /// Release and upstream version, `?` for an unknown one.
    #[serde(rename = "in")]
    pub(super) releases: Pairs,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    pub(super) source: String,
}

impl File {
    /// The releases with their packages; none when the file lacks its head.
    pub(super) fn releases(self) -> Vec<Release> {
        let (Some(libc), Some(manager)) = (self.libc, self.manager) else {
            return Vec::new();
        };
        let unfold = |entry: &ReleaseEntry, name: &str| Release {
            distro: self.distro.clone(),
            release: name.to_owned(),
            codename: entry.codename.clone(),
            aliases: entry.aliases.clone(),
            libc,
            libc_version: entry.libc_version.clone(),
            manager: entry.manager.unwrap_or(manager),
            archived: entry.archived,
            ended: entry.ended.clone(),
            packages: self
                .package
                .iter()
                .filter_map(|package| package.in_release(name))
                .collect(),
            unknown: entry.unknown.clone(),
            library_dirs: self.library_dirs.clone(),
            unmerged: self.unmerged.iter().any(|release| release == name),
            python: self.python.get(name).and_then(minor),
        };
        self.release
            .iter()
            .flat_map(|entry| entry.release.iter().map(move |name| (entry, name)))
            .map(|(entry, name)| unfold(entry, name))
            .collect()
    }
}

/// `3.11` as numbers.
fn minor(version: &str) -> Option<(u8, u8)> {
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

impl PackageEntry {
    /// The package as `release` has it.
    pub(super) fn in_release(&self, release: &str) -> Option<AllocatorPackage> {
        let version = self.releases.get(release)?;
        Some(AllocatorPackage {
            name: self.name.clone(),
            family: self.family,
            version: Some(version.to_owned()).filter(|version| version != "?"),
            soname: self.soname.clone(),
            others: self.others.clone(),
            dir: self.dir.clone(),
            dev: self.dev,
            unversioned: self.unversioned.clone(),
            brings: self.brings.clone(),
            needs: self.needs.clone(),
            min_glibc: self.min_glibc.get(release).map(str::to_owned),
            repository: self.repository.get(release).map(str::to_owned),
            archs: self.archs.clone(),
            provides: self.provides.clone(),
            verified: self.verified,
        })
    }
}

const fn yes() -> bool {
    true
}
