//! A later setting, the start script or the start-up of the base image replaces `LD_PRELOAD`, or takes it away.

use super::Report;
use crate::finding::{Applicability, Finding, Severity};
use crate::model::{Change, Preload, Replaced, Setting, Unit, Via, entries, family_of};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    by_another_setting(unit, report);
    if let Some(replaced) = &unit.start_replaces_preload {
        let before = unit
            .preloads
            .iter()
            .filter(|preload| preload.via == Via::Environment);
        let lost = before.chain(&replaced.lost);
        for preload in lost.filter(|preload| preload.family.is_some() && preload.outcome.works()) {
            report.add(at_start(report, preload, replaced));
        }
    }
}

/// A value that replaced another.
fn by_another_setting(unit: &Unit, report: &mut Report<'_>) {
    let Some(var) = unit.env.get("LD_PRELOAD") else {
        return;
    };
    if let Some(lost) = var.history.last().filter(|lost| names_allocator(lost))
        && !names_allocator(&var.now)
        && var
            .now
            .value
            .known()
            .is_some_and(|value| !value.trim().is_empty())
    {
        report.add(
            report
                .finding(
                    &var.now.place,
                    "this replaces the allocator that was preloaded before",
                )
                .caption("the whole value is new")
                .label(&lost.place, "set here")
                .note("a setting replaces a variable, it never adds to it")
                .help("name both, separated by `:`; the new value may start with `${LD_PRELOAD}:`")
                .remedy(
                    "name both",
                    Applicability::Unsafe(
                        "the second setting may be meant to take the place of the first".into(),
                    ),
                    vec![Change::SetEnv {
                        name: "LD_PRELOAD".into(),
                        value: both(lost, &var.now),
                    }],
                ),
        );
    }
}

/// The value is lost when the container starts.
fn at_start(report: &Report<'_>, preload: &Preload, replaced: &Replaced) -> Finding {
    let Some(taken_at) = &replaced.taken_at else {
        let message = format!(
            "the value is replaced when the container starts: {}",
            replaced.why
        );
        let finding = report
            .finding(&preload.place, message)
            .caption("lost at start")
            .help("set it in the start script after that point, or write the library's path to `/etc/ld.so.preload`");
        let finding = match &replaced.switch {
            Some(switch) => finding.note(switch.clone()),
            None => finding,
        };
        return if replaced.sometimes {
            finding.at_severity(Severity::Warning)
        } else {
            finding
        };
    };
    let message = format!(
        "the value is taken away before the service starts: {}",
        replaced.why
    );
    // Somebody may mean it so.
    report
        .finding(&preload.place, message)
        .at_severity(Severity::Warning)
        .caption("lost at start")
        .label(taken_at, "taken away here")
        .note("the service runs on the C library's malloc")
        .help("drop one of the two lines")
}

/// The one list and the other.
fn both(lost: &Setting, now: &Setting) -> String {
    format!("{}:{}", lost.value.text.as_str(), now.value.text.as_str())
}

fn names_allocator(setting: &Setting) -> bool {
    let text = setting.value.text.as_str();
    entries(text)
        .into_iter()
        .any(|range| text.get(range).and_then(family_of).is_some())
}
