//! Decay times that keep every page that was ever used.

use super::Report;
use super::remedies::malloc_conf;
use crate::finding::Severity;
use crate::model::malloc_conf::{Conf, Effect, Pair};
use crate::model::{ProcessKind, Unit};

/// From here on pages outlive whatever used them: an hour, in milliseconds.
const LONG: i128 = 60 * 60 * 1000;

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let Some(conf) = malloc_conf(unit) else {
        return;
    };
    let lasting =
        unit.process.kind.value() == Some(&ProcessKind::Service) && unit.python.value().is_some();
    let limit = unit.limits.memory.as_ref();
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
            .note("the process keeps what it needed at its busiest, and is killed when that is more than the limit")
            .note("recipes for benchmarks and batch inference ask for it: it saves page faults")
            .help("write some seconds, such as `dirty_decay_ms:10000`, which is the default"),
    );
}

/// The last setting that keeps pages, and how long.
pub(super) fn keeps_pages<'c>(conf: &'c Conf<'_>) -> Option<(Pair<'c>, &'static str)> {
    let long = |pair: Pair<'c>| after(conf, &pair).map(|after| (pair, after));
    conf.pairs().filter_map(long).last()
}

/// How long pages are kept, where the setting is the one in force and that is long.
fn after(conf: &Conf<'_>, pair: &Pair<'_>) -> Option<&'static str> {
    let (option, effect) = pair.taken()?;
    let Effect::Number(number) = effect else {
        return None;
    };
    let unit = i128::from(option.decay?);
    let last = conf.last(&option.name)?;
    if last.setting.key != pair.setting.key {
        return None;
    }
    match number {
        -1 => Some("for good"),
        number if number * unit >= LONG => Some("for hours"),
        _ => None,
    }
}
