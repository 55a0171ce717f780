//! A variable of mimalloc or tcmalloc where nothing loads that allocator.

use super::Report;
use crate::facts::{Family, allocator_variable};
use crate::finding::Applicability;
use crate::model::{Change, EnvVar, Role, Source, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let seen = unit.source != Source::Foreign
        && unit.unknown_base.is_none()
        && unit.unseen_settings.is_none()
        && unit.linked.is_empty()
        && unit
            .opaque
            .iter()
            .all(|opaque| opaque.path != "/etc/ld.so.preload");
    if !seen || unit.role != Role::Runtime || unit.python.value().is_none() {
        return;
    }
    for var in unit.env.iter() {
        let Some(family) = family(var).filter(|family| !is_meant(unit, *family)) else {
            continue;
        };
        let name = &var.name;
        let message = format!("`{name}` is read by {family}, and nothing loads {family} here");
        let copy = format!("an extension of Python may have a copy of {family} in it");
        let change = Change::UnsetEnv { name: name.clone() };
        report.add(
            report
                .finding(&var.now.place, message)
                .caption("without effect")
                .note("Python goes on with its own allocator and the C library's malloc")
                .likely(copy.clone())
                .help(format!("drop it, or preload {family}"))
                .remedy(
                    format!("drop `{name}`"),
                    Applicability::Unsafe(copy),
                    vec![change],
                ),
        );
    }
}

/// The allocator that reads a variable, where it is not jemalloc: that has a rule of its own.
fn family(var: &EnvVar) -> Option<Family> {
    let variable = allocator_variable(&var.name).filter(|found| found.reader.is_none())?;
    let set = !var.now.value.text.is_empty();
    (set && variable.family != Family::Jemalloc).then_some(variable.family)
}

/// Whether somebody brings that allocator, rightly or not: what is wrong with that, others say.
fn is_meant(unit: &Unit, family: Family) -> bool {
    let by_python = family == Family::Mimalloc
        && unit.env.get("PYTHONMALLOC").is_some_and(|var| {
            let value = var.now.value.known();
            value.is_none_or(|value| value.starts_with("mimalloc"))
        });
    // Without the GIL it is the only one that Python has.
    let free_threaded = family == Family::Mimalloc && unit.free_threaded().is_some();
    let brought = || {
        unit.libraries
            .iter()
            .any(|library| library.family == family)
    };
    let preloaded = || {
        unit.preloads
            .iter()
            .any(|preload| preload.family == Some(family))
    };
    let astray = || unit.strays.iter().any(|stray| stray.family == Some(family));
    by_python
        || free_threaded
        || unit.bundled.contains(&family)
        || brought()
        || preloaded()
        || astray()
}
