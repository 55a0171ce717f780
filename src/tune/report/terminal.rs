//! The report for people at a terminal.

use std::io;

use super::chart::{self, Axes};
use super::{
    MIB, brief, charted, latencies, lines, proof, ranked, ratio, shown_cost, speed, speed_name,
    stop, verdict,
};
use crate::text::duration;
use crate::tune::{Memory, Outcome};

/// The axis of a chart takes so many columns.
const MARGIN: usize = 16;

/// How it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// Columns.
    pub width: usize,
    /// Whether colours are used.
    pub colour: bool,
}

/// Writes the report.
///
/// # Errors
/// Where the output cannot be written.
pub(crate) fn write(outcome: &Outcome, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    if outcome.tried.iter().any(|tried| !tried.runs.is_empty()) {
        table(outcome, style, out)?;
    }
    discarded(outcome, out)?;
    charts(outcome, style, out)?;
    recommendation(outcome, style, out)
}

fn table(outcome: &Outcome, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let memory = match outcome.judge.memory {
        Memory::Mean => "mean MiB",
        Memory::Peak => "peak MiB",
        Memory::End => "end MiB",
    };
    let speed_name = speed_name(outcome);
    writeln!(
        out,
        "  {memory:>8} {:>13} {:>13} {speed_name:>10} {:>13} {:>4}  setting",
        "memory", "CPU", "ratio", "runs"
    )?;
    // The name comes last: it may be of any length, and is never cut.
    for index in ranked(outcome) {
        let (Some(tried), Some(standing)) =
            (outcome.tried.get(index), outcome.standings.get(index))
        else {
            continue;
        };
        if tried.runs.is_empty() || tried.discarded.is_some() {
            continue;
        }
        let best = Some(index) == outcome.leader;
        let mark = match (best, standing.pareto) {
            (true, _) => '>',
            (false, true) => '*',
            (false, false) => ' ',
        };
        let (on, off) = highlight(best && style.colour);
        writeln!(
            out,
            "{on}{mark} {:>8} {:>13} {:>13} {:>10} {:>13} {:>4}  {}{off}",
            figure(tried.typical(|run| outcome.judge.memory(run) / MIB), 1),
            ratio(standing.memory),
            ratio(standing.cpu),
            figure(tried.typical(speed), 2),
            ratio(shown_cost(outcome, index)),
            tried.runs.len(),
            tried.candidate.name,
        )?;
    }
    legend(outcome, out)?;
    let mut lines = latencies(outcome).into_iter();
    lines.try_for_each(|line| writeln!(out, "  {line}"))
}

fn legend(outcome: &Outcome, out: &mut dyn io::Write) -> io::Result<()> {
    let first = outcome
        .tried
        .first()
        .map_or("", |one| one.candidate.name.as_str());
    writeln!(
        out,
        "  > best, * on the Pareto front of memory, CPU and {}",
        speed_name(outcome)
    )?;
    writeln!(
        out,
        "  ratios are against {first} in the same round, ± is the 95 % interval of their mean"
    )
}

fn figure(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value:.digits$}"))
}

const fn highlight(wanted: bool) -> (&'static str, &'static str) {
    if wanted {
        ("\x1b[1;32m", "\x1b[0m")
    } else {
        ("", "")
    }
}

fn discarded(outcome: &Outcome, out: &mut dyn io::Write) -> io::Result<()> {
    for tried in &outcome.tried {
        if let Some(reason) = &tried.discarded {
            let reason = brief(reason);
            writeln!(out, "  discarded {}: {reason}", tried.candidate.name)?;
        }
    }
    Ok(())
}

fn charts(outcome: &Outcome, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let shown = charted(outcome);
    let runs: Vec<_> = shown
        .iter()
        .filter_map(|(title, tried)| Some((title, tried.typical_run()?)))
        .collect();
    let span = |run: &crate::tune::Run| {
        let (first, last) = (run.samples.first(), run.samples.last());
        first.zip(last).map_or(0.0, |(first, last)| {
            last.at.saturating_sub(first.at).as_secs_f64()
        })
    };
    let axes = Axes {
        width: style.width.saturating_sub(MARGIN).clamp(20, 100),
        seconds: runs.iter().map(|(_, run)| span(run)).fold(0.0, f64::max),
        most: runs.iter().map(|(_, run)| run.peak()).fold(0.0, f64::max),
    };
    if runs.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\nmemory (PSS of all processes) over {:.1} s",
        axes.seconds
    )?;
    for (title, run) in runs {
        chart::write(title, &run.samples, axes, out)?;
    }
    Ok(())
}

fn recommendation(outcome: &Outcome, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let (on, off) = if style.colour {
        ("\x1b[1m", "\x1b[0m")
    } else {
        ("", "")
    };
    writeln!(
        out,
        "\n{} rounds in {}: {}",
        outcome.rounds,
        duration::show(outcome.elapsed),
        stop(outcome)
    )?;
    for line in verdict(outcome) {
        writeln!(out, "{on}{line}{off}")?;
    }
    let Some(best) = outcome.leader.and_then(|leader| outcome.tried.get(leader)) else {
        return Ok(());
    };
    if let Some(proof) = proof(best) {
        writeln!(out, "proof: {proof}")?;
    }
    let lines = lines(outcome);
    if !lines.is_empty() {
        writeln!(out)?;
    }
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}
