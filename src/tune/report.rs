//! What came out, in four forms. A form shows what is in the outcome; it decides nothing.

mod answer;
mod chart;
mod csv;
mod html;
mod json;
mod latencies;
mod lines;
mod roles;
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

use super::size::MIB;
use super::{Estimate, Outcome, Run, Stop, Tried};
use crate::load::Settings;
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

/// A wider interval says nothing, however wide it is.
const WIDEST: f64 = 1.0;

/// A ratio with its interval: `0.63 ± 0.04`; the half width is that of the wider side.
fn ratio(estimate: Option<Estimate>) -> String {
    let Some(estimate) = estimate else {
        return "-".into();
    };
    let (mean, ends) = estimate.ratio();
    match ends {
        Some((low, high)) if high - mean <= WIDEST => {
            format!("{mean:.2} ± {:.2}", (mean - low).max(high - mean))
        }
        Some(_) => format!("{mean:.2} ± ?"),
        None => format!("{mean:.2}"),
    }
}

/// A figure with so many digits after the point, where there is one.
fn figure(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value:.digits$}"))
}

/// What the last column is about: the user's figure, what requests took, or the time.
fn speed_name(outcome: &Outcome) -> &'static str {
    speed_of(
        outcome.requests.as_ref(),
        outcome.judge.more_is_better.is_some(),
        outcome.load.is_some(),
    )
}

/// The same, of requests, a figure of the user's own, a load, or a command.
pub(super) fn speed_of(
    requests: Option<&Settings>,
    has_metric: bool,
    has_load: bool,
) -> &'static str {
    if let Some(requests) = requests {
        return requests.rate.map_or("requests/s", |_| "p99 ms");
    }
    match (has_metric, has_load) {
        (true, _) => "metric",
        (false, true) => "load time",
        (false, false) => "time",
    }
}

/// The last column's value of a run.
fn speed(run: &Run) -> f64 {
    run.metric.unwrap_or(run.wall.as_secs_f64())
}

/// The last figure as the user reads it: where more is better, the figure itself.
fn as_shown(outcome: &Outcome, cost: Option<Estimate>) -> Option<Estimate> {
    let mut estimate = cost?;
    if outcome.judge.more_is_better == Some(true) {
        estimate.mean = -estimate.mean;
    }
    Some(estimate)
}

/// Its ratio.
fn shown_cost(outcome: &Outcome, index: usize) -> Option<Estimate> {
    as_shown(outcome, outcome.standings.get(index)?.cost)
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
        Stop::Rounds => "more are not to be made (`--rounds`)".into(),
        Stop::Budget => "the budget was used up".into(),
        Stop::Discarded => "every setting that was to be compared was discarded".into(),
        Stop::Interrupted => "it was interrupted".into(),
        Stop::Failed(reason) => format!("the command failed: {reason}"),
    }
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
