//! What people should know of their own settings: that they are not what they seem.

use crate::facts::{Arch, JemallocVersion, jemalloc_build};
use crate::model::malloc_conf::{Effect, Jemalloc, Setting, Verdict, read};
use crate::text::duration;

use super::Watcher;
use super::candidate::{self, Candidate};
use super::judge::Tried;
use super::keeper::PATIENCE;
use super::measured::Run;
use super::proof::Proof;
use super::workload::Workload;

/// A schedule is kept if so much of it is; the last answer comes after the last request.
const KEPT: f64 = 0.8;

/// What is asked for with `--try`: variables that nothing reads, numbers that are read as others.
pub(super) fn on_asked(asked: &[Candidate], watcher: &dyn Watcher) {
    for candidate in asked {
        for name in candidate::unread(candidate) {
            watcher.note(&format!(
                "no allocator that is known reads `{name}`: whether it has an effect is not proved"
            ));
        }
        let version = candidate
            .library
            .as_ref()
            .and_then(|library| library.version);
        let conf = candidate.variable("MALLOC_CONF").zip(version);
        for (pair, number) in conf
            .into_iter()
            .flat_map(|(conf, version)| other_numbers(conf, version))
        {
            watcher.note(&format!("jemalloc reads `{pair}` as {number}"));
        }
    }
}

/// A server that is killed each time, requests that fail, a schedule that is not kept.
pub(super) fn on_warm_up(run: &Run, workload: &Workload, watcher: &dyn Watcher) {
    if let Some(took) = run.requests.filter(|took| took.failures > 0) {
        let (failures, all) = (took.failures, took.requests);
        watcher.note(&format!("{failures} of {all} requests failed"));
    }
    let rate = workload.requests().and_then(|settings| settings.rate);
    if let (Some(rate), Some(took)) = (rate, run.requests)
        && took.per_second() < rate * KEPT
    {
        let real = took.per_second();
        watcher.note(&format!(
            "the server does not keep up: of {rate} requests per second it answers {real:.0}, and latency grows with the length of the run (`--rate`)"
        ));
    }
    if run.stopping >= PATIENCE {
        let took = duration::show(run.stopping);
        watcher.note(&format!(
            "the server does not end on SIGTERM and is killed: each run takes {took} more for that"
        ));
    }
}

/// What is set now: a preload that has no effect, or what jemalloc says of it.
pub(super) fn on_first_run(tried: &Tried, proof: &Proof, watcher: &dyn Watcher) {
    if !tried.runs.is_empty() || !tried.candidate.is_current() {
        return;
    }
    if let Some(preload) = tried
        .candidate
        .variable("LD_PRELOAD")
        .filter(|_| proof.library.is_none())
    {
        watcher.note(&format!(
            "`LD_PRELOAD={preload}` is not in force: `current` runs on the C library's allocator"
        ));
    }
    if let Some(complaint) = &proof.complaint {
        watcher.note(&format!("jemalloc says of what is set now: {complaint}"));
    }
}

/// The settings of which jemalloc reads another number than is written, each with what it makes of it.
fn other_numbers(conf: &str, version: JemallocVersion) -> Vec<(&str, i128)> {
    let arch = Arch::Amd64;
    let Some(build) = jemalloc_build(None, arch) else {
        return Vec::new();
    };
    let jemalloc = Jemalloc {
        version,
        build,
        arch,
    };
    let other = |setting: Setting| {
        let (Verdict::Taken(_, Effect::Number(number))
        | Verdict::Taken(_, Effect::Clipped(number))) = setting.verdict
        else {
            return None;
        };
        let written: i128 = conf.get(setting.value.clone())?.trim().parse().ok()?;
        (written != number).then_some((conf.get(setting.all())?, number))
    };
    read(conf, jemalloc)
        .settings
        .into_iter()
        .filter_map(other)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_octal_and_clipped() {
        let of = |conf| other_numbers(conf, JemallocVersion::parse("5.3.0").unwrap());
        assert_eq!(
            of("narenas:4294967297,dirty_decay_ms:010,lg_tcache_max:99,muzzy_decay_ms:0"),
            [
                ("narenas:4294967297", 1),
                ("dirty_decay_ms:010", 8),
                ("lg_tcache_max:99", 23)
            ]
        );
        assert!(of("narenas:2,tcache:false").is_empty());
        assert!(of("").is_empty());
    }
}
