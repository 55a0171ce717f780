//! What came out, in four forms. A form shows what is in the outcome; it decides nothing.

mod chart;
mod csv;
mod html;
mod json;
mod latencies;
mod lines;
mod svg;
mod terminal;

use std::io;
use std::path::Path;

pub(crate) use csv::write as csv;
pub(crate) use html::write as html;
pub(crate) use json::write as json;
use latencies::latencies;
use lines::lines;
pub(crate) use terminal::{Style, write as terminal};

use super::why;
use super::{Estimate, Outcome, Run, Stop, Tried};
use crate::write;

/// How an outcome is written.
pub(crate) type Form = fn(&Outcome, &mut dyn io::Write) -> io::Result<()>;

/// Writes an outcome to a file; what it held before is gone.
///
/// # Errors
/// Where the file cannot be written.
pub(crate) fn to_file(path: &Path, outcome: &Outcome, form: Form) -> io::Result<()> {
    let mut file = write::report::open(path)?;
    form(outcome, &mut file)?;
    io::Write::flush(&mut file)
}

const MIB: f64 = 1024.0 * 1024.0;

/// The settings of the charts: the best, what is set now, the C library's own; each once.
fn charted(outcome: &Outcome) -> Vec<(String, &Tried)> {
    let of = |index: usize, label: &str| {
        let tried = outcome.tried.get(index)?;
        let name = &tried.candidate.name;
        let text = if label == name {
            name.clone()
        } else {
            format!("{label}: {name}")
        };
        Some((text, tried))
    };
    let leader = outcome
        .leader
        .filter(|leader| *leader != 0)
        .and_then(|leader| of(leader, "best"))
        .or_else(|| outcome.nearly.and_then(|nearly| of(nearly, "nearly")));
    let current = outcome
        .current
        .filter(|current| outcome.leader != Some(*current));
    let current = current.and_then(|current| of(current, "current"));
    let baseline = outcome
        .tried
        .first()
        .and_then(|first| of(0, &first.candidate.name));
    let all = [leader, current, baseline].into_iter().flatten();
    all.filter(|(_, tried)| !tried.runs.is_empty()).collect()
}

/// A ratio with its interval: `0.63 ± 0.04`; the half width is that of the wider side.
fn ratio(estimate: Option<Estimate>) -> String {
    let Some(estimate) = estimate else {
        return "-".into();
    };
    let (mean, ends) = estimate.ratio();
    match ends {
        Some((low, high)) => format!("{mean:.2} ± {:.2}", (mean - low).max(high - mean)),
        None => format!("{mean:.2}"),
    }
}

/// What the last column is about: the user's figure, what requests took, or the time.
fn speed_name(outcome: &Outcome) -> &'static str {
    if let Some(requests) = &outcome.requests {
        return requests.rate.map_or("requests/s", |_| "p99 ms");
    }
    match (outcome.judge.more_is_better, &outcome.load) {
        (Some(_), _) => "metric",
        (None, Some(_)) => "load time",
        (None, None) => "time",
    }
}

/// The last column's value of a run.
fn speed(run: &Run) -> f64 {
    run.metric.unwrap_or(run.wall.as_secs_f64())
}

/// The ratio of what the user reads: where more is better, that of the figure itself.
fn shown_cost(outcome: &Outcome, index: usize) -> Option<Estimate> {
    let mut estimate = outcome.standings.get(index)?.cost?;
    if outcome.judge.more_is_better == Some(true) {
        estimate.mean = -estimate.mean;
    }
    Some(estimate)
}

/// The indexes of all settings, the best first, then those that do not count.
fn ranked(outcome: &Outcome) -> Vec<usize> {
    let score = |index: &usize| {
        outcome
            .standings
            .get(*index)
            .and_then(|one| one.score)
            .map_or(f64::INFINITY, |one| one.mean)
    };
    let left_behind = |index: &usize| {
        outcome
            .tried
            .get(*index)
            .is_none_or(|one| one.dropped.is_some() || one.discarded.is_some())
    };
    let mut all: Vec<usize> = (0..outcome.tried.len()).collect();
    all.sort_by(|one, other| {
        left_behind(one)
            .cmp(&left_behind(other))
            .then(score(one).total_cmp(&score(other)))
    });
    all
}

