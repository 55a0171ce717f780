//! A path with the folder of one architecture, in an image that nothing pins to it.

use super::Report;
use super::remedies::{faults, soname_of};
use crate::finding::Applicability;
use crate::model::{Outcome, Preload, Unit, Via};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    for preload in faults(unit) {
        let Outcome::WorksOn(arch, library) = &preload.outcome else {
            continue;
        };
        if has_another(unit, preload) {
            continue;
        }
        // Beside `sudo` and its like the loader complains about a bare name.
        let silent = unit
            .may_gain_rights()
            .then(|| unit.silent_path(library))
            .flatten();
        let finding = report
            .finding(&preload.place, format!("`{}` exists on {} only: built for another platform, the image runs without it", preload.name, arch.docker()))
            .caption(format!("the folder of {}", arch.docker()))
            .label(&library.place, "the package puts it into another folder on every architecture")
            .note(format!("{}; on the other architectures the loader prints an error for every program and goes on without it", unit.platform.archs.because(&unit.place)))
            .help(format!("use `{}` without a path: the loader finds it on every architecture", soname_of(preload)));
        report.add(super::remedies::rename_entry(
            finding,
            unit,
            preload,
            &silent.unwrap_or_else(|| soname_of(preload)),
            Applicability::Safe,
        ));
    }
}

/// Whether the library is named for another architecture too, where both are in force: one of them loads. What
/// a start script or command sets takes the place of all other settings.
fn has_another(unit: &Unit, preload: &Preload) -> bool {
    let alone = matches!(preload.via, Via::Script | Via::Command);
    let fits = |via| via == preload.via || !alone;
    faults(unit).any(|other| {
        fits(other.via)
            && other.family == preload.family
            && other.name != preload.name
            && other.outcome.works()
    })
}
