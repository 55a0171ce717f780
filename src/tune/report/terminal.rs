//! The report for people at a terminal.

use std::io;

use super::answer::{self, answer, reasons};
use super::chart::{self, Axes};
use super::roles::shown;
use super::{
    MIB, brief, figure, latencies, lines, proof, ranked, ratio, shown_cost, speed, speed_name, stop,
};
use crate::text::duration;
use crate::tune::size::mib;
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
    head(outcome, style, out)?;
    if outcome.tried.iter().any(|tried| !tried.runs.is_empty()) {
        figures(outcome, style, out)?;
        table(outcome, style, out)?;
    }
    discarded(outcome, out)?;
    charts(outcome, style, out)?;
    basis(outcome, out)
}

/// The answer, and what stands behind it.
fn head(outcome: &Outcome, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let (on, off) = bold(style);
    for line in wrapped(&answer(outcome), style, "") {
        writeln!(out, "{on}{line}{off}")?;
    }
    for reason in reasons(outcome) {
        for line in wrapped(&reason, style, "") {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// What is said of the settings that are always shown.
fn figures(outcome: &Outcome, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    for one in shown(outcome) {
        writeln!(out)?;
        for line in wrapped(&one.title(), style, "") {
            writeln!(out, "{line}")?;
        }
        let memory = one.tried.typical(|run| outcome.judge.memory(run));
        let memory = memory.map_or_else(|| "-".into(), mib);
        let said = match answer::figures(outcome, one.index) {
            Some(figures) => format!("{memory}; {figures}"),
            None => format!("{memory}: what all ratios are against"),
        };
        for line in wrapped(&said, style, "  ") {
            writeln!(out, "{line}")?;
        }
    }
    writeln!(out)
}

/// A sentence in lines of the terminal's width. Names of settings have no blanks, and are never cut.
fn wrapped(text: &str, style: Style, indent: &str) -> Vec<String> {
    let options = textwrap::Options::new(style.width)
        .initial_indent(indent)
        .subsequent_indent(if indent.is_empty() { "  " } else { indent })
        .break_words(false)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    let lines = textwrap::wrap(text, options).into_iter();
    lines.map(std::borrow::Cow::into_owned).collect()
}

const fn bold(style: Style) -> (&'static str, &'static str) {
    if style.colour {
        ("\x1b[1m", "\x1b[0m")
    } else {
        ("", "")
    }
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
    // The name comes last: it may be of any length, and is never cut. One that does not fit has its own line.
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
        let figures = format!(
            "{mark} {:>8} {:>13} {:>13} {:>10} {:>13} {:>4}",
            figure(tried.typical(|run| outcome.judge.memory(run) / MIB), 1),
            ratio(standing.memory),
            ratio(standing.cpu),
            figure(tried.typical(speed), 2),
            ratio(shown_cost(outcome, index)),
            tried.runs.len(),
        );
        let name = &tried.candidate.name;
        let fits = figures.chars().count() + 2 + name.chars().count() <= style.width;
        let gap = if fits { "  " } else { "\n    " };
        writeln!(out, "{on}{figures}{gap}{name}{off}")?;
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
        "  ratios are against {first} in the same round, ± is the 95 % interval of their mean (`?`: too few runs to tell)"
    )
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
    let shown = shown(outcome);
    let runs: Vec<_> = shown
        .iter()
        .filter_map(|one| Some((one.title(), one.tried.typical_run()?)))
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
        chart::write(&title, &run.samples, axes, out)?;
    }
    Ok(())
}

/// How long it took, why it ended, what was proved of the best, and the lines that set it: who looks at a
/// terminal sees the end first.
fn basis(outcome: &Outcome, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(
        out,
        "\n{} rounds in {}: {}",
        outcome.rounds,
        duration::show(outcome.elapsed),
        stop(outcome)
    )?;
    let best = outcome.leader.and_then(|leader| outcome.tried.get(leader));
    if let Some(proof) = best.and_then(proof) {
        writeln!(out, "proof: {proof}")?;
    }
    let lines = lines(outcome);
    if !lines.is_empty() {
        writeln!(out)?;
    }
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}