/// Why measuring ended, as a clause.
fn stop(outcome: &Outcome) -> String {
    match &outcome.stop {
        Stop::Decided if outcome.undecided.is_empty() => {
            "the best is told apart from the others".into()
        }
        Stop::Decided | Stop::Undecided => "more rounds would not tell them apart".into(),
        Stop::Budget => "the budget was used up".into(),
        Stop::Discarded => "every setting that was to be compared was discarded".into(),
        Stop::Interrupted => "it was interrupted".into(),
        Stop::Failed(reason) => format!("the command failed: {reason}"),
    }
}

/// What is recommended, in sentences.
fn verdict(outcome: &Outcome) -> Vec<String> {
    let Some(best) = outcome.leader else {
        return vec![format!(
            "nothing can be recommended, since nothing could be compared: {}",
            stop(outcome)
        )];
    };
    let name = |index: usize| {
        outcome
            .tried
            .get(index)
            .map_or("", |one| one.candidate.name.as_str())
    };
    let figures = |index: usize| {
        let part = |estimate: Option<Estimate>| estimate.map_or(1.0, |one| one.ratio().0);
        let standing = outcome.standings.get(index);
        let (memory, cpu) = standing.map_or((1.0, 1.0), |one| (part(one.memory), part(one.cpu)));
        let (cost, speed) = (part(shown_cost(outcome, index)), speed_name(outcome));
        format!(
            "{memory:.2} x the memory, {cpu:.2} x the CPU time and {cost:.2} x the {speed} of {}",
            name(0)
        )
    };
    let mut said = vec![match (outcome.nearly, outcome.current) {
        (Some(nearly), _) => format!(
            "{}: {} looks better ({}), but the runs do not prove it; a longer `--budget` may",
            keep(outcome, best, &figures),
            name(nearly),
            figures(nearly)
        ),
        (None, Some(current)) if best == 0 => {
            let own = outcome.standings.get(current);
            match own.and_then(|own| own.score) {
                Some(_) => format!(
                    "drop what is set now ({}): {} is better",
                    figures(current),
                    name(0)
                ),
                None => format!(
                    "{}: nothing that was tried is surely better, and what is set now cannot be measured",
                    name(0)
                ),
            }
        }
        (None, current) if best == 0 || current == Some(best) => {
            format!(
                "{}: nothing that was tried is surely better",
                keep(outcome, best, &figures)
            )
        }
        (None, _) => format!("{}: {}", name(best), figures(best)),
    }];
    let open = outcome
        .undecided
        .iter()
        .filter(|index| Some(**index) != outcome.nearly);
    let open: Vec<&str> = open.map(|index| name(*index)).collect();
    said.extend(reason(outcome));
    if !open.is_empty() {
        said.push(format!("not told apart from it: {}", open.join("; ")));
    }
    said
}

/// Why the best takes less memory, where it is told apart from what it is compared with.
fn reason(outcome: &Outcome) -> Option<String> {
    let best = outcome.leader.filter(|leader| *leader != 0)?;
    why::why(outcome.tried.get(best)?, outcome.tried.first()?)
}

/// What stays, and what it is.
fn keep(outcome: &Outcome, best: usize, figures: &dyn Fn(usize) -> String) -> String {
    if outcome.current == Some(best) {
        return format!("keep what is set now ({})", figures(best));
    }
    let name = outcome
        .tried
        .get(best)
        .map(|one| one.candidate.name.as_str());
    format!("keep {}", name.unwrap_or_default())
}

/// The first line of a reason: what a program printed before it failed was shown when it did.
fn brief(reason: &str) -> &str {
    let line = reason.lines().next().unwrap_or_default();
    line.strip_suffix("; it printed last:").unwrap_or(line)
}

/// What was proved of the best.
fn proof(tried: &Tried) -> Option<String> {
    let proof = &tried.runs.last()?.1.proof;
    let (all, with) = proof.processes;
    let library = proof.library.as_ref()?;
    let mut text = format!(
        "{library} was mapped into `{}` and {with} of {all} processes",
        proof.process
    );
    if !proof.confirmed.is_empty() {
        text.push_str(&format!(
            ", jemalloc confirmed {}",
            proof.confirmed.join(",")
        ));
    }
    Some(text)
}
