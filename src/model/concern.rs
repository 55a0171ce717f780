//! Whether a unit is one whose allocator matters: a Python service in production, on a C library that lets it be chosen.

use crate::facts::{Libc, programs};
use crate::text::paths;

use super::{Fact, ProcessKind, Role, Source, Unit, is_python};

/// What is to be said of a unit, whatever it sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Concern {
    /// It is such a service.
    Service,
    /// It is none, for the reason given.
    Not(String),
    /// It may be one, and what it sets cannot be told: the reason, and what would help.
    Undecided(String, &'static str),
}

/// Settings that nobody sees.
const UNSEEN: &str = "put what starts it, and the files that it reads, beside the Dockerfile; or set the allocator in the image";
/// A program that nobody knows.
const UNKNOWN_PROGRAM: &str =
    "start a server that is known, or a script that stands beside the Dockerfile";

/// What a unit is.
pub(crate) fn concern(unit: &Unit) -> Concern {
    if let Some(why) = no_concern(unit) {
        return Concern::Not(why);
    }
    if let Some(why) = &unit.unseen_settings {
        return Concern::Undecided(why.clone(), UNSEEN);
    }
    if let Fact::Unknown(why) = &unit.process.kind {
        return Concern::Undecided(why.clone(), UNKNOWN_PROGRAM);
    }
    if unit.process.by_port_only && unit.siblings {
        // One of several images of a file: its port may serve another for as long as that runs.
        let why = "several images come out of this file, and nothing but a port says that this one keeps running";
        return Concern::Undecided(why.into(), UNKNOWN_PROGRAM);
    }
    Concern::Service
}

/// Why its allocator is nobody's concern, if it is so.
fn no_concern(unit: &Unit) -> Option<String> {
    match &unit.role {
        Role::Runtime => {}
        Role::Shown(why) => return Some(format!("it shows something: {why}")),
        Role::Build(why) => return Some(format!("it is not for production: {why}")),
    }
    if unit.platform.windows {
        return Some("it runs on Windows".into());
    }
    let program = program(unit);
    if program.is_empty() {
        return Some("nothing here says what it starts".into());
    }
    let process = &unit.process;
    if process.kind.value() == Some(&ProcessKind::OneShot) {
        return Some(format!("`{program}` ends by itself"));
    }
    if !runs_python(unit) {
        return Some("nothing says that it runs Python".into());
    }
    if unit.platform.libc.value() == Some(&Libc::Musl) {
        let because = unit.platform.libc.because(&unit.place);
        return Some(format!("its C library is musl ({because})"));
    }
    if unit.python.value().is_some_and(|python| python.pypy) {
        return Some("the objects of PyPy do not come from malloc".into());
    }
    for_one_person(unit)
}

/// Why a server is for one person's machine, if it is.
fn for_one_person(unit: &Unit) -> Option<String> {
    let process = &unit.process;
    let notebook = process.kind.value() == Some(&ProcessKind::Notebook);
    if unit.source != Source::Own && (process.development || notebook) {
        return Some("a manifest starts a server for one person's machine".into());
    }
    let place = process.place.as_ref();
    let own = place.is_some_and(|place| place.same_file(&unit.place));
    // A notebook image with some packages more: its base is the place for such a setting.
    (notebook && (!own || unit.unknown_base.is_some()))
        .then(|| "its base starts a notebook server".into())
}

/// Whether the program itself is Python, not something else in an image that also has Python.
fn runs_python(unit: &Unit) -> bool {
    let program = program(unit);
    let server = unit.process.server.as_deref();
    if is_python(program) || programs::is_python_server(server) {
        return true;
    }
    let from_image = matches!(&unit.python, Fact::Known(_, place) if *place == unit.place);
    let own = unit.source != Source::Foreign && unit.python.value().is_some();
    own && (server.is_some()
        || from_image && !unit.process.by_port_only && !programs::is_foreign(program))
}

/// The name of the program that starts.
fn program(unit: &Unit) -> &str {
    let program = unit.process.argv.first();
    paths::file_name(program.map_or("", String::as_str))
}
