//! The library is in the image under another file name.

use super::Report;
use super::remedies::{faults, loader_says, severity};
use crate::finding::Applicability;
use crate::model::{Origin, Outcome, Unit};
use crate::text::paths;

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    for preload in faults(unit) {
        let Outcome::WrongSoname(library) = &preload.outcome else {
            continue;
        };
        let file = library.path.file_name();
        let brought_by = match &library.origin {
            Origin::Package { name, .. } => format!("package `{name}` brings"),
            _ => "the image has".into(),
        };
        let wanted = paths::file_name(&preload.name);
        let finding = report
            .finding(&preload.place, format!("there is no `{wanted}` in {}: {brought_by} `{file}`", unit.name))
            .at_severity(severity(unit, preload))
            .caption("no such file")
            .label(&library.place, format!("this puts `{file}` there"))
            .note(loader_says(unit))
            .note("the name without a version belongs to the development package, and the number to the major version");
        let packaged = matches!(library.origin, Origin::Package { .. });
        report.add(if packaged && !file.contains('*') {
            let finding = finding.help(format!("use `{file}`"));
            super::remedies::rename_entry(finding, unit, preload, file, Applicability::Safe)
        } else {
            finding.help("name the file that is there")
        });
    }
}
