//! One file in, findings out: parse, read units, let the rules look, take away what is suppressed.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::finding::{Applicability, Finding};
use crate::inputs::dockerfile;
use crate::inputs::dockerfile::Scene;
use crate::inputs::dockerfile::syntax::{Dockerfile, Instruction, ItemKind, Keyword};
use crate::inputs::{Style, Surroundings};
use crate::suppress::{self, Suppression};
use crate::text::{Edit, Place, SourceFile, Span};
use crate::{model, rules};

/// So many problems of one file are reported; what follows is mostly their consequence.
const PROBLEMS: usize = 20;

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

/// Checks one Dockerfile.
#[must_use]
pub fn check(file: &Arc<SourceFile>, around: &dyn Surroundings, style: Style) -> Checked {
    let (mut checked, _) = examine(file, around, style);
    say_once(&mut checked.findings, |finding| finding);
    checked
}

/// Looks at one Dockerfile: all findings of every image, and the units that were judged.
#[must_use]
pub fn examine(
    file: &Arc<SourceFile>,
    around: &dyn Surroundings,
    style: Style,
) -> (Checked, Vec<model::Unit>) {
    let mut checked = Checked::default();
    if is_binary(&file.bytes) {
        let start = Place::new(file, Span::empty(0));
        checked.findings.extend(suppress::of_tool(
            "unreadable-input",
            &start,
            "this is a binary file, no Dockerfile",
        ));
        return (checked, Vec::new());
    }
    let dockerfile = dockerfile::parse(&file.bytes);
    if let Some(engine) = template(file, &dockerfile) {
        checked.skipped = Some(format!("{engine}: render it first, then check the result"));
        return (checked, Vec::new());
    }
    if dockerfile.instructions().next().is_none() {
        checked.skipped = Some("it holds no instruction".into());
        return (checked, Vec::new());
    }
    if dockerfile.is_accepted()
        && dockerfile
            .instructions()
            .all(|instruction| instruction.keyword != Keyword::From)
    {
        checked.skipped = Some("it has no `FROM`: a fragment, not a Dockerfile".into());
        return (checked, Vec::new());
    }
    let surveyed = dockerfile::survey(file, &dockerfile, around);
    let mut findings = problems(file, &dockerfile);
    for (index, (unit, site)) in surveyed.iter().enumerate() {
        let scene = Scene {
            file,
            dockerfile: &dockerfile,
            unit,
            site,
            style,
        };
        let before = findings.len();
        rules::check(unit, &mut findings);
        for finding in findings.iter_mut().skip(before) {
            finding.unit = index;
            match spelled(file, &scene, finding) {
                Ok(edits) => finding.edits = edits,
                Err(reason) => finding.refusal = Some(reason),
            }
        }
    }
    suppress::apply(file, &suppressions(file, &dockerfile), &mut findings);
    checked.units = surveyed.len();
    checked.findings = sorted(findings);
    let units = surveyed.into_iter().map(|(unit, _)| unit).collect();
    (checked, units)
}

/// The edits of a finding's remedy, all of its changes; or why there are none.
fn spelled(
    file: &Arc<SourceFile>,
    scene: &Scene<'_>,
    finding: &Finding,
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
    dockerfile::spell(scene, &remedy.changes).map_err(|refusal| refusal.to_string())
}

/// The units of a file, for those who want to see what the rules see.
#[must_use]
pub fn units(file: &Arc<SourceFile>, around: &dyn Surroundings) -> Vec<model::Unit> {
    dockerfile::read(file, &dockerfile::parse(&file.bytes), around)
}

fn is_binary(bytes: &[u8]) -> bool {
    const HEAD: usize = 8192;
    let head = bytes.get(..HEAD.min(bytes.len())).unwrap_or_default();
    let odd = head.iter().filter(|&&byte| byte == 0).count();
    odd * 1000 > head.len()
}

/// Which template engine the file is written for, if it is one that must run first.
fn template(file: &SourceFile, dockerfile: &Dockerfile) -> Option<&'static str> {
    let marks = [
        ("{{", "a template (`{{ }}`)"),
        ("{%", "a Jinja template (`{% %}`)"),
        ("<%", "an ERB template (`<% %>`)"),
    ];
    let broken = !dockerfile.problems.is_empty();
    for (mark, engine) in marks {
        let in_text =
            |span: Span| memchr::memmem::find(file.slice(span), mark.as_bytes()).is_some();
        if broken && in_text(Span::new(0, file.bytes.len())) {
            return Some(engine);
        }
        let in_base = |span: Span, keyword: Keyword| keyword == Keyword::From && in_text(span);
        if dockerfile
            .instructions()
            .any(|instruction| in_base(instruction.span, instruction.keyword))
        {
            return Some(engine);
        }
    }
    let gap = |instruction: &Instruction| {
        let text = file.text(instruction.span);
        let name = text
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'));
        instruction.keyword == Keyword::Unknown
            && name.is_some_and(|name| {
                !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
            })
    };
    dockerfile
        .instructions()
        .any(gap)
        .then_some("a template (`{ }`)")
}

/// What the builder refuses, as findings.
fn problems(file: &Arc<SourceFile>, dockerfile: &Dockerfile) -> Vec<Finding> {
    let of = |problem: &dockerfile::syntax::Problem| {
        let place = Place::new(file, problem.span);
        let finding = suppress::of_tool(
            "unreadable-input",
            &place,
            format!("the builder refuses this: {}", problem.message),
        )?;
        let text = file.text(problem.span);
        let help = if text.contains("$(") {
            "`ENV` runs no shell: a value with blanks must be quoted, and `$(...)` stays as it is even then"
        } else {
            "mend it first: what follows may be misread"
        };
        Some(finding.caption("here").help(help))
    };
    // The builder stops at the first thing that it refuses outright.
    let fatal = dockerfile.problems.iter().position(|problem| problem.fatal);
    dockerfile
        .problems
        .iter()
        .enumerate()
        .filter(|(at, problem)| !problem.fatal || Some(*at) == fatal)
        .map(|(_, problem)| problem)
        .take(PROBLEMS)
        .filter_map(of)
        .collect()
}

/// The `ignore` comments, each with the instruction it holds for.
fn suppressions(file: &Arc<SourceFile>, dockerfile: &Dockerfile) -> Vec<Suppression> {
    let mut found = Vec::new();
    let mut above: Vec<Span> = Vec::new();
    for item in &dockerfile.items {
        match &item.kind {
            ItemKind::Comment(span) => above.push(*span),
            ItemKind::Instruction(instruction) => {
                let comments = above.drain(..).chain(instruction.comments.iter().copied());
                found.extend(
                    comments.filter_map(|comment| suppress::read(file, comment, instruction.span)),
                );
            }
            _ => {}
        }
    }
    // Behind the last instruction there is nothing to hold for.
    let end = Span::empty(file.bytes.len());
    found.extend(
        above
            .into_iter()
            .filter_map(|comment| suppress::read(file, comment, end)),
    );
    found
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
