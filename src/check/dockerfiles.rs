//! Dockerfiles in, findings out.

use std::sync::Arc;

use super::generated;
use super::suppress::{self, Suppression};
use super::users;
use super::{Checked, Examined, Wish, sorted};
use crate::dockerfile;
use crate::dockerfile::syntax::{Dockerfile, Instruction, ItemKind, Keyword};
use crate::dockerfile::{Interpreted, Scene, Site, Writer};
use crate::finding::Finding;
use crate::project::{Claim, Project, claim};
use crate::templates::Style;
use crate::text::{Place, SourceFile, Span, paths};
use crate::{model, rules};

/// So many problems of one file are reported; what follows is mostly their consequence.
const PROBLEMS: usize = 20;

/// Looks at one Dockerfile: all findings of every image, what is wished of it, and the units that were judged.
pub(super) fn examine(
    file: &Arc<SourceFile>,
    project: &Project<'_>,
    style: Style,
    wish: Wish<'_>,
) -> Examined {
    let mut checked = Checked::default();
    let dockerfile = dockerfile::parse(&file.bytes);
    if let Some(engine) = template(file, &dockerfile) {
        checked.skipped = Some(format!("{engine}: render it first, then check the result"));
        return checked.into();
    }
    if dockerfile.instructions().next().is_none() {
        checked.skipped = Some("it holds no instruction".into());
        return checked.into();
    }
    if dockerfile.is_accepted()
        && dockerfile
            .instructions()
            .all(|instruction| instruction.keyword != Keyword::From)
    {
        checked.skipped = Some("it has no `FROM`: a fragment, not a Dockerfile".into());
        return checked.into();
    }
    let interpreted = project.interpret(file, dockerfile);
    let dockerfile = &interpreted.tree;
    let mut surveyed = units(file, &interpreted, project);
    if style.thread_hook {
        for (unit, _) in &mut surveyed {
            unit.thread_wanted = true;
        }
    }
    let (mut findings, mut wished) = (problems(file, dockerfile), Vec::new());
    for (index, (unit, site)) in surveyed.iter().enumerate() {
        let scene = Scene {
            file,
            dockerfile,
            unit,
            site,
            style,
        };
        let before = findings.len();
        rules::check(unit, &mut findings);
        let made: Vec<Finding> = findings.drain(before..).collect();
        findings.extend(
            made.into_iter()
                .filter_map(|finding| own(file, unit, finding)),
        );
        let writer = Writer::of(&scene);
        let spell = |changes: &[model::Change]| {
            writer.spell(changes).map_err(|refusal| refusal.to_string())
        };
        for finding in findings.iter_mut().skip(before) {
            finding.unit = index;
            super::spell(file, finding, spell);
        }
        wished.extend(super::wished(file, (index, unit), wish, spell));
    }
    if let Some(why) = generated::dockerfile(dockerfile) {
        generated::leave(&mut findings, &why);
        generated::leave(&mut wished, &why);
    }
    let policy = project.policy(&file.path);
    suppress::apply(
        file,
        &suppressions(file, dockerfile),
        &mut findings,
        &policy,
    );
    suppress::apply_elsewhere(file, &mut findings, &policy);
    checked.findings = sorted(findings);
    Examined {
        checked,
        units: surveyed.into_iter().map(|(unit, _)| unit).collect(),
        elsewhere: Vec::new(),
        wished,
        tree: None,
    }
}

/// A finding, where it is for this file to say: what is wrong in the Dockerfile of the base is said there. What that brings and
/// this image does not use is said at the FROM.
fn own(file: &Arc<SourceFile>, unit: &model::Unit, mut finding: Finding) -> Option<Finding> {
    let there = &finding.place.file;
    let base = claim(paths::file_name(&there.path)) == Some(Claim::Dockerfile);
    if Arc::ptr_eq(there, file) || !base {
        return Some(finding);
    }
    if !finding.of_build {
        return None;
    }
    let brought = std::mem::replace(&mut finding.place, unit.place.clone());
    let finding = finding.caption("this base brings it");
    Some(finding.label(&brought, "it is installed here"))
}

/// The units of a Dockerfile, with what the files around it say of their settings.
pub(super) fn units(
    file: &SourceFile,
    interpreted: &Interpreted,
    project: &Project<'_>,
) -> Vec<(model::Unit, Site)> {
    let mut units = interpreted.units(project.around());
    let off = interpreted.switched_off();
    for (unit, site) in &mut units {
        unit.doubt = off.clone();
        if let Some(search) = &site.search {
            project.look_around(&file.path, search, unit);
        }
        users::limit(unit, site, file, interpreted, project);
        project.witness(unit);
    }
    units
}

/// The environments of the stages that are no image of their own.
pub(super) fn passing(file: &Arc<SourceFile>, project: &Project<'_>) -> Vec<model::Unit> {
    project.image(file).interpreted.passing(project.around())
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
        let message = format!("the builder refuses this: {}", problem.message);
        let finding = rules::unreadable(&place, message)?;
        let text = file.text(problem.span);
        let help = if text.contains("$(") {
            "`ENV` runs no shell: a value with blanks must be quoted, and `$(...)` stays as it is even then"
        } else {
            "fix it first: what follows may be misread"
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
