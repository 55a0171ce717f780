//! `MALLOC_CONF` where nothing reads it.

use super::Report;
use super::remedies::bring;
use crate::facts::Family;
use crate::finding::Applicability;
use crate::model::malloc_conf::{Unread, unread};
use crate::model::{Change, ProcessKind, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let Some(var) = unit
        .env
        .get("MALLOC_CONF")
        .filter(|var| !var.now.value.text.is_empty())
    else {
        return;
    };
    match unread(unit) {
        Some(Unread::Other(family, preload)) => {
            let message = format!("`MALLOC_CONF` is read by jemalloc, and {family} is preloaded");
            let mut finding = report
                .finding(&var.now.place, message)
                .caption("without effect")
                .label(&preload.place, format!("{family} is preloaded"))
                .help("drop it");
            let mut safe = Applicability::Safe;
            if let Some(why) = &unit.unseen_settings {
                finding = finding.likely(why.clone());
                safe = Applicability::Unsafe(format!("another may be preloaded: {why}"));
            }
            let change = Change::UnsetEnv {
                name: "MALLOC_CONF".into(),
            };
            report.add(finding.remedy("drop `MALLOC_CONF`", safe, vec![change]));
        }
        Some(Unread::Nothing) => {
            let mut finding = report
                .finding(
                    &var.now.place,
                    "`MALLOC_CONF` is read by jemalloc, and nothing loads jemalloc here",
                )
                .caption("without effect")
                .note("the C library's malloc does not know this variable")
                .help("install jemalloc and set `LD_PRELOAD` to its soname, or drop the variable");
            if let Some(place) = &unit.process.place {
                finding = finding.label(place, "this runs on the C library's malloc");
            }
            let lasting = unit
                .process
                .kind
                .value()
                .is_some_and(|kind| *kind != ProcessKind::OneShot);
            let safe = if lasting {
                Applicability::Safe
            } else {
                Applicability::Unsafe("it is not known to keep running".into())
            };
            report.add(finding.remedy(
                "install and preload jemalloc",
                safe,
                bring(Family::Jemalloc),
            ));
        }
        None => {}
    }
}
