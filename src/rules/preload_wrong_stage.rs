//! The setting or the library is in a stage that the final image does not stand on.

use super::Report;
use super::remedies::{bring, bring_all, faults};
use crate::finding::Applicability;
use crate::model::{Outcome, ProcessKind, Reach, Unit, is_python};
use crate::text::paths;

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    for preload in faults(unit) {
        let (Outcome::WrongStage { stage, place }, Some(family)) =
            (&preload.outcome, preload.family)
        else {
            continue;
        };
        report.add(
            report
                .finding(&preload.place, format!("`{}` is in stage `{stage}` only, and {} does not stand on that", preload.name, unit.name))
                .caption("not in this stage")
                .label(place, format!("put into stage `{stage}`"))
                .note("a stage inherits from its own `FROM` only; of other stages it has what `COPY --from` takes")
                .help("install the library in this stage")
                .remedy(format!("install and preload {family}"), Applicability::Safe, bring(family)),
        );
    }
    setting_elsewhere(unit, report);
}

/// `LD_PRELOAD` was set in another stage, and the one that runs the service has none.
fn setting_elsewhere(unit: &Unit, report: &mut Report<'_>) {
    let kind = unit.process.kind.value();
    let program = paths::file_name(unit.process.argv.first().map_or("", String::as_str));
    // A Python program whose text is not here is likely to be the service.
    let own = kind.is_none() && is_python(program);
    let serves = (kind == Some(&ProcessKind::Service) || own) && unit.python.value().is_some();
    let set = unit.env.get("LD_PRELOAD").is_some()
        || unit.preloads.iter().any(|preload| preload.family.is_some());
    if set || !serves || unit.role.is_build() || unit.unseen_settings.is_some() {
        return;
    }
    let stray = unit.strays.iter().find(|stray| {
        matches!(stray.reach, Reach::Stage(_))
            && stray.variable.as_deref() == Some("LD_PRELOAD")
            && stray.family.is_some()
    });
    let Some(stray) = stray else { return };
    let (Reach::Stage(stage), Some(family)) = (&stray.reach, stray.family) else {
        return;
    };
    let (title, changes) = bring_all(unit, family);
    let unknown = format!(
        "nothing here says that `{}` keeps running",
        unit.process.shown()
    );
    let safe = if own {
        Applicability::Unsafe(unknown.clone())
    } else {
        Applicability::Safe
    };
    let mut finding = report
        .finding(
            &stray.place,
            format!(
                "set in stage `{stage}` only: {} does not inherit it",
                unit.name
            ),
        )
        .caption("reaches this stage alone")
        .label(&unit.place, "the image starts from here")
        .note("a stage inherits from its own `FROM` only")
        .help("install the library and set `LD_PRELOAD` in the stage that runs")
        .remedy(title, safe, changes);
    if own {
        finding = finding.likely(unknown);
    }
    if let Some(place) = &unit.process.place {
        finding = finding.label(place, "this runs without it");
    }
    report.add(finding);
}
