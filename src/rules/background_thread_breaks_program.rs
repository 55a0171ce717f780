//! `background_thread:true` in the environment of a program that dies of a second thread.

use super::Report;
use super::remedies::{malloc_conf, set_conf};
use crate::facts::Family;
use crate::finding::{Applicability, Severity};
use crate::model::malloc_conf::Effect;
use crate::model::{Found, Outcome, Unit, Via};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let Some(conf) = malloc_conf(unit).filter(|_| is_loaded(unit)) else {
        return;
    };
    let Some(pair) = conf.last("background_thread") else {
        return;
    };
    if pair
        .taken()
        .is_none_or(|(_, effect)| effect != Effect::Word("true"))
    {
        return;
    }
    // What the start sets for the service reaches what that starts, not what was started before.
    let for_all = conf.var.now.via == Via::Environment;
    for fragile in unit.broken_by_thread() {
        if fragile.found == Found::Started && !for_all {
            continue;
        }
        let program = fragile.program;
        let place = conf.place(pair.setting.all());
        let finding = report
            .finding(
                &place,
                format!("{} {}", program.name, program.what),
            )
            .caption("this reaches every program that the image starts")
            .label(&fragile.place, fragile.known_by())
            .help(program.help.clone())
            .remedy(
                format!("drop `{}:{}`", pair.key, pair.value),
                Applicability::Unsafe(
                    "without the thread idle memory goes back at the next allocation only: measure it".into(),
                ),
                set_conf(conf.without(&pair.setting.all())),
            );
        report.add(match fragile.found {
            Found::Named => finding
                .note(format!(
                    "what the image installs starts {}, wherever that comes from",
                    program.name
                ))
                .at_severity(Severity::Warning),
            Found::Installed | Found::Started => finding,
        });
    }
}

/// Whether jemalloc is loaded, as far as can be told.
fn is_loaded(unit: &Unit) -> bool {
    let may = |outcome: &Outcome| outcome.works() || matches!(outcome, Outcome::Unknown(_));
    let jemalloc = |family| family == Some(Family::Jemalloc);
    let mut preloads = unit.preloads.iter();
    preloads.any(|preload| jemalloc(preload.family) && may(&preload.outcome))
        || unit
            .linked
            .iter()
            .any(|(family, _)| jemalloc(Some(*family)))
}
