//! Options for debugging and profiling in production.

use super::Report;
use super::remedies::{malloc_conf, set_conf};
use crate::facts::JemallocOption;
use crate::finding::{Applicability, Severity};
use crate::model::malloc_conf::{Conf, Effect, Pair};
use crate::model::{Role, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let Some(conf) = malloc_conf(unit) else {
        return;
    };
    if unit.role != Role::Runtime || unit.process.development {
        return;
    }
    for pair in conf.pairs() {
        let Some((option, effect)) = pair.taken_by_some() else {
            continue;
        };
        let Some(what) = option
            .debug
            .as_deref()
            .filter(|_| is_on(effect) && is_last(&conf, &pair))
        else {
            continue;
        };
        if asleep(&conf, option) {
            continue;
        }
        let place = conf.place(pair.setting.all());
        let mut finding = report
            .finding(
                &place,
                format!("`{}:{}` is for debugging: {what}", pair.key, pair.value),
            )
            .caption("left on")
            .help("drop it in production")
            .remedy(
                format!("drop `{}`", pair.key),
                Applicability::Unsafe("somebody may be measuring with it".into()),
                set_conf(conf.without(&pair.setting.all())),
            );
        if option.prints {
            finding = finding.at_severity(Severity::Info);
        }
        if let Some((jemalloc, _)) = pair.rejected_by_some().next() {
            finding = finding.note(format!(
                "jemalloc for {} is built without it, and complains at each start",
                jemalloc.arch
            ));
        }
        report.add(finding);
    }
}

fn is_on(effect: Effect) -> bool {
    match effect {
        Effect::Word(word) => word != "false",
        Effect::Number(number) | Effect::Clipped(number) => number > 0,
        Effect::Text => true,
    }
}

/// Whether the setting is the one in force: a later one of the same option would be.
fn is_last(conf: &Conf<'_>, pair: &Pair<'_>) -> bool {
    let later = conf.pairs().filter(|other| other.key == pair.key).last();
    later.is_some_and(|later| later.setting.key == pair.setting.key)
}

/// Profiling that is ready and switched off costs next to nothing: it waits for somebody to start it.
fn asleep(conf: &Conf<'_>, option: &JemallocOption) -> bool {
    let value = |name: &str| {
        conf.pairs()
            .filter(|pair| pair.key == name)
            .last()
            .map(|pair| pair.value == "true")
    };
    let profiles = option.part.as_deref() == Some("prof");
    profiles && (value("prof") != Some(true) || value("prof_active") == Some(false))
}
