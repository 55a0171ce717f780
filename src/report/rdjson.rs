//! reviewdog's diagnostics (github.com/reviewdog/reviewdog, proto/rdf): columns count bytes of UTF-8, paths are those of the
//! folder that reviewdog runs in.

use std::io;

use serde_json::{Value, json};

use super::{Run, is_fixable, position, with_help};
use crate::finding::{Finding, Severity};
use crate::text::Place;

pub(super) fn write(run: &Run, out: &mut dyn io::Write) -> io::Result<()> {
    let diagnostics: Vec<Value> = run.findings.iter().map(diagnostic).collect();
    let document = json!({
        "source": {"name": "malloclint", "url": env!("CARGO_PKG_REPOSITORY")},
        "diagnostics": diagnostics,
    });
    super::json_text(&document, out)
}

fn diagnostic(finding: &Finding) -> Value {
    let file = &finding.place.file;
    let edited = finding.edited.as_ref().unwrap_or(file);
    // A suggestion is made where the finding is shown.
    let edits = finding.edits.iter();
    let edits = edits.filter(|_| edited.path == file.path && is_fixable(finding));
    let suggestions = edits.map(|edit| {
        json!({
            "range": range(&Place::new(edited, edit.span)),
            "text": edit.text,
        })
    });
    json!({
        "message": with_help(finding),
        "location": location(&finding.place),
        "severity": match finding.severity {
            Severity::Error => "ERROR",
            Severity::Warning => "WARNING",
            Severity::Info => "INFO",
        },
        "code": {"value": finding.rule, "url": crate::rules::url(finding.rule)},
        "suggestions": suggestions.collect::<Vec<_>>(),
        "relatedLocations": finding.labels.iter().map(|label| json!({
            "message": label.text,
            "location": location(&label.place),
        })).collect::<Vec<_>>(),
    })
}

fn location(place: &Place) -> Value {
    json!({"path": place.file.path, "range": range(place)})
}

fn range(place: &Place) -> Value {
    let at = position::in_bytes(place);
    json!({
        "start": {"line": at.start.line, "column": at.start.column},
        "end": {"line": at.end.line, "column": at.end.column},
    })
}
