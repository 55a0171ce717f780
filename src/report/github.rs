//! Annotations of GitHub Actions (docs.github.com, "Workflow commands for GitHub Actions").

use std::io;

use super::{Run, counts, is_harmful, position, with_help};
use crate::finding::{Finding, Severity};

pub(super) fn write(run: &Run, out: &mut dyn io::Write) -> io::Result<()> {
    for finding in &run.findings {
        writeln!(out, "{}", command(run, finding))?;
    }
    writeln!(out, "{} in {}", counts(run), run.sources())
}

fn command(run: &Run, finding: &Finding) -> String {
    let name = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let at = position::of(&finding.place);
    let mut properties = vec![
        ("file", run.in_repository(&finding.place.file.path)),
        ("line", at.start.line.to_string()),
        ("endLine", at.end.line.to_string()),
        ("title", format!("malloclint: {}", finding.rule)),
    ];
    // Columns count where all is on one line.
    if at.start.line == at.end.line && at.start.column < at.end.column {
        properties.insert(2, ("col", at.start.column.to_string()));
        properties.insert(4, ("endColumn", at.end.column.to_string()));
    }
    let properties = properties.iter();
    let properties: Vec<String> = properties
        .map(|(key, value)| format!("{key}={}", property(value)))
        .collect();
    format!(
        "::{name} {}::{}",
        properties.join(","),
        data(&with_help(finding))
    )
}

fn data(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| {
            if is_harmful(c) && !matches!(c, '\r' | '\n' | '\u{1b}') {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect();
    plain
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
        .replace('\u{1b}', "%1B")
        // It would be an order of its own, wherever it stands.
        .replace("##[", "##\u{fffd}[")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
