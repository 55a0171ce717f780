//! The table of all settings.

use std::fmt::Write;

use super::prose;
use crate::tune::report::{as_shown, figure, ratio, speed, speed_name};
use crate::tune::size::MIB;
use crate::tune::verdict::{Verdict, Verdicts};
use crate::tune::{Estimate, Outcome, Standing, Tried};

/// A row of the table: its number is the setting's key in the pictures.
pub(super) struct Row {
    pub(super) index: usize,
    pub(super) number: usize,
}

/// The settings of the table, the best first.
pub(super) fn listed(outcome: &Outcome) -> Vec<Row> {
    let measured = |index: &usize| {
        let tried = outcome.tried.get(*index);
        tried.is_some_and(|tried| !tried.runs.is_empty() && tried.discarded.is_none())
    };
    let all = super::ranked(outcome).into_iter().filter(measured);
    let row = |(place, index)| Row {
        index,
        number: place + 1,
    };
    all.enumerate().map(row).collect()
}

/// The rows as HTML.
pub(super) fn rows(outcome: &Outcome) -> String {
    let mut rows = String::new();
    for row in listed(outcome) {
        let pair = outcome
            .tried
            .get(row.index)
            .zip(outcome.standings.get(row.index));
        let Some((tried, standing)) = pair else {
            continue;
        };
        let (class, word) = standing_of(outcome, row.index, tried, standing);
        let _ = write!(
            rows,
            "<tr{class}><td class=\"key\">{}</td><td class=\"name\">{}<small>{word}</small></td>",
            row.number,
            prose(&tried.candidate.name)
        );
        cells(&mut rows, outcome, row.index, (tried, standing));
        let runs = cell("runs", &tried.runs.len().to_string());
        let _ = writeln!(rows, "{runs}</tr>");
    }
    rows
}

/// The class of a row, and what is said below its name.
fn standing_of(
    outcome: &Outcome,
    index: usize,
    tried: &Tried,
    standing: &Standing,
) -> (&'static str, &'static str) {
    if Some(index) == outcome.leader {
        (" class=\"winner\"", "best")
    } else if tried.dropped.is_some() {
        (" class=\"behind\"", "left out early")
    } else if standing.pareto {
        ("", "not beaten in everything (Pareto)")
    } else {
        ("", "")
    }
}

/// The figures of a row. Narrow screens show the name of a column beside each.
fn cells(
    rows: &mut String,
    outcome: &Outcome,
    index: usize,
    (tried, standing): (&Tried, &Standing),
) {
    let verdicts = Verdicts::of(standing);
    let cost = match outcome.judge.more_is_better {
        Some(true) => verdicts.cost.turned(),
        _ => verdicts.cost,
    };
    let said = |estimate: Option<Estimate>, verdict: Verdict| {
        let words = if index == 0 { "" } else { verdict.words() };
        format!("{}<small>{words}</small>", ratio(estimate))
    };
    let speed_name = speed_name(outcome);
    let memory = tried.typical(|run| outcome.judge.memory(run) / MIB);
    let all = [
        cell("memory, MiB", &figure(memory, 1)),
        cell("ratio", &said(standing.memory, verdicts.memory)),
        cell("CPU", &said(standing.cpu, verdicts.cpu)),
        cell(speed_name, &figure(tried.typical(speed), 2)),
        cell("ratio", &said(as_shown(outcome, standing.cost), cost)),
    ];
    rows.push_str(&all.concat());
}

fn cell(column: &str, text: &str) -> String {
    format!("<td data-column=\"{column}\">{text}</td>")
}
