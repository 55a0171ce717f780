//! The library was built for another C library, or for a newer glibc.

use super::Report;
use super::remedies::{bring, faults};
use crate::finding::Applicability;
use crate::model::{Outcome, Unit};

const STAYS: &str = "the library that was copied stays in the image, unused";

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    for preload in faults(unit) {
        let (Outcome::WrongLibc { why, library }, Some(family)) =
            (&preload.outcome, preload.family)
        else {
            continue;
        };
        report.add(
            report
                .finding(&preload.place, format!("`{}` cannot be loaded here and stops every program: {why}", preload.name))
                .caption("every program ends with this")
                .label(&library.place, "it comes from here")
                .note("unlike a missing file this is fatal: exit code 127 on musl, 1 on an older glibc, also for `RUN`")
                .help("install the distribution's own package in this stage, or copy it from a stage of the same release")
                .remedy(format!("install and preload {family}"), Applicability::Unsafe(STAYS.into()), bring(family)),
        );
    }
}
