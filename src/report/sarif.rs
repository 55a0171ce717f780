//! SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0), as code scanning takes it.

use std::collections::BTreeSet;
use std::io;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Run, is_fixable, position};
use crate::finding::{Finding, Severity};
use crate::rules::{RULES, Rule};
use crate::text::{Place, Span};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What stands in a path as it is (RFC 3986, unreserved characters).
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

pub(super) fn write(run: &Run, out: &mut dyn io::Write) -> io::Result<()> {
    // Those that found something: the list is what the results point into.
    let found: BTreeSet<&str> = run.findings.iter().map(|finding| finding.rule).collect();
    let rules: Vec<&Rule> = RULES
        .iter()
        .filter(|rule| found.contains(rule.id))
        .collect();
    let prints = run.fingerprints();
    let results = run.findings.iter().zip(&prints);
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "malloclint",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": run.failures.is_empty(),
                "toolExecutionNotifications": notifications(run),
            }],
            "results": results
                .map(|(finding, print)| result(run, &rules, finding, print))
                .collect::<Vec<_>>(),
        }],
    });
    super::json_text(&document, out)
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn descriptor(rule: &Rule) -> Value {
    let meta = rule.meta();
    json!({
        "id": rule.id,
        "shortDescription": {"text": meta.summary},
        "fullDescription": {"text": meta.summary},
        "help": {"text": rule.reasons(), "markdown": rule.reasons()},
        "helpUri": rule.url(),
        "defaultConfiguration": {"level": level(meta.severity)},
    })
}

fn notifications(run: &Run) -> Vec<Value> {
    let failures = run.failures.iter().map(|failure| {
        json!({
            "level": "error",
            "message": {"text": failure.reason},
            "locations": [{"physicalLocation": {"artifactLocation": artifact(run, &failure.path)}}],
        })
    });
    let skipped = run.skipped.iter().map(|(path, reason)| {
        json!({
            "level": "note",
            "message": {"text": format!("not checked: {reason}")},
            "locations": [{"physicalLocation": {"artifactLocation": artifact(run, path)}}],
        })
    });
    failures.chain(skipped).collect()
}

fn result(run: &Run, rules: &[&Rule], finding: &Finding, print: &str) -> Value {
    let message = format!("{}. {}", finding.message, finding.help);
    let labels = finding.labels.iter().enumerate();
    let related = labels.map(|(at, label)| {
        json!({
            "id": at + 1,
            "message": {"text": label.text},
            "physicalLocation": location(run, &label.place),
        })
    });
    let mut result = json!({
        "ruleId": finding.rule,
        "ruleIndex": rules.iter().position(|rule| rule.id == finding.rule),
        "level": level(finding.severity),
        "message": {"text": message.trim_end_matches([' ', '.'])},
        "locations": [{"physicalLocation": location(run, &finding.place)}],
        "relatedLocations": related.collect::<Vec<_>>(),
        "partialFingerprints": {"malloclint/v1": print},
    });
    if let (Some(fix), Some(fields)) = (fix(run, finding), result.as_object_mut()) {
        fields.insert("fixes".into(), json!([fix]));
    }
    result
}

/// The fix with the regions that it changes, and nothing around them.
fn fix(run: &Run, finding: &Finding) -> Option<Value> {
    let remedy = finding.remedy.as_ref().filter(|_| is_fixable(finding))?;
    let file = finding.edited.as_ref().unwrap_or(&finding.place.file);
    let replacements = finding.edits.iter().map(|edit| {
        let place = Place::new(file, edit.span);
        json!({
            "deletedRegion": region(&place),
            "insertedContent": {"text": edit.text},
        })
    });
    Some(json!({
        "description": {"text": remedy.title},
        "artifactChanges": [{
            "artifactLocation": artifact(run, &file.path),
            "replacements": replacements.collect::<Vec<_>>(),
        }],
    }))
}

fn location(run: &Run, place: &Place) -> Value {
    json!({
        "artifactLocation": artifact(run, &place.file.path),
        "region": region(place),
    })
}

fn region(place: &Place) -> Value {
    let at = position::of(place);
    let Span { start, end } = place.span;
    json!({
        "startLine": at.start.line,
        "startColumn": at.start.column,
        "endLine": at.end.line,
        "endColumn": at.end.column,
        "byteOffset": start,
        "byteLength": end - start,
    })
}

/// A path below the top of the repository; an absolute one that does not lie there stays what it is.
fn artifact(run: &Run, path: &str) -> Value {
    let path = run.in_repository(path);
    let encoded = utf8_percent_encode(&path, PATH).to_string();
    if path.starts_with('/') {
        return json!({"uri": format!("file://{encoded}")});
    }
    json!({"uri": encoded, "uriBaseId": "%SRCROOT%"})
}
