//! One file in, findings out: parse, read units, let the rules look, take away what is suppressed.

mod dockerfiles;
mod generated;
pub(crate) mod images;
mod manifests;
pub(crate) mod suppress;
mod users;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::disk::places;
use crate::finding::{Applicability, Finding, Severity};
use crate::model;
use crate::project::{Format, Project};
use crate::rules;
use crate::templates::Style;
use crate::text::{Edit, Place, SourceFile, Span};
use crate::verdict::Judged;
use crate::yaml::Tree;

/// What became of one file.
#[derive(Debug, Default)]
pub struct Checked {
    /// Sorted by place, without repetition.
    pub findings: Vec<Finding>,
    /// Why the file was not judged, where it was not: `a Jinja template`.
    pub skipped: Option<String>,
    /// Why it could not be judged, though it may be one of ours: it is larger than what is read.
    pub unread: Option<String>,
    /// What came of each unit in it.
    pub units: Vec<Judged>,
}

/// A file that was looked at.
#[derive(Debug, Default)]
pub(crate) struct Examined {
    /// What became of it.
    pub checked: Checked,
    /// The units that were judged.
    pub units: Vec<model::Unit>,
    /// Those whose image is told of what it lacks in another file.
    elsewhere: Vec<usize>,
    /// What is wished of them, spelled: neither a configuration nor a comment silences it.
    pub wished: Vec<Finding>,
    /// Its text as a tree, where it is YAML.
    pub tree: Option<Tree>,
}

impl From<Checked> for Examined {
    fn from(checked: Checked) -> Self {
        Self {
            checked,
            ..Self::default()
        }
    }
}

impl Checked {
    fn of(findings: impl IntoIterator<Item = Finding>) -> Self {
        Self {
            findings: findings.into_iter().collect(),
            ..Self::default()
        }
    }

    fn unread(why: impl Into<String>) -> Self {
        Self {
            unread: Some(why.into()),
            ..Self::default()
        }
    }

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
    let mut checked = examine(file, project, style).checked;
    say_once(&mut checked.findings, |finding| finding);
    checked
}

/// What somebody wants to become true of a unit, whatever the rules say.
pub(crate) type Wish<'a> = &'a dyn Fn(&model::Unit) -> Vec<model::Change>;

/// What stands for a rule in the findings that wishes make.
pub(crate) const WISH: &str = "wish";

/// Looks at one file: all findings of every unit, and the units that were judged.
#[must_use]
pub(crate) fn examine(file: &Arc<SourceFile>, project: &Project<'_>, style: Style) -> Examined {
    examine_for(file, project, style, &|_| Vec::new())
}

/// The same, with what is wished of the units.
#[must_use]
pub(crate) fn examine_for(
    file: &Arc<SourceFile>,
    project: &Project<'_>,
    style: Style,
    wish: Wish<'_>,
) -> Examined {
    if is_binary(&file.bytes) {
        let start = Place::new(file, Span::empty(0));
        let finding = rules::unreadable(&start, "this is a binary file, no Dockerfile");
        return Checked::of(finding).into();
    }
    let mut examined = match Format::of(&file.path, &file.bytes) {
        Format::Dockerfile => dockerfiles::examine(file, project, style, wish),
        format => manifests::examine(file, format, project, style, wish),
    };
    let policy = project.policy(&file.path);
    let findings = &mut examined.checked.findings;
    policy.apply(findings, &places);
    drop_lone_repeats(findings);
    let (units, elsewhere) = (&examined.units, &examined.elsewhere);
    examined.checked.units = verdict::judged(units, &examined.checked.findings, elsewhere);
    examined
}

/// What is silenced of one container is silenced of the others that run its image.
fn drop_lone_repeats(findings: &mut Vec<Finding>) {
    let firsts = findings.iter().filter(|finding| finding.repeats.is_none());
    let firsts: BTreeSet<_> = firsts.map(|first| (first.rule, first.unit)).collect();
    findings.retain(|finding| {
        let first = finding.repeats.map(|unit| (finding.rule, unit));
        first.is_none_or(|first| firsts.contains(&first))
    });
}

