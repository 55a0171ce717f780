//! A preloaded allocator in an image with a program that does not live with one.

use super::Report;
use super::remedies::faults;
use crate::finding::{Applicability, Finding, Severity};
use crate::model::{Change, Found, Fragile, Unit, newer};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    if unit.role.is_build() {
        return;
    }
    let mut loaded = faults(unit).filter(|preload| preload.outcome.works());
    let Some((preload, family)) = loaded.find_map(|preload| Some((preload, preload.family?)))
    else {
        return;
    };
    for fragile in unit.broken_by_preload(family) {
        let program = fragile.program;
        let finding = report
            .finding(&preload.place, format!("{} {}", program.name, program.what))
            .caption(format!(
                "{family} takes the place of malloc in every program of the image"
            ))
            .label(&fragile.place, fragile.known_by())
            .help(program.help.clone());
        let finding = match fragile.found {
            Found::Named => finding
                .note("it was seen with the distribution's packages; this image may be built otherwise")
                .at_severity(Severity::Info),
            Found::Installed | Found::Started => finding,
        };
        report.add(spare(finding, fragile));
    }
}

/// The setting with which it lives, where there is one.
fn spare(finding: Finding, fragile: &Fragile) -> Finding {
    let Some((name, value)) = fragile.program.variable() else {
        return finding;
    };
    let from = fragile.program.variable_from.as_deref().unwrap_or_default();
    let known = fragile
        .version
        .as_deref()
        .map(|version| !newer(from, version));
    let safe = match known {
        Some(true) => Applicability::Safe,
        Some(false) => Applicability::Manual(format!(
            "this version does not read `{name}`: {from} is the first"
        )),
        None => Applicability::Unsafe(format!(
            "`{name}` is read from {from} on, and the version is not said"
        )),
    };
    let change = Change::SetEnv {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    finding.remedy(format!("set `{name}` to `{value}`"), safe, vec![change])
}
