//! Built images in, findings out: the same rules, of what was assumed of the image before.

use std::sync::Arc;

use super::{Checked, say_once, sorted, verdict};
use crate::dockerfile::{self, Base, Interpreted, Outside, Scene, Site};
use crate::finding::{Applicability, Finding};
use crate::image::Read;
use crate::model::{Change, Unit};
use crate::policy::Policy;
use crate::rules;
use crate::templates::Style;
use crate::text::{self, Place, SourceFile, Span};

/// Looks at an image that was read.
#[must_use]
pub(crate) fn examine(image: &Read<'_>, policy: &Policy) -> Checked {
    let interpreted = interpreted(image);
    let units: Vec<Unit> = interpreted
        .units(image)
        .into_iter()
        .map(|(unit, _)| unit)
        .collect();
    let mut findings = Vec::new();
    for (index, unit) in units.iter().enumerate() {
        let before = findings.len();
        rules::check(unit, &mut findings);
        findings
            .iter_mut()
            .skip(before)
            .for_each(|finding| finding.unit = index);
    }
    findings.retain(|finding| rules::is_of_images(finding.rule));
    findings.iter_mut().for_each(refuse);
    policy.apply(&mut findings, &|_| Vec::new());
    let mut findings = sorted(findings);
    say_once(&mut findings, |finding| finding);
    let units = verdict::judged(&units, &findings, &[]);
    Checked {
        findings,
        units,
        ..Checked::default()
    }
}

/// What Dockerfiles stand on whose base it is.
#[must_use]
pub(crate) fn base(image: &Read<'_>) -> Option<Base> {
    interpreted(image).base(None).map(Base::for_others)
}

/// The environment in which an image starts.
#[must_use]
pub(crate) fn unit(image: &Read<'_>) -> Option<Unit> {
    started(image, &interpreted(image)).map(|(unit, _)| unit)
}

fn started(image: &Read<'_>, interpreted: &Interpreted) -> Option<(Unit, Site)> {
    interpreted.units(image).pop()
}

/// A variable that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) value: String,
    /// What it had before, if it was set.
    pub(crate) before: Option<String>,
}

/// The variables by which `changes` become true of an image, with the values that a fix of its Dockerfile would give them.
///
/// # Errors
/// Where one cannot be spelled; the reason is for people.
pub(crate) fn settings(
    image: &Read<'_>,
    changes: &[Change],
    style: Style,
) -> Result<Vec<Variable>, String> {
    let (file, before) = (&image.listing, interpreted(image));
    let not_told = || "what starts in it cannot be told".to_owned();
    let (unit, site) = started(image, &before).ok_or_else(not_told)?;
    let scene = Scene {
        file,
        dockerfile: &before.tree,
        unit: &unit,
        site: &site,
        style,
    };
    let edits = dockerfile::spell(&scene, changes).map_err(|refusal| refusal.to_string())?;
    let edited = text::apply(&file.bytes, &edits).ok_or("the edits touch each other")?;
    let edited = SourceFile::new(&file.path, edited);
    let (after, _) = started(image, &interpreted_as(image, &edited)).ok_or_else(not_told)?;
    let value = |unit: &Unit, name: &str| {
        let var = unit.env.get(name)?;
        Some(var.now.value.text.as_str().to_owned())
    };
    let now = after.env.iter().filter_map(|var| {
        Some(Variable {
            name: var.name.clone(),
            value: value(&after, &var.name)?,
            before: value(&unit, &var.name),
        })
    });
    let set: Vec<Variable> = now
        .filter(|var| var.before.as_ref() != Some(&var.value))
        .collect();
    let is_promised = |var: &&Variable| changes.iter().any(|change| change.is_about(&var.name));
    match set.iter().find(|var| !is_promised(var)) {
        Some(var) => Err(format!("`{}` would change, too", var.name)),
        None => Ok(set),
    }
}

/// What is wrong with an image, from a warning on, that is not wrong with the one before it.
#[must_use]
pub(crate) fn worse(before: &Read<'_>, after: &Read<'_>) -> Vec<Finding> {
    let heavy = |image: &Read<'_>| {
        let mut findings = examine(image, &Policy::default()).findings;
        findings.retain(Finding::is_heavy);
        findings
    };
    let old = heavy(before);
    let is_old = |finding: &Finding| {
        let mut old = old.iter();
        old.any(|other| other.rule == finding.rule && other.message == finding.message)
    };
    let mut new = heavy(after);
    new.retain(|finding| !is_old(finding));
    new
}

/// A stage that begins with the image, for a Dockerfile that is read beside its files.
#[must_use]
pub(crate) fn stage(image: &Read<'_>) -> Option<Base> {
    interpreted(image).base(None)
}

fn interpreted(image: &Read<'_>) -> Interpreted {
    interpreted_as(image, &image.listing)
}

/// The same with another text in the place of its configuration's.
fn interpreted_as(image: &Read<'_>, file: &Arc<SourceFile>) -> Interpreted {
    let from = file
        .bytes
        .split(|byte| *byte == b'\n')
        .next()
        .map_or(0, |first| first.len() + 1);
    let at = Place::new(file, Span::empty(from));
    let outside = Outside {
        base: &|name| (name == image.built.name).then(|| Base::of_built(&image.built, &at)),
        platforms: None,
    };
    Interpreted::of(file, dockerfile::parse(&file.bytes), image, &outside)
}

/// Nothing is changed in an image: what built it is.
fn refuse(finding: &mut Finding) {
    if let Some(remedy) = &finding.remedy {
        finding.refusal = Some(match &remedy.applicability {
            Applicability::Manual(why) => why.clone(),
            _ => "this is a built image: `malloclint fix` changes the Dockerfile that builds it"
                .into(),
        });
    }
}
