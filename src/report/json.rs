//! One JSON object for programs. Its shape is a promise: see `docs/json.md`.

use std::io;

use serde::Serialize;

use super::Run;
use super::coverage::Coverage;
use crate::finding::{Applicability, Finding, Severity};
use crate::secrets::masked;
use crate::text::Place;
use crate::verdict::{Judged, Verdict};

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    findings: Vec<Entry<'a>>,
    skipped: Vec<Note<'a>>,
    failures: Vec<Note<'a>>,
    units: Vec<Unit<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct Entry<'a> {
    rule: &'a str,
    severity: Severity,
    confidence: &'static str,
    doubt: Option<&'a str>,
    #[serde(flatten)]
    place: Position<'a>,
    message: &'a str,
    labels: Vec<Label<'a>>,
    notes: &'a [String],
    help: &'a str,
    url: String,
    fingerprint: String,
    fix: Option<Fix<'a>>,
}

#[derive(Serialize)]
struct Position<'a> {
    path: &'a str,
    span: Bytes,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Serialize)]
struct Bytes {
    start: usize,
    end: usize,
}

#[derive(Serialize)]
struct Label<'a> {
    #[serde(flatten)]
    place: Position<'a>,
    text: &'a str,
}

#[derive(Serialize)]
struct Fix<'a> {
    title: &'a str,
    applicability: &'static str,
    reason: Option<&'a str>,
    edits: Vec<Edit<'a>>,
}

#[derive(Serialize)]
struct Edit<'a> {
    path: &'a str,
    start: usize,
    end: usize,
    text: &'a str,
}

#[derive(Serialize)]
struct Note<'a> {
    path: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct Summary {
    files: usize,
    errors: usize,
    warnings: usize,
    infos: usize,
    fixable: usize,
    #[serde(flatten)]
    coverage: Coverage,
}

#[derive(Serialize)]
struct Unit<'a> {
    path: &'a str,
    line: usize,
    name: &'a str,
    verdict: &'static str,
    reason: String,
    help: Option<&'static str>,
}

/// Each finding, in their order.
pub(super) fn entries(run: &Run) -> impl Iterator<Item = impl Serialize + '_> {
    all(run)
}

fn all(run: &Run) -> impl Iterator<Item = Entry<'_>> {
    let prints = run.fingerprints().into_iter();
    let entries = run.findings.iter().zip(prints);
    entries.map(|(finding, print)| entry(finding, print))
}

pub(super) fn write(run: &Run, out: &mut dyn io::Write) -> io::Result<()> {
    let entries = all(run);
    let document = Document {
        version: 1,
        findings: entries.collect(),
        skipped: run
            .skipped
            .iter()
            .map(|(path, reason)| Note { path, reason })
            .collect(),
        failures: run
            .failures
            .iter()
            .map(|failure| Note {
                path: &failure.path,
                reason: &failure.reason,
            })
            .collect(),
        units: run.units.iter().map(unit).collect(),
        summary: Summary {
            coverage: Coverage::of(run),
            files: run.files,
            errors: run.count(Severity::Error),
            warnings: run.count(Severity::Warning),
            infos: run.count(Severity::Info),
            fixable: run
                .findings
                .iter()
                .filter(|finding| !finding.edits.is_empty())
                .count(),
        },
    };
    super::json_text(&document, out)
}

fn unit(unit: &Judged) -> Unit<'_> {
    // Programs find out by the findings what of them is advice.
    let verdict = match unit.verdict {
        Verdict::Advice => Verdict::Findings,
        verdict => verdict,
    };
    Unit {
        path: &unit.place.file.path,
        line: unit.place.line(),
        name: &unit.name,
        verdict: verdict.word(),
        reason: masked(&unit.reason).into_owned(),
        help: (!unit.help.is_empty()).then_some(unit.help),
    }
}

fn entry(finding: &Finding, fingerprint: String) -> Entry<'_> {
    Entry {
        rule: finding.rule,
        severity: finding.severity,
        confidence: finding.confidence.word(),
        doubt: finding.doubt.as_deref(),
        place: position(&finding.place),
        message: &finding.message,
        labels: finding
            .labels
            .iter()
            .map(|label| Label {
                place: position(&label.place),
                text: &label.text,
            })
            .collect(),
        notes: &finding.notes,
        help: &finding.help,
        url: crate::rules::url(finding.rule),
        fingerprint,
        fix: fix(finding),
    }
}

/// A fix is shown where the tool can spell it; what only a person can do is in `help`.
fn fix(finding: &Finding) -> Option<Fix<'_>> {
    let remedy = finding
        .remedy
        .as_ref()
        .filter(|_| !finding.edits.is_empty())?;
    let file = finding.edited.as_ref().unwrap_or(&finding.place.file);
    Some(Fix {
        title: &remedy.title,
        applicability: Applicability::word(&remedy.applicability),
        reason: remedy.applicability.reason(),
        edits: finding
            .edits
            .iter()
            .map(|edit| Edit {
                path: &file.path,
                start: edit.span.start,
                end: edit.span.end,
                text: &edit.text,
            })
            .collect(),
    })
}

fn position(place: &Place) -> Position<'_> {
    let at = super::position::of(place);
    Position {
        path: &place.file.path,
        span: Bytes {
            start: place.span.start,
            end: place.span.end,
        },
        line: at.start.line,
        column: at.start.column,
        end_line: at.end.line,
        end_column: at.end.column,
    }
}
