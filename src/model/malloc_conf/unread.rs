//! Units in which nothing reads `MALLOC_CONF`.

use crate::facts::{self, Family};
use crate::model::{Preload, Role, Source, Unit, entries, is_python};
use crate::text::paths;

/// Why nothing reads `MALLOC_CONF`.
#[derive(Debug)]
pub(crate) enum Unread<'u> {
    /// Another allocator is preloaded.
    Other(Family, &'u Preload),
    /// No allocator is.
    Nothing,
}

/// Why nothing reads the `MALLOC_CONF` of a Python process; nothing where something may.
#[must_use]
pub(crate) fn unread(unit: &Unit) -> Option<Unread<'_>> {
    let meant = unit
        .preloads
        .iter()
        .any(|preload| preload.family == Some(Family::Jemalloc))
        || !unit.linked.is_empty();
    if unit.env.get("MALLOC_CONF").is_none() || meant || unit.role != Role::Runtime {
        return None;
    }
    let surely = |preload: &&Preload| preload.outcome.works() && !preload.conditional;
    let other = unit
        .preloads
        .iter()
        .filter(surely)
        .find_map(|preload| Some((preload.family?, preload)));
    if let Some((family, preload)) = other {
        return Some(Unread::Other(family, preload));
    }
    let stray = unit.strays.iter().any(|stray| {
        stray.variable.as_deref() == Some("LD_PRELOAD") || stray.family == Some(Family::Jemalloc)
    });
    // A library that lies idle is another rule's business: there it is the preload that lacks.
    let brought = unit
        .libraries
        .iter()
        .any(|library| library.family == Family::Jemalloc)
        || stray;
    let file = unit
        .opaque
        .iter()
        .any(|opaque| opaque.path == "/etc/ld.so.preload");
    let seen = unit.source != Source::Foreign
        && unit.unseen_settings.is_none()
        && unit.unknown_base.is_none()
        && unit.doubt.is_none()
        && unit.platform.libc.value().is_some()
        && !file;
    (seen && !brought && preloads_others_only(unit) && runs_python(unit)).then_some(Unread::Nothing)
}

/// Whether `LD_PRELOAD` is not set, or names what is surely no allocator.
fn preloads_others_only(unit: &Unit) -> bool {
    let Some(var) = unit.env.get("LD_PRELOAD") else {
        return true;
    };
    let Some(text) = var.now.value.known() else {
        return false;
    };
    let harmless = |entry: &str| facts::not_an_allocator(paths::file_name(entry));
    entries(text)
        .into_iter()
        .all(|range| text.get(range).is_some_and(harmless))
}

/// Whether the program itself is Python: others may have jemalloc in them.
fn runs_python(unit: &Unit) -> bool {
    let program = unit.process.argv.first().map_or("", String::as_str);
    let name = paths::file_name(program);
    let server = unit.process.server.as_deref();
    unit.python.value().is_some() && (is_python(name) || facts::programs::is_python_server(server))
}
