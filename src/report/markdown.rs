//! A table in Markdown, for the summary of a job or a comment.

use std::io;

use super::{Run, counts, harmless, position};
use crate::finding::{Finding, Severity};

/// So many rows are shown: who has more wants another format.
const ROWS: usize = 200;

pub(super) fn write(run: &Run, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "### malloclint: {} in {}", counts(run), run.sources())?;
    if !run.findings.is_empty() {
        writeln!(out, "\n| | where | what | fix |\n|---|---|---|---|")?;
    }
    for finding in run.findings.iter().take(ROWS) {
        writeln!(out, "{}", row(finding))?;
    }
    let more = run.findings.len().saturating_sub(ROWS);
    if more > 0 {
        writeln!(out, "\nand {more} more")?;
    }
    for failure in &run.failures {
        let (path, reason) = (cell(&failure.path), cell(&failure.reason));
        writeln!(out, "\n**not read**: <code>{path}</code>: {reason}")?;
    }
    let fixable = run.fixable();
    if fixable > 0 {
        writeln!(out, "\n`malloclint fix` can fix {fixable} of them.")?;
    }
    Ok(())
}

fn row(finding: &Finding) -> String {
    let word = match finding.severity {
        Severity::Error => "**error**",
        Severity::Warning => "warning",
        Severity::Info => "advice",
    };
    let line = position::of(&finding.place).start.line;
    let path = cell(&finding.place.file.path);
    let url = crate::rules::url(finding.rule);
    format!(
        "| {word} | <code>{path}:{line}</code> | {} ([{}]({url})) | {} |",
        cell(&finding.message),
        finding.rule,
        cell(&finding.help),
    )
}

/// Text in a cell: no bar ends it, no line does, and nothing in it is Markdown, HTML or a name that somebody is called by. What
/// stands in backticks is shown as code.
fn cell(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = String::new();
    let mut code = false;
    for c in harmless(&text).chars() {
        match c {
            '`' => {
                out.push_str(if code { "</code>" } else { "<code>" });
                code = !code;
            }
            '@' => out.push_str("&#64;&#8203;"),
            '|' | '\\' | '<' | '>' | '&' | '[' | ']' | '(' | ')' | '!' | '*' | '_' | '~' | '#' => {
                out.push_str(&format!("&#{};", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    if code {
        out.push_str("</code>");
    }
    out
}
