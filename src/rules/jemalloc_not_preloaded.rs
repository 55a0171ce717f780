//! jemalloc is in the image, and nothing loads it.

use super::Report;
use super::remedies::{breaks, in_force, is_for_others, is_tuned_astray};
use crate::facts::{self, Family, programs};
use crate::finding::{Applicability, Severity};
use crate::model::{Change, Fit, Library, Origin, PathPattern, ProcessKind, Role, Unit, is_python};
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
    let idle = || {
        unit.libraries
            .iter()
            .filter(|library| is_idle(unit, library))
    };
    // Headers bring the library of another package: that one is meant.
    let is_dev = |library: &&Library| matches!(library.origin, Origin::Package { dev: true, .. });
    let Some(library) = idle()
        .find(|library| !is_dev(library))
        .or_else(|| idle().next())
    else {
        return;
    };
    let own = library.place.same_file(&unit.place);
    let image = if own {
        unit.name.clone()
    } else {
        format!("the image of {}", unit.place.file.path)
    };
    let mut finding = report
        .finding(&library.place, format!("{} {} {image} and no preload names it: {}", name(library), if library.conditional { "may come into" } else { "comes into" }, what_goes_on(unit)))
        .of_build()
        .caption("this alone changes nothing")
        .note("a shared library takes effect when `LD_PRELOAD` (or `/etc/ld.so.preload`) names it, or a program links it");
    if let Some(place) = &unit.process.place {
        finding = finding.label(place, "this starts without it");
    }
    let soname = soname(library);
    let safe = match replaced.filter(|replaced| replaced.taken_at.is_some()) {
        Some(replaced) => Applicability::Manual(format!("it would be lost: {}", replaced.why)),
        None if library.family != Family::Jemalloc => Applicability::Unsafe(format!(
            "what {} does for such a service was not measured here",
            library.family
        )),
        None if is_another_program(unit) || !is_known(unit) => {
            Applicability::Unsafe("nothing says that what starts is Python".into())
        }
        None if library.conditional => {
            Applicability::Unsafe("a condition decides whether it is there".into())
        }
        None => breaks(unit)
            .or_else(|| {
                in_force(unit)
                    .or_else(|| unit.doubts())
                    .map(Applicability::Unsafe)
            })
            .unwrap_or(Applicability::Safe),
    };
    let family = library.family;
    let mut changes = vec![Change::Preload(family)];
    let (mut title, mut and) = (format!("preload {family}"), "");
    if family == Family::Jemalloc && !is_tuned_astray(unit) {
        changes.push(Change::Tune);
        (title, and) = (
            "preload and configure jemalloc".into(),
            ", and a `MALLOC_CONF`",
        );
    }
    if library.conditional {
        finding = finding.possible("a condition decides whether it is there");
    }
    if is_for_tools(library) {
        finding = finding.at_severity(Severity::Info);
    }
    if is_another_program(unit) || !is_known(unit) {
        finding = finding.possible("the program may load it itself, or have no use for it");
    }
    if let Some(doubt) = unit.doubts() {
        finding = finding.possible(doubt);
    }
    report.add(
        finding
            .help(format!("set `LD_PRELOAD={soname}` after the installation{and}; or drop it where nothing else needs it"))
            .remedy(title, safe, changes),
    );
}

/// What the library is not used for, as far as one can tell.
fn what_goes_on(unit: &Unit) -> &'static str {
    if is_another_program(unit) || !is_known(unit) {
        return "what starts goes on with the C library's malloc, unless it links the library itself";
    }
    "Python goes on with the C library's malloc"
}

/// The name to preload: the library's own, that of its package, or today's.
fn soname(library: &Library) -> String {
    let file = library.path.file_name();
    if file.contains(".so.") && !file.contains('*') {
        return file.to_owned();
    }
    let packaged = match &library.origin {
        Origin::Package { name, .. } => facts::packaged_soname(name, library.family),
        _ => None,
    };
    let usual = match library.family {
        Family::Tcmalloc => "libtcmalloc_minimal.so.4",
        Family::Mimalloc => "libmimalloc.so.3",
        Family::Jemalloc | Family::Other => "libjemalloc.so.2",
    };
    packaged.unwrap_or(usual).to_owned()
}

/// Whether what starts is known to be no Python: the library may be for that.
fn runs_something_else(unit: &Unit) -> bool {
    programs::is_foreign(program(unit)) && unit.process.server.is_none()
}

/// Whether what starts is known to be Python, or to be a service of a Python image.
fn is_known(unit: &Unit) -> bool {
    let process = &unit.process;
    process.kind.value().is_some() && !process.by_port_only
        || process.script.is_some()
        || is_python(program(unit))
}

/// Whether what starts was built elsewhere and copied in as one file: it may link the library.
fn is_another_program(unit: &Unit) -> bool {
    unit.process.copied && unit.process.script.is_none() && !is_python(program(unit))
}

fn program(unit: &Unit) -> &str {
    paths::file_name(unit.process.argv.first().map_or("", String::as_str))
}

/// Installed to be preloaded, as far as one can tell: not brought by the base for its own use, and
/// not headers for a compilation.
fn is_idle(unit: &Unit, library: &Library) -> bool {
    let for_compiling =
        matches!(&library.origin, Origin::Package { dev: true, .. }) && unit.compiles;
    library.family != Family::Other
        && library.origin != Origin::Base
        && !for_compiling
        && !takes_a_place(unit, library)
}

/// Whether a library is put where that of the distribution's package lies: for the programs that link that one.
fn takes_a_place(unit: &Unit, library: &Library) -> bool {
    let Some(release) = unit.platform.release.value() else {
        return false;
    };
    let packaged = |other: &Library| {
        release.packages_of(library.family).any(|package| {
            let own = format!("{}/{}", package.dir, package.soname);
            other.path.fit(&own) != Fit::Never
                || PathPattern::new(own).fit(other.path.as_str()) != Fit::Never
        })
    };
    let mut others = unit.libraries.iter();
    others.any(|other| {
        other.origin == Origin::Linked && other.family == library.family && packaged(other)
    })
}

/// A package of tools that happens to need the library: `google-perftools`.
fn is_for_tools(library: &Library) -> bool {
    matches!(&library.origin, Origin::Package { name, dev: false } if !name.starts_with("lib") && library.family != Family::Jemalloc)
}

fn name(library: &Library) -> String {
    match &library.origin {
        Origin::Package { name, .. } => format!("package `{name}`"),
        _ if library.path.file_name().contains('*') => library.family.to_string(),
        _ => format!("`{}`", library.path.file_name()),
    }
}
