//! An allocator's development package in an image that compiles nothing.

use super::Report;
use crate::facts::Family;
use crate::model::{Origin, Role, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    if unit.role != Role::Runtime || unit.compiles {
        return;
    }
    let mut seen: Vec<&str> = Vec::new();
    for library in &unit.libraries {
        let Origin::Package { name, dev: true } = &library.origin else { continue };
        if seen.contains(&name.as_str()) || is_idle(unit, library.family) {
            continue;
        }
        seen.push(name);
        let runtime = unit.platform.release.value().and_then(|release| {
            release.packages_of(library.family).find(|package| !package.dev).map(|package| package.name.clone())
        });
        let help = runtime.map_or_else(|| "install the package of the library alone".into(), |name| format!("install `{name}` instead, and name the library with its version"));
        report.add(
            report
                .finding(&library.place, format!("`{name}` is for compiling: headers and a static library that {} does not need to run", unit.name))
                .caption("a development package")
                .note("only the name without a version, `.so`, needs it; the library itself is in a package of its own")
                .help(help),
        );
    }
}

/// A jemalloc that nothing loads: that it is there at all is another rule's matter.
fn is_idle(unit: &Unit, family: Family) -> bool {
    let asked_for = unit.preloads.iter().any(|preload| preload.family == Some(family)) || !unit.linked.is_empty();
    family == Family::Jemalloc && !asked_for && unit.unseen_settings.is_none()
}
