//! One page for people who were not there: no script, no network, readable in ten years.

mod facts;
mod rows;

use std::io;

use super::answer::{self, answer, reasons};
use super::roles::{Shown, shown};
use super::svg::{self, Bar, Curve, PARTS, Point};
use super::{brief, latencies, lines, proof, ranked, speed_name, stop};
use crate::secrets::{masked, masked_words};
use crate::text::duration;
use crate::text::svg::escape;
use crate::tune::size::mib;
use crate::tune::{Memory, Outcome};

const PAGE: &str = include_str!("../../../templates/tune-report.html");

/// Writes the page.
///
/// # Errors
/// Where the output cannot be written.
pub(crate) fn write(outcome: &Outcome, out: &mut dyn io::Write) -> io::Result<()> {
    let mut rest = PAGE;
    // The style sheet has braces, too: a gap is a brace around a name that is known here.
    while let Some((head, gap, after)) = next_gap(rest) {
        out.write_all(head.as_bytes())?;
        out.write_all(fill(gap, outcome).unwrap_or_default().as_bytes())?;
        rest = after;
    }
    out.write_all(rest.as_bytes())
}

const GAPS: [&str; 17] = [
    "answer",
    "when",
    "command",
    "reasons",
    "lines",
    "proof",
    "figures",
    "legend",
    "memory",
    "front",
    "held",
    "speed",
    "rows",
    "latencies",
    "discarded",
    "facts",
    "method",
];

fn next_gap(text: &str) -> Option<(&str, &'static str, &str)> {
    let found = GAPS
        .iter()
        .filter_map(|gap| Some((text.find(&format!("{{{gap}}}"))?, *gap)));
    let (at, gap) = found.min()?;
    let after = text.get(at + gap.len() + 2..)?;
    Some((text.get(..at)?, gap, after))
}

fn fill(gap: &str, outcome: &Outcome) -> Option<String> {
    let best = outcome.leader.and_then(|leader| outcome.tried.get(leader));
    Some(match gap {
        "answer" => prose(&answer(outcome)),
        "when" => facts::when(outcome),
        "command" => escape(&command(outcome)),
        "reasons" => paragraphs(&reasons(outcome)),
        "lines" => {
            let lines = lines(outcome);
            let lines = Some(lines).filter(|lines| !lines.is_empty())?;
            format!("<pre>{}</pre>", escape(&lines.join("\n")))
        }
        "proof" => best.and_then(proof).map(|proof| {
            format!(
                "<p class=\"dim\">{}</p>",
                escape(&format!("Proof: {proof}."))
            )
        })?,
        "figures" => figures(outcome),
        "legend" => legend(outcome),
        "memory" => memory(outcome),
        "front" => front(outcome),
        "held" => held(outcome)?,
        "speed" => speed_name(outcome).into(),
        "rows" => rows::rows(outcome),
        "latencies" => paragraphs(&latencies(outcome)),
        "discarded" => discarded(outcome),
        "facts" => facts::facts(outcome),
        "method" => prose(&method(outcome)),
        _ => return None,
    })
}

fn command(outcome: &Outcome) -> String {
    let words = outcome.command.iter();
    let words: Vec<String> = words
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let image = outcome.image.as_ref();
    let image = image.map(|image| format!("\nimage: {image}"));
    let load = outcome.load.as_ref();
    let load = load.map(|load| format!("\nload: {}", masked(load)));
    format!(
        "{}{}{}",
        masked_words(&words).join(" "),
        image.unwrap_or_default(),
        load.unwrap_or_default()
    )
}

/// A sentence as HTML: what stands in backticks is code, and a long setting may go on in the next line
/// after a comma.
fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let part = |(number, part): (usize, &str)| {
        let part = escape(part).replace(',', ",<wbr>");
        if number % 2 == 0 {
            part
        } else {
            format!("<code>{part}</code>")
        }
    };
    parts.map(part).collect()
}

fn paragraphs(lines: &[String]) -> String {
    lines
        .iter()
        .map(|line| format!("<p>{}</p>", prose(line)))
        .collect()
}

/// What is said of the settings that are always shown.
fn figures(outcome: &Outcome) -> String {
    let one = |one: &Shown<'_>| {
        let memory = one.tried.typical(|run| outcome.judge.memory(run));
        let memory = memory.map_or_else(|| "-".into(), mib);
        let said = answer::figures(outcome, one.index);
        let said = said.unwrap_or_else(|| "what all ratios are against".into());
        format!(
            "<dt><i class=\"{}\"></i>{}</dt><dd>{memory}; {}</dd>",
            one.class(),
            prose(&one.title()),
            escape(&said)
        )
    };
    shown(outcome).iter().map(one).collect()
}

/// The short names of the pictures, with their colours.
fn legend(outcome: &Outcome) -> String {
    let one = |one: &Shown<'_>| {
        format!(
            "<span><i class=\"{}\"></i>{}</span>",
            one.class(),
            escape(&one.short())
        )
    };
    shown(outcome).iter().map(one).collect()
}

