//! GitLab's code quality report (docs.gitlab.com, "Code Quality", "Code Quality report format").

use std::io;

use serde_json::{Value, json};

use super::{Run, position};
use crate::finding::{Finding, Severity};

pub(super) fn write(run: &Run, out: &mut dyn io::Write) -> io::Result<()> {
    let prints = run.fingerprints();
    let entries = run.findings.iter().zip(&prints);
    let entries: Vec<Value> = entries
        .map(|(finding, print)| entry(run, finding, print))
        .collect();
    super::json_text(&entries, out)
}

fn entry(run: &Run, finding: &Finding, print: &str) -> Value {
    let at = position::of(&finding.place);
    json!({
        "description": finding.message,
        "check_name": finding.rule,
        "fingerprint": print,
        "severity": match finding.severity {
            Severity::Error => "major",
            Severity::Warning => "minor",
            Severity::Info => "info",
        },
        "location": {
            "path": run.in_repository(&finding.place.file.path),
            "lines": {"begin": at.start.line, "end": at.end.line},
        },
        "content": {"body": format!("{}\n\n{}", finding.help, crate::rules::url(finding.rule))},
    })
}
