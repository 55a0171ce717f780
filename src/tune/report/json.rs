//! Everything that was measured, for programs. `version` is that of this form.

use std::io;
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use super::answer::answer;
use super::{lines, stop};
use crate::load::{Amount, Settings, Summary, Target};
use crate::secrets::{masked, masked_words};
use crate::text::date;
use crate::tune::verdict::Verdicts;
use crate::tune::{Estimate, Machine, Memory, Origin, Outcome, Run, Stop, Tried};

/// The version of this form: it changes when a reader of the old one would break.
const VERSION: u32 = 1;

/// Writes the outcome.
///
/// # Errors
/// Where the output cannot be written.
pub(crate) fn write(outcome: &Outcome, out: &mut dyn io::Write) -> io::Result<()> {
    let name = |index: usize| {
        outcome
            .tried
            .get(index)
            .map(|one| one.candidate.name.clone())
    };
    let command = outcome.command.iter();
    let command: Vec<String> = command
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let command = masked_words(&command);
    let load = outcome.load.as_ref().map(|load| masked(load).into_owned());
    let candidates: Vec<Value> = (0..outcome.tried.len())
        .filter_map(|index| candidate(outcome, index))
        .collect();
    let all = json!({
        "version": VERSION,
        "malloclint": env!("CARGO_PKG_VERSION"),
        "date": date(outcome),
        "machine": machine(&outcome.machine),
        "command": command,
        "image": outcome.image,
        "load": load,
        "requests": outcome.requests.as_ref().map(|settings| requests(settings, outcome.port)),
        "goal": outcome.judge.goal.name.name(),
        "memory": memory(outcome.judge.memory),
        "seed": outcome.seed,
        "seconds": outcome.elapsed.as_secs_f64(),
        "rounds": outcome.rounds,
        "stop": { "kind": kind(&outcome.stop), "reason": stop(outcome) },
        "grew_bytes": outcome.size.as_ref().and_then(|size| size.grew),
        "answer": answer(outcome),
        "best": outcome.leader.and_then(name),
        "fix": outcome.fix.and_then(name),
        "arena_max": outcome.arena_max.and_then(name),
        "looks_better": outcome.nearly.and_then(name),
        "not_told_apart": outcome.undecided.iter().filter_map(|index| name(*index)).collect::<Vec<_>>(),
        "recommendation": lines(outcome),
        "candidates": candidates,
    });
    serde_json::to_writer_pretty(&mut *out, &all)?;
    writeln!(out)
}

/// What was asked for. Headers may hold secrets: their values are not among it.
fn requests(settings: &Settings, port: Option<u16>) -> Value {
    let page = |target: &Target| json!({ "url": masked(&target.url()), "weight": target.weight });
    let pages: Vec<Value> = settings.targets.iter().map(page).collect();
    let count = match settings.amount {
        Amount::Requests(count) => Some(count),
        Amount::Time(_) => None,
    };
    json!({
        "urls": pages,
        "port": port,
        "connections": settings.connections,
        "keep_alive": settings.keep_alive,
        "rate": settings.rate,
        "count": count,
    })
}

/// What the requests of a run took.
fn took(took: &Summary) -> Value {
    json!({
        "count": took.requests,
        "failures": took.failures,
        "seconds": took.time.as_secs_f64(),
        "per_second": took.per_second(),
        "p50_seconds": took.p50.as_secs_f64(),
        "p90_seconds": took.p90.as_secs_f64(),
        "p99_seconds": took.p99.as_secs_f64(),
        "max_seconds": took.max.as_secs_f64(),
    })
}

const fn memory(memory: Memory) -> &'static str {
    match memory {
        Memory::Mean => "mean",
        Memory::Peak => "peak",
        Memory::End => "end",
    }
}

const fn kind(stop: &Stop) -> &'static str {
    match stop {
        Stop::Decided => "decided",
        Stop::Undecided => "undecided",
        Stop::Rounds => "rounds",
        Stop::Budget => "budget",
        Stop::Discarded => "discarded",
        Stop::Interrupted => "interrupted",
        Stop::Failed(_) => "failed",
    }
}