fn memory(outcome: &Outcome) -> String {
    let shown = shown(outcome);
    let curve = |one: &Shown<'_>| {
        let samples = outcome
            .tried
            .get(one.index)?
            .typical_run()?
            .samples
            .as_slice();
        Some(Curve {
            name: one.title(),
            class: one.class(),
            samples,
        })
    };
    let curves: Vec<Curve<'_>> = shown.iter().filter_map(curve).collect();
    svg::curves(&curves)
}

/// Those that are always shown come first; the others are called by their numbers in the table.
fn front(outcome: &Outcome) -> String {
    let point = |index: usize, label: String, role: Option<&Shown<'_>>| {
        let standing = outcome.standings.get(index)?;
        Some(Point {
            label,
            name: outcome.tried.get(index)?.candidate.name.clone(),
            memory: standing.memory?,
            cpu: standing.cpu?,
            class: role.map_or("other", Shown::class),
            is_main: role.is_some(),
        })
    };
    let shown = shown(outcome);
    let main = shown
        .iter()
        .filter_map(|one| point(one.index, one.short(), Some(one)));
    let is_main = |index: usize| shown.iter().any(|one| one.index == index);
    let others = rows::listed(outcome).into_iter();
    let others = others.filter(|row| !is_main(row.index));
    let others = others.filter_map(|row| point(row.index, row.number.to_string(), None));
    let points: Vec<Point> = main.chain(others).collect();
    let baseline = outcome
        .tried
        .first()
        .map_or("", |first| &first.candidate.name);
    svg::front(&points, baseline)
}

/// What is in use and what is free, where that could be read.
fn held(outcome: &Outcome) -> Option<String> {
    let bar = |one: &Shown<'_>| {
        let held = one.tried.typical_run()?.held?;
        Some(Bar {
            name: one.short(),
            held,
        })
    };
    let bars: Vec<Bar> = shown(outcome).iter().filter_map(bar).collect();
    if bars.is_empty() {
        return None;
    }
    let legend = |(name, class, of): &(&str, &str, fn(&crate::inspect::Holdings) -> u64)| {
        let any = bars.iter().any(|bar| of(&bar.held) > 0);
        any.then(|| format!("<span><i class=\"{class}\"></i>{name}</span>"))
    };
    let legend: String = PARTS.iter().filter_map(legend).collect();
    Some(format!(
        "<section class=\"picture\"><h2>In use and free at rest</h2><p class=\"dim\">Of all processes together: what forked workers share counts in each.</p><p class=\"legend\">{legend}</p>{}</section>",
        svg::bars(&bars)
    ))
}

fn discarded(outcome: &Outcome) -> String {
    let one = |tried: &crate::tune::Tried| {
        let reason = tried.discarded.as_ref()?;
        Some(format!(
            "<li><code>{}</code>: {}</li>",
            escape(&tried.candidate.name),
            escape(brief(reason))
        ))
    };
    let items: String = outcome.tried.iter().filter_map(one).collect();
    if items.is_empty() {
        items
    } else {
        format!("<section><h2>Discarded</h2><ul>{items}</ul></section>")
    }
}

fn method(outcome: &Outcome) -> String {
    let memory = match outcome.judge.memory {
        Memory::Mean => "its mean over time",
        Memory::Peak => "its peak",
        Memory::End => "what is left at the end",
    };
    let first = outcome
        .tried
        .first()
        .map_or("", |one| one.candidate.name.as_str());
    format!(
        "Memory is the proportional set size of all processes of the tree, read from /proc while they ran; {memory} counts. CPU time is that of all processes. Settings were measured in {} interleaved rounds within {}, the worse half left out after each, and every ratio is against {first} in the same round; ± is the 95 % interval of the mean. What is sure is so by an interval of 99.5 %, which is wider, as it is looked at after every round. Goal: {}. Seed of the drawing: {}. Measuring ended because {}.",
        outcome.rounds,
        duration::show(outcome.elapsed),
        outcome.judge.goal.name.name(),
        outcome.seed,
        stop(outcome)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(escape("<b a='1'>\"&"), "&lt;b a=&#39;1&#39;&gt;&quot;&amp;");
        assert_eq!(prose("a `<b>,c` d"), "a <code>&lt;b&gt;,<wbr>c</code> d");
    }

    #[test]
    fn print_has_no_dark_ground_and_cuts_no_row() {
        assert!(PAGE.contains("@media screen and (prefers-color-scheme: dark)"));
        let print = PAGE.split_once("@media print").unwrap().1;
        assert!(print.contains("break-inside: avoid"));
    }

    #[test]
    fn every_gap_of_the_page_is_known_and_it_loads_nothing() {
        let mut rest = PAGE;
        let mut gaps = Vec::new();
        while let Some((_, gap, after)) = next_gap(rest) {
            gaps.push(gap);
            rest = after;
        }
        gaps.sort_unstable();
        let mut known = GAPS.to_vec();
        known.sort_unstable();
        assert_eq!(gaps, known);
        for word in [
            "http:", "https:", "//", "<script", "@import", "url(", "src=",
        ] {
            assert!(!PAGE.contains(word), "{word}");
        }
    }
}
