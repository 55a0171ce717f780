//! Built images in, findings out: the same rules, of what was assumed of the image before.

use super::{Checked, say_once, sorted, verdict};
use crate::dockerfile::{self, Base, Interpreted, Outside};
use crate::finding::{Applicability, Finding};
use crate::image::Read;
use crate::model::Unit;
use crate::policy::Policy;
use crate::rules;
use crate::text::{Place, Span};

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

/// A stage that begins with the image, for a Dockerfile that is read beside its files.
#[must_use]
pub(crate) fn stage(image: &Read<'_>) -> Option<Base> {
    interpreted(image).base(None)
}

fn interpreted(image: &Read<'_>) -> Interpreted {
    let file = &image.listing;
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
