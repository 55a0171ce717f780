//! `background_thread:true` in forked workers: the thread does not survive the fork.

use super::Report;
use crate::facts::Family;
use crate::model::{ProcessModel, Unit};

const PAIR: &str = "background_thread:true";

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    if unit.role.is_build() {
        return;
    }
    let Some(var) = unit.env.get("MALLOC_CONF") else { return };
    let Some(at) = var.now.value.known().and_then(|value| value.find(PAIR)) else { return };
    let forks = unit.process.model.known() == Some(&ProcessModel::Fork);
    let jemalloc = unit.replacement().is_some_and(|(family, _)| family == Family::Jemalloc);
    if !forks || !jemalloc {
        return;
    }
    let server = unit.process.server.as_deref().unwrap_or("the server");
    let mut finding = report
        .finding(&var.now.part(at..at + PAIR.len()), format!("`{server}` forks its workers, and jemalloc's background thread does not live on in them"))
        .caption("works in the parent only")
        .note("jemalloc switches the option off in a forked child; idle workers then keep their dirty pages")
        .help("keep it, and shorten `dirty_decay_ms`, or start the thread again in every worker with a post-fork hook");
    if let Some(place) = &unit.process.place {
        finding = finding.label(place, "workers are forked here");
    }
    report.add(finding);
}
