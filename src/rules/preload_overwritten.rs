//! A later setting or the start-up of the base image replaces `LD_PRELOAD`.

use super::Report;
use crate::finding::{Applicability, Severity};
use crate::model::{Change, Setting, Unit, Via, entries, family_of};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
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
    let Some(replaced) = &unit.start_replaces_preload else {
        return;
    };
    for preload in unit
        .preloads
        .iter()
        .filter(|preload| preload.via == Via::Environment && preload.outcome.works())
    {
        let finding = report
            .finding(&preload.place, format!("the value is replaced when the container starts: {}", replaced.why))
            .caption("lost at start")
            .help("set it in the start script after that point, or write the library's path to `/etc/ld.so.preload`");
        report.add(if replaced.sometimes {
            finding.at_severity(Severity::Warning)
        } else {
            finding
        });
    }
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
