//! The library is in the image, but not where `LD_PRELOAD` looks.

use super::Report;
use super::remedies::{faults, loader_says, severity};
use crate::finding::Applicability;
use crate::model::{Origin, Outcome, PathPattern, Unit};
use crate::text::paths;

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    for preload in faults(unit) {
        let Outcome::WrongPath(library) = &preload.outcome else {
            continue;
        };
        let there = library.path.as_str();
        let shown = library.path.shown();
        let bare = !preload.name.contains('/');
        let message = if bare {
            format!(
                "the loader does not look for `{}` where it is: `{shown}`",
                preload.name
            )
        } else {
            format!("`{}` is not where the library is: `{shown}`", preload.name)
        };
        let finding = report
            .finding(&preload.place, message)
            .at_severity(severity(unit, preload))
            .caption("no such file")
            .label(
                &library.place,
                format!(
                    "this puts it into `{}`",
                    PathPattern::new(library.path.folder()).shown()
                ),
            )
            .note(loader_says(unit));
        let soname = paths::file_name(&preload.name).to_owned();
        let packaged = matches!(library.origin, Origin::Package { .. }) && !there.starts_with('*');
        report.add(if packaged && !bare {
            let finding = finding.help(format!(
                "use `{soname}` without a path: the package's folder is one the loader searches"
            ));
            super::remedies::rename_entry(finding, unit, preload, &soname, Applicability::Safe)
        } else if there.contains(['*', '{']) {
            finding.help("name the file where it is")
        } else {
            let finding = finding.help(format!("use `{there}`"));
            super::remedies::rename_entry(finding, unit, preload, there, Applicability::Safe)
        });
    }
}
