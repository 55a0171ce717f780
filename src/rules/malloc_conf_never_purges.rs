//! Decay times that keep every page that was ever used.

use super::Report;
use super::remedies::{keeps_pages, malloc_conf};
use crate::facts::Family;
use crate::finding::Severity;
use crate::model::{ProcessKind, Source, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let Some(conf) = malloc_conf(unit) else {
        return;
    };
    let lasting =
        unit.process.kind.value() == Some(&ProcessKind::Service) && unit.python.value().is_some();
    let limit = unit.limits.memory.as_ref();
    let mut preloads = unit.preloads.iter();
    let named = preloads.any(|preload| preload.family == Some(Family::Jemalloc));
    if unit.source == Source::Foreign && !named {
        // Whether the image has a jemalloc that reads it is not known.
        return;
    }
    if !lasting && limit.is_none() || unit.process.development {
        return;
    }
    let Some((pair, after)) = keeps_pages(&conf) else {
        return;
    };
    let message = format!("`{}:{}` keeps freed pages {after}", pair.key, pair.value);
    let own = conf.place(pair.setting.all());
    let finding = match limit {
        Some((_, place)) if place.same_file(&own) => report
            .finding(&own, message + ", and the container has a memory limit")
            .label(place, "the limit"),
        Some((_, place)) => report
            .finding(place, message + ", and this container has a memory limit")
            .label(&own, "set in the image"),
        None => report.finding(&own, message).at_severity(Severity::Info),
    };
    report.add(
        finding
            .caption("memory only grows")
            .harm()
            .note("the process keeps what it needed at its busiest, and is killed when that is more than the limit")
            .note("recipes for benchmarks and batch inference ask for it: it saves page faults")
            .help("write some seconds, such as `dirty_decay_ms:10000`, which is the default"),
    );
}
