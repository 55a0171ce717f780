//! jemalloc is in the image, and nothing loads it.

use super::Report;
use super::remedies::{breaks, is_for_others, keeps_pages};
use crate::facts::{self, Family};
use crate::finding::Applicability;
use crate::model::malloc_conf::Conf;
use crate::model::{Change, Library, Origin, ProcessKind, Role, Unit, is_python};
use crate::text::paths;

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let unseen_file = unit
        .opaque
        .iter()
        .any(|opaque| opaque.path == "/etc/ld.so.preload");
    let loaded = unit.preloads.iter().any(|preload| preload.family.is_some())
        || !unit.linked.is_empty()
        || unseen_file;
    let set = unit
        .env
        .get("LD_PRELOAD")
        .is_some_and(|var| !is_for_others(var))
        || unit
            .strays
            .iter()
            .any(|stray| stray.variable.as_deref() == Some("LD_PRELOAD"));
    let starts = unit
        .process
        .kind
        .value()
        .is_none_or(|kind| *kind != ProcessKind::OneShot)
        && !unit.process.argv.is_empty();
    let replaced = unit.start_replaces_preload.as_ref();
    // Another rule says so where the start had set it itself.
    let lost = replaced.is_some_and(|replaced| !replaced.lost.is_empty());
    if loaded
        || set
        || lost
        || !starts
        || unit.role != Role::Runtime
        || unit.unseen_settings.is_some()
        || unit.python.value().is_none()
        || runs_something_else(unit)
    {
        return;
    }
    let Some(library) = unit.libraries.iter().find(|library| is_idle(unit, library)) else {
        return;
    };
    let own = library.place.same_file(&unit.place);
    let image = if own {
        unit.name.clone()
    } else {
        format!("the image of {}", unit.place.file.path)
    };
    let mut finding = report
        .finding(&library.place, format!("{} {} {image} and nothing loads it: Python goes on with the C library's malloc", name(library), if library.conditional { "may be put into" } else { "is put into" }))
        .caption("this alone changes nothing")
        .note("a shared library takes effect when `LD_PRELOAD` (or `/etc/ld.so.preload`) names it, or a program links it");
    if let Some(place) = &unit.process.place {
        finding = finding.label(place, "this starts without it");
    }
    let soname = soname(library);
    let safe = match replaced.filter(|replaced| replaced.taken_at.is_some()) {
        Some(replaced) => Applicability::Manual(format!("it would be lost: {}", replaced.why)),
        None if library.conditional => {
            Applicability::Unsafe("a condition decides whether it is there".into())
        }
        None => breaks(unit)
            .or_else(|| in_force(unit).map(Applicability::Unsafe))
            .unwrap_or(Applicability::Safe),
    };
    report.add(
        finding
            .help(format!("set `LD_PRELOAD={soname}` after the installation, and a `MALLOC_CONF`; or drop it where nothing else needs it"))
            .remedy("preload and configure jemalloc", safe, vec![Change::Preload(Family::Jemalloc), Change::Tune]),
    );
}

/// What would come into force with jemalloc although it keeps memory: nothing reads it today.
fn in_force(unit: &Unit) -> Option<String> {
    let conf = Conf::of(unit)?;
    keeps_pages(&conf).map(|(pair, after)| {
        let (key, value) = (pair.key, pair.value);
        format!(
            "`{key}:{value}` would take effect, which keeps freed pages {after}: change that first"
        )
    })
}

/// The name to preload: the library's own, that of its package, or today's.
fn soname(library: &Library) -> String {
    let file = library.path.file_name();
    if file.contains(".so.") && !file.contains('*') {
        return file.to_owned();
    }
    let packaged = match &library.origin {
        Origin::Package { name, .. } => facts::packaged_soname(name, Family::Jemalloc),
        _ => None,
    };
    packaged.unwrap_or("libjemalloc.so.2").to_owned()
}

/// Whether what starts has a name, and nothing says that it is Python: the library may be for that.
fn runs_something_else(unit: &Unit) -> bool {
    let program = unit.process.argv.first().map_or("", String::as_str);
    let name = paths::file_name(program);
    unit.process.by_port_only && unit.process.script.is_none() && !is_python(name)
}

/// Installed to be preloaded, as far as one can tell: not brought by the base for its own use, and
/// not headers for a compilation.
fn is_idle(unit: &Unit, library: &Library) -> bool {
    let for_compiling =
        matches!(&library.origin, Origin::Package { dev: true, .. }) && unit.compiles;
    library.family == Family::Jemalloc && library.origin != Origin::Base && !for_compiling
}

fn name(library: &Library) -> String {
    match &library.origin {
        Origin::Package { name, .. } => format!("package `{name}`"),
        _ if library.path.file_name().contains('*') => library.family.to_string(),
        _ => format!("`{}`", library.path.file_name()),
    }
}
