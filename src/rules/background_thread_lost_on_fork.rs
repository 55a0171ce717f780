//! `background_thread:true` in forked workers: the thread does not survive the fork.

use super::{Report, malloc_conf};
use crate::model::malloc_conf::Effect;
use crate::model::{ProcessModel, Unit};

const OPTION: &str = "background_thread";

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let Some(conf) = malloc_conf(unit) else { return };
    let forks = unit.process.model.known() == Some(&ProcessModel::Fork);
    if !forks || !conf.readers.in_force {
        return;
    }
    let on = |effect: Effect| effect == Effect::Word("true");
    let Some(pair) = conf.last(OPTION).filter(|pair| pair.taken().is_some_and(|(_, effect)| on(effect))) else { return };
    let server = unit.process.server.as_deref().unwrap_or("the server");
    let message = format!("`{server}` forks its workers, and jemalloc's background thread does not live on in them");
    let mut finding = report
        .finding(&conf.place(pair.setting.all()), message)
        .caption("works in the parent only")
        .note("jemalloc switches the option off in a forked child; idle workers then keep their dirty pages")
        .help("keep it, and shorten `dirty_decay_ms`, or start the thread again in every worker with a post-fork hook");
    if let Some(place) = &unit.process.place {
        finding = finding.label(place, "workers are forked here");
    }
    report.add(finding);
}
