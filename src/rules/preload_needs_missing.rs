//! The library was copied without the libraries that it links against.

use super::{Report, faults};
use crate::model::{Outcome, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    for preload in faults(unit) {
        let Outcome::NeedsMissing { needs, library } = &preload.outcome else { continue };
        let list = needs.join("`, `");
        report.add(
            report
                .finding(&preload.place, format!("`{}` needs `{list}`, which {} lacks: every program ends with exit code 127", preload.name, unit.name))
                .caption("its own needs are missing")
                .label(&library.place, "only the library itself is copied")
                .note("a missing dependency of a preloaded library is fatal: `error while loading shared libraries`")
                .help(format!("copy `{list}` beside it, from the same stage")),
        );
    }
}
