//! `background_thread:true` in forked workers: the thread does not survive the fork.

use super::Report;
use super::remedies::malloc_conf;
use crate::facts::Family;
use crate::model::malloc_conf::Effect;
use crate::model::{ProcessModel, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let forks = unit.process.model.known() == Some(&ProcessModel::Fork);
    let jemalloc = unit
        .replacement()
        .is_some_and(|(family, _)| family == Family::Jemalloc);
    if unit.role.is_build() || !forks || !jemalloc || unit.runs_thread() || unit.lacks_thread() {
        return;
    }
    let server = unit.process.server.as_deref().unwrap_or("the server");
    let Some(conf) = malloc_conf(unit) else {
        return;
    };
    let Some(pair) = conf.last("background_thread") else {
        return;
    };
    let on = pair.taken().map(|(_, effect)| effect);
    if on != Some(Effect::Word("true")) {
        return;
    }
    let finding = report
        .finding(
            &conf.place(pair.setting.all()),
            format!("`{server}` forks its workers, and jemalloc's background thread does not live on in them"),
        )
        .caption("works in the parent only")
        .note("jemalloc switches the option off in a forked child; idle workers then keep their dirty pages")
        .help("keep it, and shorten `dirty_decay_ms`, or run the thread in every worker: `malloclint fix --thread-hook`");
    report.add(match &unit.process.place {
        Some(place) => finding.label(place, "workers are forked here"),
        None => finding,
    });
}
