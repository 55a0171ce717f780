//! The library was copied without the libraries that it links against.

use super::Report;
use super::remedies::{bring, faults};
use crate::finding::Applicability;
use crate::model::{Outcome, Unit};

const STAYS: &str = "the library that was copied stays in the image, unused";

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    for preload in faults(unit) {
        let (Outcome::NeedsMissing { needs, library }, Some(family)) =
            (&preload.outcome, preload.family)
        else {
            continue;
        };
        let list = needs.join("`, `");
        report.add(
            report
                .finding(&preload.place, format!("`{}` needs `{list}`, which {} lacks: every program ends with exit code 127", preload.name, unit.name))
                .caption("its own needs are missing")
                .label(&library.place, "only the library itself is copied")
                .note("a missing dependency of a preloaded library is fatal: `error while loading shared libraries`")
                .help(format!("copy `{list}` beside it, from the same stage"))
                .remedy(format!("install and preload {family}"), Applicability::Unsafe(STAYS.into()), bring(family)),
        );
    }
}
