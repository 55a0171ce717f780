//! One file in, findings out: parse, read units, let the rules look, take away what is suppressed.

mod dockerfiles;
mod manifests;
pub mod suppress;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::finding::{Applicability, Finding};
use crate::model;
use crate::project::{Format, Project};
use crate::templates::Style;
use crate::text::{Edit, Place, SourceFile, Span};

/// What became of one file.
#[derive(Debug, Default)]
pub struct Checked {
    /// Sorted by place, without repetition.
    pub findings: Vec<Finding>,
    /// Why the file was not judged, where it was not: `a Jinja template`.
    pub skipped: Option<String>,
    /// How many units came out of it.
    pub units: usize,
}

impl Checked {
    fn skipped(why: impl Into<String>) -> Self {
        Self {
            skipped: Some(why.into()),
            ..Self::default()
        }
    }
}

/// Checks one file.
#[must_use]
pub fn check(file: &Arc<SourceFile>, project: &Project<'_>, style: Style) -> Checked {
    let (mut checked, _) = examine(file, project, style);
    say_once(&mut checked.findings, |finding| finding);
    checked
}

/// Looks at one file: all findings of every unit, and the units that were judged.
#[must_use]
pub fn examine(
    file: &Arc<SourceFile>,
    project: &Project<'_>,
    style: Style,
) -> (Checked, Vec<model::Unit>) {
    if is_binary(&file.bytes) {
        let mut checked = Checked::default();
        let start = Place::new(file, Span::empty(0));
        checked.findings.extend(suppress::of_tool(
            "unreadable-input",
            &start,
            "this is a binary file, no Dockerfile",
        ));
        return (checked, Vec::new());
    }
    match Format::of(&file.path, &file.bytes) {
        Format::Dockerfile => dockerfiles::examine(file, project, style),
        format => manifests::examine(file, format, project, style),
    }
}

/// The units of a file, for those who want to see what the rules see.
#[must_use]
pub fn units(file: &Arc<SourceFile>, project: &Project<'_>) -> Vec<model::Unit> {
    examine(file, project, Style::default()).1
}

/// Gives a finding the edits of its remedy, as `spell` writes them, or says why there are none.
pub(crate) fn spell(
    file: &Arc<SourceFile>,
    finding: &mut Finding,
    spell: impl FnOnce(&[model::Change]) -> Result<Vec<Edit>, String>,
) {
    match spelled(file, finding, spell) {
        Ok(edits) => {
            finding.edits = edits;
            finding.edited = Some(Arc::clone(file));
        }
        Err(reason) => finding.refusal = Some(reason),
    }
}

/// The edits of a finding's remedy, all of its changes.
fn spelled(
    file: &Arc<SourceFile>,
    finding: &Finding,
    spell: impl FnOnce(&[model::Change]) -> Result<Vec<Edit>, String>,
) -> Result<Vec<Edit>, String> {
    let Some(remedy) = &finding.remedy else {
        return Ok(Vec::new());
    };
    if let Applicability::Manual(why) = &remedy.applicability {
        return Err(why.clone());
    }
    // What is wrong in a script may still be mended here, where the changes are all of this file.
    let elsewhere = !Arc::ptr_eq(&finding.place.file, file);
    if elsewhere && remedy.changes.iter().any(|change| !change.is_an_addition()) {
        return Err(format!(
            "it is in {}, not in this file",
            finding.place.file.path
        ));
    }
    spell(&remedy.changes)
}

fn is_binary(bytes: &[u8]) -> bool {
    const HEAD: usize = 8192;
    let head = bytes.get(..HEAD.min(bytes.len())).unwrap_or_default();
    let odd = head.iter().filter(|&&byte| byte == 0).count();
    odd * 1000 > head.len()
}

fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    let key = |finding: &Finding| {
        (
            finding.place.file.path.clone(),
            finding.place.span,
            finding.rule,
            finding.message.clone(),
        )
    };
    findings.sort_by_cached_key(key);
    findings.dedup_by(|a, b| key(a) == key(b));
    findings
}

/// Of findings about an image as a whole the first of each kind: several images of one file that
/// start the same lack the same.
pub fn say_once<T>(all: &mut Vec<T>, finding: impl Fn(&T) -> &Finding) {
    let mut said = BTreeSet::new();
    all.retain(|one| {
        let finding = finding(one);
        !finding.once || said.insert((finding.rule, finding.message.clone()))
    });
}
