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

/// The files that a package of that name brings, where all releases of its manager that list it agree.
#[must_use]
pub(crate) fn packaged_files(name: &str, manager: Manager) -> Option<Vec<&'static str>> {
    let releases = DISTROS.iter().flat_map(Distro::releases);
    let packages = releases
        .filter(|release| shares(release, manager))
        .filter_map(|release| release.package(name))
        .filter(|package| package.verified && !package.dev);
    let files = |package: &'static AllocatorPackage| {
        let all = std::iter::once(&package.soname).chain(&package.others);
        all.map(String::as_str).collect::<Vec<_>>()
    };
    let mut all = packages.map(files);
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

fn shares(release: &Release, manager: Manager) -> bool {
    release.manager == manager || (release.manager.is_rpm() && manager.is_rpm())
}
