//! The path is that of another architecture than the pinned platform.

use super::Report;
use super::remedies::{faults, soname_of};
use crate::finding::Applicability;
use crate::model::{Fact, Outcome, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    for preload in faults(unit) {
        let Outcome::WrongArch { named, runs } = &preload.outcome else {
            continue;
        };
        let runs: Vec<&str> = runs.iter().map(|arch| arch.docker()).collect();
        let mut finding = report
            .finding(&preload.place, format!("`{}` is the path of {}, and {} runs on {}", preload.name, named.docker(), unit.name, runs.join(", ")))
            .caption(format!("the folder of {}", named.docker()))
            .note("the loader says `cannot open shared object file` and goes on without it, exit code 0")
            .help(format!("use `{}`: the loader finds it in the folder of its own architecture", soname_of(preload)));
        if let Fact::Known(_, place) = &unit.platform.archs {
            finding = finding.label(place, "the platform is pinned here");
        }
        report.add(super::remedies::rename_entry(
            finding,
            unit,
            preload,
            &soname_of(preload),
            Applicability::Safe,
        ));
    }
}
