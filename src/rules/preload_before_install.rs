//! `LD_PRELOAD` is set before the library is there.

use super::Report;
use crate::finding::Applicability;
use crate::model::{Change, Outcome, Unit, Via};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    for preload in unit
        .preloads
        .iter()
        .filter(|preload| preload.via == Via::Environment)
    {
        let (Outcome::Works(library) | Outcome::WorksOn(_, library)) = &preload.outcome else {
            continue;
        };
        if preload.step >= library.step || !preload.place.same_file(&library.place) {
            continue;
        }
        let change = Change::SetAfterLibrary {
            name: "LD_PRELOAD".into(),
        };
        report.add(
            report
                .finding(&preload.place, format!("set before the library is there: until line {} every program of the build prints a loader error", library.place.line()))
                .caption("already in force from here on")
                .label(&library.place, "the library comes here")
                .note("`ENV` is in force for every `RUN` after it; the loader prints `cannot be preloaded ... ignored` once per program")
                .help("move the `ENV` below the installation")
                .remedy("set `LD_PRELOAD` after the installation", Applicability::Safe, vec![change]),
        );
    }
}
