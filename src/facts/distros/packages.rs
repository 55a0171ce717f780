//! Look-ups of packages by name alone, for images whose release is not known.

use super::{AllocatorPackage, DISTROS, Distro, Family, Manager, Release};

/// What a package name says when the release is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PackageSummary {
    /// The allocator that it brings.
    pub family: Family,
    /// Whether it is a development package.
    pub dev: bool,
}

static CONDA: Distro = Distro::new(&["conda"], include_str!("conda.toml"));

/// The allocator packages of conda-forge. Their `dir` is `{prefix}/lib`.
#[must_use]
pub(crate) fn conda_packages() -> &'static [AllocatorPackage] {
    CONDA
        .releases()
        .first()
        .map(|release| release.packages.as_slice())
        .unwrap_or_default()
}

/// What a package called `name` is to `manager`, whatever the release: any release that ever had
/// it counts. RPM managers share their names.
#[must_use]
pub(crate) fn any_package(name: &str, manager: Manager) -> Option<PackageSummary> {
    let summary = |package: &AllocatorPackage| PackageSummary {
        family: package.family,
        dev: package.dev,
    };
    if manager == Manager::Conda {
        return conda_packages()
            .iter()
            .find(|package| package.name == name)
            .map(summary);
    }
    let releases = DISTROS
        .iter()
        .flat_map(Distro::releases)
        .filter(|release| shares(release, manager));
    // Newest first: a name that changed its meaning is read as it is today.
    releases
        .rev()
        .find_map(|release| release.package(name))
        .map(summary)
}

/// The soname that a package of that name had in the newest release with it.
#[must_use]
pub(crate) fn packaged_soname(name: &str, family: Family) -> Option<&'static str> {
    let mut releases = DISTROS.iter().flat_map(Distro::releases).rev();
    let package = releases.find_map(|release| release.package(name))?;
    (package.family == family && !package.dev).then_some(package.soname.as_str())
}

/// The files that a package of that name brings in one release of its manager or another, where all that list
/// it agree about the soname.
#[must_use]
pub(crate) fn packaged_files(name: &str, manager: Manager) -> Option<Vec<&'static str>> {
    let releases = DISTROS.iter().flat_map(Distro::releases);
    let packages: Vec<&AllocatorPackage> = releases
        .filter(|release| shares(release, manager))
        .filter_map(|release| release.package(name))
        .filter(|package| package.verified && !package.dev)
        .collect();
    let soname = packages.first()?.soname.as_str();
    if packages.iter().any(|package| package.soname != soname) {
        return None;
    }
    // The full version in a file's name differs by release.
    let mut files = vec![soname];
    for file in packages.iter().flat_map(|package| &package.others) {
        if !files.contains(&file.as_str()) {
            files.push(file);
        }
    }
    Some(files)
}

fn shares(release: &Release, manager: Manager) -> bool {
    release.manager == manager || (release.manager.is_rpm() && manager.is_rpm())
}