/// The units of a file, for those who want to see what the rules see, and what came of them.
#[must_use]
pub fn units(file: &Arc<SourceFile>, project: &Project<'_>) -> Vec<(model::Unit, Judged)> {
    let examined = examine(file, project, Style::default());
    let judged = examined.checked.units;
    examined.units.into_iter().zip(judged).collect()
}

/// What is wished of a unit, as a finding with the edits that `spell` writes; nothing where nothing is.
fn wished(
    file: &Arc<SourceFile>,
    (index, unit): (usize, &model::Unit),
    wish: Wish<'_>,
    spell: impl FnOnce(&[model::Change]) -> Result<Vec<Edit>, String>,
) -> Option<Finding> {
    let changes = wish(unit);
    if changes.is_empty() {
        return None;
    }
    let titles: Vec<String> = changes.iter().map(model::Change::title).collect();
    let title = titles.join(", ");
    let place = unit.place.clone();
    let mut finding = Finding::new(WISH, Severity::Info, place, title.clone()).remedy(
        title,
        Applicability::Safe,
        changes,
    );
    finding.unit = index;
    self::spell(file, &mut finding, spell);
    Some(finding)
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
    // What is wrong in a script may still be fixed here, where the changes are all of this file.
    let elsewhere = !Arc::ptr_eq(&finding.place.file, file);
    if elsewhere && remedy.changes.iter().any(|change| !change.is_an_addition()) {
        return Err(format!(
            "it is in {}, not in this file",
            finding.place.file.path
        ));
    }
    spell(&remedy.changes)
}

/// What harm comes to a unit where an allocator is loaded that was not, if any does.
#[must_use]
pub(crate) fn harm_of_loading(old: &model::Unit, new: &model::Unit) -> Option<String> {
    new.replacement().filter(|_| old.replacement().is_none())?;
    let broken = new.broken_by_preload().next().map(|fragile| {
        let (program, line) = (fragile.program, fragile.place.line());
        let (name, what) = (&program.name, &program.what);
        format!("{name} of {} (line {line}) {what}", new.name)
    });
    broken.or_else(|| rules::in_force(new))
}

/// The environments of a Dockerfile's stages that are no image of their own.
#[must_use]
pub(crate) fn passing(file: &Arc<SourceFile>, project: &Project<'_>) -> Vec<model::Unit> {
    match Format::of(&file.path, &file.bytes) {
        Format::Dockerfile => dockerfiles::passing(file, project),
        _ => Vec::new(),
    }
}

/// The files of the project whose images or containers hang on what a Dockerfile says.
#[must_use]
pub(crate) fn users(file: &Arc<SourceFile>, project: &Project<'_>) -> Vec<Arc<SourceFile>> {
    match Format::of(&file.path, &file.bytes) {
        Format::Dockerfile => users::of(&file.path, project),
        _ => Vec::new(),
    }
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

/// Of findings about an image as a whole the first of each kind that is as severe as any: several images of one file
/// that start the same lack the same, and so do several containers that run one image.
pub(crate) fn say_once<T>(all: &mut Vec<T>, finding: impl Fn(&T) -> &Finding) {
    let key = |finding: &Finding| (finding.rule, finding.message.clone());
    let mut most = BTreeMap::new();
    for finding in all.iter().map(&finding) {
        if !finding.once || finding.repeats.is_some() {
            continue;
        }
        let severity = most.entry(key(finding)).or_insert(finding.severity);
        *severity = finding.severity.max(*severity);
    }
    all.retain(|one| {
        let finding = finding(one);
        let mut first = || {
            most.get(&key(finding)) == Some(&finding.severity)
                && most.remove(&key(finding)).is_some()
        };
        finding.repeats.is_none() && (!finding.once || first())
    });
}
