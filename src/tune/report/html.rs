//! One page for people who were not there: no script, no network, readable in ten years.

use std::fmt::Write;
use std::io;

use super::svg::{self, Curve, Point};
use super::{MIB, brief, charted, lines, proof, ranked, ratio, speed, speed_name, stop, verdict};
use crate::secrets::{masked, masked_words};
use crate::text::duration;
use crate::text::svg::escape;
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

const GAPS: [&str; 11] = [
    "command",
    "verdict",
    "lines",
    "proof",
    "legend",
    "memory",
    "front",
    "speed",
    "rows",
    "discarded",
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
        "command" => escape(&command(outcome)),
        "verdict" => paragraphs(&verdict(outcome)),
        "lines" => {
            let lines = lines(outcome);
            let lines = Some(lines).filter(|lines| !lines.is_empty())?;
            format!("<pre>{}</pre>", escape(&lines.join("\n")))
        }
        "proof" => best
            .and_then(proof)
            .map(|proof| escape(&format!("Proof: {proof}.")))?,
        "legend" => legend(outcome),
        "memory" => memory(outcome),
        "front" => front(outcome),
        "speed" => speed_name(outcome).into(),
        "rows" => rows(outcome),
        "discarded" => discarded(outcome),
        "method" => escape(&method(outcome)),
        _ => return None,
    })
}

fn command(outcome: &Outcome) -> String {
    let words = outcome.command.iter();
    let words: Vec<String> = words
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let load = outcome.load.as_ref();
    let load = load.map(|load| format!("\nload: {}", masked(load)));
    format!(
        "{}{}",
        masked_words(&words).join(" "),
        load.unwrap_or_default()
    )
}

fn paragraphs(lines: &[String]) -> String {
    lines
        .iter()
        .map(|line| format!("<p>{}</p>", escape(line)))
        .collect()
}

fn legend(outcome: &Outcome) -> String {
    let one = |(number, (name, _)): (usize, &(String, _))| {
        format!("<span><i class=\"l{number}\"></i>{}</span>", escape(name))
    };
    charted(outcome).iter().enumerate().map(one).collect()
}

fn memory(outcome: &Outcome) -> String {
    let shown = charted(outcome);
    let curves: Vec<Curve<'_>> = shown
        .iter()
        .filter_map(|(name, tried)| {
            let samples = tried.typical_run()?.samples.as_slice();
            Some(Curve {
                name: name.clone(),
                samples,
            })
        })
        .collect();
    svg::memory(&curves)
}

fn front(outcome: &Outcome) -> String {
    let point = |(index, tried): (usize, &crate::tune::Tried)| {
        let standing = outcome.standings.get(index)?;
        let class = if Some(index) == outcome.leader {
            "winner-point"
        } else if standing.pareto {
            "front-point"
        } else {
            "point"
        };
        Some(Point {
            name: tried.candidate.name.clone(),
            memory: standing.memory?.ratio().0,
            cpu: standing.cpu?.ratio().0,
            class,
        })
    };
    let points: Vec<Point> = outcome.tried.iter().enumerate().filter_map(point).collect();
    svg::front(&points)
}

fn rows(outcome: &Outcome) -> String {
    let mut rows = String::new();
    for index in ranked(outcome) {
        let (Some(tried), Some(standing)) =
            (outcome.tried.get(index), outcome.standings.get(index))
        else {
            continue;
        };
        if tried.runs.is_empty() || tried.discarded.is_some() {
            continue;
        }
        let (class, word) = if Some(index) == outcome.leader {
            ("winner", "best")
        } else if tried.dropped.is_some() {
            ("behind", "dropped")
        } else if standing.pareto {
            ("", "Pareto")
        } else {
            ("", "")
        };
        let typical = |figure: Option<f64>, digits: usize| {
            figure.map_or_else(|| "-".into(), |figure| format!("{figure:.digits$}"))
        };
        let _ = writeln!(
            rows,
            "<tr class=\"{class}\"><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{word}</td></tr>",
            escape(&tried.candidate.name),
            typical(tried.typical(|run| outcome.judge.memory(run) / MIB), 1),
            ratio(standing.memory),
            ratio(standing.cpu),
            typical(tried.typical(speed), 2),
            ratio(super::shown_cost(outcome, index)),
            tried.runs.len()
        );
    }
    rows
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
        format!("<h2>Discarded</h2><ul>{items}</ul>")
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
        "Memory is the proportional set size of all processes of the tree, read from /proc while they ran; {memory} counts. CPU time is that of all processes. Settings were measured in {} interleaved rounds within {}, the worse half left out after each, and every ratio is against {first} in the same round; ± is the 95 % interval of the mean. Goal: {}. Seed of the drawing: {}. Measuring ended because {}.",
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
