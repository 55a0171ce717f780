//! A folder in the list of preloaded libraries.

use super::Report;
use super::remedies::{faults, loader_says, rename_entry};
use crate::finding::Applicability;
use crate::model::{Outcome, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    for preload in faults(unit) {
        if !matches!(preload.outcome, Outcome::Folder) {
            continue;
        }
        let finding = report
            .finding(
                &preload.place,
                format!("`{}` is a folder, not a library", preload.name),
            )
            .caption("nothing is loaded from it")
            .note(format!(
                "`LD_PRELOAD` is no search path: {}",
                loader_says(unit)
            ))
            .help("name the library itself: `LD_PRELOAD=libjemalloc.so.2`");
        // Where one allocator is installed, it is the one that was meant.
        report.add(match unit.libraries.as_slice() {
            [only] => {
                let name = only.path.file_name();
                rename_entry(finding, unit, preload, name, Applicability::Safe)
            }
            _ => finding,
        });
    }
}
