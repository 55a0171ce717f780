//! `LD_PRELOAD` is set where only a shell of the build or an interactive one sees it.

use super::Report;
use super::remedies::bring;
use crate::finding::{Applicability, Severity};
use crate::model::{ProcessKind, Reach, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let in_force = unit.preloads.iter().any(|preload| preload.family.is_some())
        || unit.env.get("LD_PRELOAD").is_some();
    if in_force {
        return;
    }
    for stray in unit
        .strays
        .iter()
        .filter(|stray| stray.variable.as_deref() == Some("LD_PRELOAD"))
    {
        let (message, note) = match &stray.reach {
            Reach::Stage(_) => continue,
            Reach::Run => (
                "exported in a `RUN`: gone when that `RUN` ends".to_owned(),
                "every `RUN` is a shell of its own; the image keeps files, not variables".to_owned(),
            ),
            Reach::Shells(file) => (
                format!("written to `{file}`: only shells that read it see it, not the service"),
                "the command of a container, `docker run IMAGE ...` and `docker exec` start without those files".to_owned(),
            ),
        };
        let severity = if stray.reach == Reach::Run {
            Severity::Error
        } else {
            Severity::Warning
        };
        let finding = report
            .finding(&stray.place, message)
            .at_severity(severity)
            .caption("never reaches the service")
            .note(note)
            .help("use `ENV LD_PRELOAD=...`");
        let Some(family) = stray.family else {
            report.add(finding);
            continue;
        };
        report.add(finding.remedy("set it with `ENV`", applicability(unit), bring(family)));
    }
}

fn applicability(unit: &Unit) -> Applicability {
    let serves =
        unit.process.kind.value() == Some(&ProcessKind::Service) && unit.python.value().is_some();
    if serves {
        return Applicability::Safe;
    }
    Applicability::Unsafe("nothing says that a Python service runs here".into())
}
