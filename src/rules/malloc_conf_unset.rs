//! jemalloc in force with its defaults.

use super::Report;
use crate::facts::{Family, JemallocVersion};
use crate::finding::{Applicability, Severity};
use crate::model::{Change, Outcome, Preload, ProcessKind, ProcessModel, Role, Source, Unit, Via};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let service = unit.process.kind.value() == Some(&ProcessKind::Service)
        && !unit.process.by_port_only
        && !unit.process.development;
    let python = unit.python.value().is_some_and(|python| !python.pypy);
    if !service || !python || unit.role != Role::Runtime || is_set(unit) {
        return;
    }
    let Some(preload) = unit.preloads.iter().find(|preload| is_jemalloc(preload)) else {
        return;
    };
    if has_old(unit) {
        // It knows none of the settings that were measured.
        return;
    }
    let forks = unit.process.model.value() == Some(&ProcessModel::Fork);
    let finding = report
        .finding(&preload.place, "`MALLOC_CONF` is not set: jemalloc's defaults are made for throughput, and keep freed memory")
        .caption("jemalloc without settings")
        .note(if forks {
            "measured under gunicorn with threads: 0.7 x the memory of glibc at rest with the defaults, 0.4 x with a setting for forked workers"
        } else {
            "measured under uvicorn with a pool of threads: 0.4 x the memory of glibc at rest with the defaults, 0.25 x with a setting"
        })
        .help("set `MALLOC_CONF`")
        .remedy("set `MALLOC_CONF`", safe(unit, preload), vec![Change::Tune]);
    report.add(match unit.doubts() {
        Some(doubt) => finding.possible(doubt),
        None if forks => finding,
        None => finding.at_severity(Severity::Info),
    });
}

/// Safe, where it is sure that nothing else sets it.
fn safe(unit: &Unit, preload: &Preload) -> Applicability {
    if !preload.outcome.works() {
        return Applicability::Manual(
            "nothing is loaded that would read it: fix that first".into(),
        );
    }
    let doubt = unit.doubts();
    doubt.map_or(Applicability::Safe, Applicability::Unsafe)
}

/// A preload of this text that works, or is meant to: what is wrong with it is another rule's business. What a start
/// script preloads it may configure, too.
fn is_jemalloc(preload: &Preload) -> bool {
    preload.family == Some(Family::Jemalloc)
        && !matches!(preload.outcome, Outcome::Unknown(_))
        && !preload.conditional
        && matches!(preload.via, Via::Environment | Via::File)
}

/// Whether anybody set it, or tried, or may have where we do not see it.
fn is_set(unit: &Unit) -> bool {
    let stray = unit
        .strays
        .iter()
        .any(|stray| stray.variable.as_deref() == Some("MALLOC_CONF"));
    unit.env.get("MALLOC_CONF").is_some()
        || stray
        || unit.unseen_settings.is_some()
        || unit.source == Source::Foreign
}

/// Whether the image brings a jemalloc before 5.
fn has_old(unit: &Unit) -> bool {
    let old = |library: &crate::model::Library| {
        let version = library.version.as_deref().and_then(JemallocVersion::parse);
        library.family == Family::Jemalloc && version.is_some_and(|version| version.major() < 5)
    };
    unit.libraries.iter().any(old)
}
