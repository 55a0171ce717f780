//! A preloaded allocator in an image with a program that does not live with one.

use super::Report;
use super::remedies::faults;
use crate::finding::{Applicability, Finding};
use crate::model::{Change, Found, Fragile, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let mut loaded = faults(unit).filter(|preload| preload.outcome.works());
    let Some((preload, family)) = loaded.find_map(|preload| Some((preload, preload.family?)))
    else {
        return;
    };
    for fragile in unit.broken_by_preload() {
        let program = fragile.program;
        let finding = report
            .finding(&preload.place, format!("{} {}", program.name, program.what))
            .caption(format!(
                "{family} takes the place of malloc in every program of the image"
            ))
            .label(&fragile.place, fragile.known_by())
            .help(program.help.clone());
        let finding = match fragile.found {
            Found::Named => finding.possible("whether it runs in this image is not certain"),
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
    let change = Change::SetEnv {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let title = format!("set `{name}` to `{value}`");
    finding.remedy(title, Applicability::Safe, vec![change])
}
