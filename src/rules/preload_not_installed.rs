//! `LD_PRELOAD` names a library that nothing provides in this image.

use super::Report;
use super::remedies::{bring, faults, in_force};
use crate::finding::Applicability;
use crate::model::{Outcome, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    for preload in faults(unit) {
        let (Outcome::NotInstalled, Some(family)) = (&preload.outcome, preload.family) else {
            continue;
        };
        let package = unit.platform.release.value().and_then(|release| {
            release
                .packages_of(family)
                .find(|package| !package.dev)
                .map(|package| (release, package))
        });
        let help = package.map_or_else(
            || format!("install {family} in this stage before this line, or drop the setting"),
            |(release, package)| match &package.repository {
                Some(repository) => format!(
                    "install `{}` in this stage (it comes from {repository}), or drop the setting",
                    package.name
                ),
                None => format!(
                    "install `{}` in this stage: the {family} package of {} {}",
                    package.name, release.distro, release.release
                ),
            },
        );
        report.add(
            report
                .finding(&preload.place, format!("nothing puts `{}` into {}", preload.name, unit.name))
                .caption("not there")
                .note(if unit.platform.libc.value() == Some(&crate::facts::Libc::Musl) {
                    "musl's loader skips it without a word: the process runs on musl's own malloc"
                } else {
                    "the loader prints `cannot be preloaded ... ignored` for every program and goes on with glibc's malloc"
                })
                .note(format!("the distribution is known from the base ({})", unit.platform.release.because(&unit.place)))
                .help(help)
                .remedy(format!("install and preload {family}"), in_force(unit).map_or(Applicability::Safe, Applicability::Unsafe), bring(family)),
        );
    }
}
