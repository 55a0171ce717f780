//! SonarQube's generic issues (docs.sonarsource.com, "Generic issue import format", as from 10.3): rules, then where each is broken.

use std::collections::BTreeMap;
use std::io;

use serde_json::{Value, json};

use super::{Run, position, with_help};
use crate::finding::{Finding, Severity};
use crate::text::Place;

pub(super) fn write(run: &Run, out: &mut dyn io::Write) -> io::Result<()> {
    // A rule has one severity there: the worst that it was found with.
    let mut worst: BTreeMap<&str, Severity> = BTreeMap::new();
    for finding in &run.findings {
        let own = worst.entry(finding.rule).or_insert(finding.severity);
        *own = (*own).max(finding.severity);
    }
    let rules: Vec<Value> = worst
        .iter()
        .map(|(rule, severity)| described(rule, *severity))
        .collect();
    let issues: Vec<Value> = run.findings.iter().map(|one| issue(run, one)).collect();
    super::json_text(&json!({"rules": rules, "issues": issues}), out)
}

fn described(rule: &str, severity: Severity) -> Value {
    let (impact, former, kind) = match severity {
        Severity::Error => ("HIGH", "MAJOR", "BUG"),
        Severity::Warning => ("MEDIUM", "MINOR", "CODE_SMELL"),
        Severity::Info => ("LOW", "INFO", "CODE_SMELL"),
    };
    let quality = if kind == "BUG" {
        "RELIABILITY"
    } else {
        "MAINTAINABILITY"
    };
    json!({
        "id": rule,
        "name": rule,
        "description": summary(rule),
        "engineId": "malloclint",
        "cleanCodeAttribute": "EFFICIENT",
        "type": kind,
        "severity": former,
        "impacts": [{"softwareQuality": quality, "severity": impact}],
    })
}

fn summary(rule: &str) -> String {
    let found = crate::rules::find(rule).map(|rule| rule.meta().summary.clone());
    found.unwrap_or_else(|| rule.to_owned())
}

fn issue(run: &Run, finding: &Finding) -> Value {
    json!({
        "ruleId": finding.rule,
        "primaryLocation": location(run, &finding.place, &with_help(finding)),
        "secondaryLocations": finding.labels.iter()
            .map(|label| location(run, &label.place, &label.text))
            .collect::<Vec<_>>(),
    })
}

fn location(run: &Run, place: &Place, message: &str) -> Value {
    json!({
        "message": message,
        "filePath": run.in_repository(&place.file.path),
        "textRange": range(place),
    })
}

/// Columns count from 0 there, and a range that holds nothing, or ends where no line is, is an error that stops the analysis.
fn range(place: &Place) -> Value {
    let at = position::of(place);
    let (start, end) = (at.start, at.end);
    // A mark of the byte order is no character of its line there.
    let is_marked = start.line == 1 && place.file.bytes.starts_with(b"\xef\xbb\xbf");
    if start.line == end.line && start.column < end.column && !is_marked {
        return json!({
            "startLine": start.line, "endLine": end.line,
            "startColumn": start.column - 1, "endColumn": end.column - 1,
        });
    }
    let ends_before = usize::from(end.column == 1 && end.line > start.line);
    json!({"startLine": start.line, "endLine": end.line - ends_before})
}