fn candidate(outcome: &Outcome, index: usize) -> Option<Value> {
    let tried = outcome.tried.get(index)?;
    let standing = outcome.standings.get(index)?;
    let env: serde_json::Map<String, Value> = tried
        .candidate
        .env
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let (origin, source) = match tried.candidate.origin {
        Origin::Baseline => ("baseline", None),
        Origin::Current => ("current", None),
        Origin::Asked => ("asked", None),
        Origin::Fix => ("fix", Some("templates/malloc-conf.toml")),
        Origin::Known(source) => ("known", Some(source)),
        Origin::Drawn => ("drawn", None),
    };
    Some(json!({
        "name": tried.candidate.name,
        "origin": origin,
        "source": source,
        "preload": tried.candidate.library.as_ref().map(|library| &library.path),
        "environment": env,
        "discarded": tried.discarded,
        "dropped_after_round": tried.dropped,
        "pareto": standing.pareto,
        "score": estimate(standing.score),
        "memory_ratio": ratio(standing.memory),
        "cpu_ratio": ratio(standing.cpu),
        "cost_ratio": ratio(standing.cost),
        "verdicts": verdicts(outcome, index),
        "runs": runs(tried),
    }))
}

/// What is said of each figure beside the baseline's; of the baseline, and of what was never compared, nothing.
fn verdicts(outcome: &Outcome, index: usize) -> Value {
    let standing = outcome.standings.get(index);
    let compared = standing.filter(|standing| index != 0 && standing.score.is_some());
    compared.map_or(Value::Null, |standing| {
        let verdicts = Verdicts::of(standing);
        json!({
            "memory": verdicts.memory.words(),
            "cpu": verdicts.cpu.words(),
            "cost": verdicts.cost.words(),
        })
    })
}

fn machine(machine: &Machine) -> Value {
    json!({
        "cpu": machine.cpu,
        "cpus": machine.cpus,
        "memory_bytes": machine.memory,
        "kernel": machine.kernel,
        "libc": machine.libc,
        "python": machine.python,
    })
}

/// As RFC 3339 has it, in UTC.
fn date(outcome: &Outcome) -> Option<String> {
    let since = outcome.date.duration_since(UNIX_EPOCH).ok()?;
    Some(date::rfc3339(since.as_secs()))
}

fn estimate(estimate: Option<Estimate>) -> Value {
    estimate.map_or(
        Value::Null,
        |one| json!({ "mean": one.mean, "half": one.half, "count": one.count }),
    )
}

fn ratio(estimate: Option<Estimate>) -> Value {
    estimate.map_or(Value::Null, |one| {
        let (mean, ends) = one.ratio();
        json!({ "mean": mean, "low": ends.map(|ends| ends.0), "high": ends.map(|ends| ends.1), "count": one.count })
    })
}

fn runs(tried: &Tried) -> Vec<Value> {
    let one = |(round, run): &(usize, Run)| {
        let samples: Vec<Value> = run
            .samples
            .iter()
            .map(|sample| json!([sample.at.as_secs_f64(), sample.memory, sample.processes]))
            .collect();
        json!({
            "round": round + 1,
            "wall_seconds": run.wall.as_secs_f64(),
            "cpu_seconds": run.cpu,
            "metric": run.metric,
            "requests": run.requests.as_ref().map(took),
            "memory_mean_bytes": run.mean(),
            "memory_peak_bytes": run.peak(),
            "memory_end_bytes": run.end(),
            "sample_seconds": run.interval().as_secs_f64(),
            "held_bytes": run.held,
            "container": run.usage.map(|usage| json!({
                "memory_bytes": usage.memory,
                "limit_bytes": usage.limit,
            })),
            "proof": {
                "process": run.proof.process,
                "library": run.proof.library,
                "libc": run.proof.libc.map(|libc| libc.to_string()),
                "processes": run.proof.processes.0,
                "processes_with_library": run.proof.processes.1,
                "confirmed": run.proof.confirmed,
            },
            "samples": samples,
        })
    };
    tried.runs.iter().map(one).collect()
}
