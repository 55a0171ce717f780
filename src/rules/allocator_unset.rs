//! Long-running Python on glibc with no allocator setting at all.

use super::Report;
use super::remedies::{breaks, bring, is_for_others};
use crate::facts::{
    Family, Libc, PythonMalloc, is_allocator_setting, near_miss, programs, pythonmalloc,
    stands_alone,
};
use crate::finding::{Applicability, Finding, Severity, Subject};
use crate::model::{
    Change, EnvVar, Fact, Process, ProcessKind, ProcessModel, Reach, Role, Source, Stray, Unit,
    is_python,
};
use crate::secrets::masked;
use crate::text::paths;

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    if unit.source == Source::Foreign {
        return foreign(unit, report);
    }
    let Some(kind) = unit
        .process
        .kind
        .value()
        .filter(|kind| **kind != ProcessKind::OneShot)
    else {
        return;
    };
    let concerned = unit.role == Role::Runtime
        && unit.python.value().is_some_and(|python| !python.pypy)
        && unit.platform.libc.value() == Some(&Libc::Glibc)
        && runs_python(unit);
    if !concerned || unit.unseen_settings.is_some() || is_set(unit) {
        return;
    }
    if unit.process.by_port_only && unit.siblings {
        // One of several images of a file: its port may serve another for as long as that runs.
        return;
    }
    let described = matches!(unit.source, Source::Linked(..));
    if described && (unit.process.development || *kind == ProcessKind::Notebook) {
        // A manifest that starts a server for development or a notebook is for one person's machine.
        return;
    }
    let own_command = unit
        .process
        .place
        .as_ref()
        .is_some_and(|place| place.same_file(&unit.place));
    if *kind == ProcessKind::Notebook && (!own_command || unit.unknown_base.is_some()) {
        // A notebook image with some packages more: its base is the place for such a setting.
        return;
    }
    let what = unit
        .process
        .server
        .clone()
        .unwrap_or_else(|| unit.process.shown());
    let mut finding = report
        .finding(
            &unit.install_at,
            format!(
                "`{}` runs on glibc's default malloc: freed memory is given back late or never",
                short(&what)
            ),
        )
        .about(Subject::Image)
        .once()
        .caption(match &unit.source {
            Source::Linked(path, None) => format!("its image is built by `{path}`"),
            Source::Linked(path, Some(_)) => format!("`{path}` seems to build its image"),
            _ if no_preload(unit).is_some() => "a setting would stand here".into(),
            _ => "jemalloc would be installed here".into(),
        })
        .note(format!(
            "it runs Python ({}) and {} ({})",
            unit.python.because(&unit.place),
            runs_on(unit),
            unit.process.kind.because(&unit.place)
        ))
        .note(format!(
            "its C library is glibc ({})",
            unit.platform.libc.because(&unit.place)
        ))
        .note(effect(&unit.process))
        .help(match &unit.source {
            Source::Linked(path, _) => format!("in `{path}`: {}", help(unit)),
            _ => help(unit),
        });
    let alone = is_single(&unit.process);
    finding = if no_preload(unit).is_some() {
        if alone {
            finding
        } else {
            two_heaps(finding, UNMEASURED)
        }
    } else {
        let mut changes = bring(Family::Jemalloc);
        changes.push(Change::Tune);
        finding.remedy(
            "install, preload and configure jemalloc",
            applicability(unit, *kind),
            changes,
        )
    };
    if let Source::Linked(_, Some(why)) = &unit.source {
        finding = finding.note(why.clone());
    }
    if let Some(place) = &unit.process.place {
        finding = finding.label(place, "this is what runs");
    }
    if unit.process.development {
        finding = finding.note(
            "it is a server for development: if production starts another, leave this as it is",
        );
    }
    if let Some(doubt) = unit.doubts() {
        finding = finding.note(doubt);
    }
    let person = *kind == ProcessKind::Notebook || unit.process.development;
    if person || unit.process.by_port_only || unit.doubts().is_some() {
        finding = finding.at_severity(Severity::Info);
    }
    report.add(finding);
}

fn applicability(unit: &Unit, kind: ProcessKind) -> Applicability {
    if let Some(strip) = unit.strips.first() {
        return Applicability::Manual(format!(
            "`{}` would take `LD_PRELOAD` away from the process again",
            strip.by
        ));
    }
    let mut beside = unit.preloads.iter();
    if let Some(why) = beside.find_map(|other| stands_alone(paths::file_name(&other.name))) {
        return Applicability::Manual(why.into());
    }
    if let Some(replaced) = &unit.start_replaces_preload {
        return Applicability::Manual(format!("a preload would be lost: {}", replaced.why));
    }
    if let Some(why) = breaks(unit) {
        return why;
    }
    let mut words = unit.process.argv.iter().take(2);
    if words.any(|word| programs::counts_address_space(paths::file_name(word))) {
        return Applicability::Unsafe(
            "it ends workers by their address space, of which jemalloc keeps more: add `retain:false` to `MALLOC_CONF`, and measure it".into(),
        );
    }
    if let Some(doubt) = unit.doubts() {
        return Applicability::Unsafe(doubt);
    }
    match kind {
        ProcessKind::Notebook => {
            Applicability::Unsafe("a notebook server is often started for an hour only".into())
        }
        _ if unit.process.development => Applicability::Unsafe(
            "it is a server for development, and its memory seldom matters".into(),
        ),
        _ if unit.process.by_port_only => Applicability::Unsafe(
            "nothing but a port or a health check says that it keeps running".into(),
        ),
        _ => Applicability::Safe,
    }
}

fn runs_on(unit: &Unit) -> &'static str {
    if unit.process.by_port_only {
        "probably keeps running"
    } else {
        "keeps running"
    }
}

/// A container whose image nothing here is known to build: what is in it cannot be seen, so this is advice.
fn foreign(unit: &Unit, report: &mut Report<'_>) {
    let service =
        unit.process.kind.value() == Some(&ProcessKind::Service) && !unit.process.by_port_only;
    let program = unit.process.argv.first().map_or("", String::as_str);
    let python = is_python(paths::file_name(program))
        || programs::is_python_server(unit.process.server.as_deref());
    let musl = unit.platform.libc.value() == Some(&Libc::Musl) || unit.platform.windows;
    let concerned =
        service && python && !musl && !unit.process.development && unit.role == Role::Runtime;
    if !concerned || unit.unseen_settings.is_some() || is_set(unit) {
        return;
    }
    let what = unit
        .process
        .server
        .clone()
        .unwrap_or_else(|| unit.process.shown());
    // An image that everybody has: what is in it is known.
    let known = unit.platform.libc.value() == Some(&Libc::Glibc) && unit.python.value().is_some();
    let message = if known {
        format!(
            "`{}` runs on glibc's default malloc: freed memory is given back late or never",
            short(&what)
        )
    } else {
        format!(
            "`{}` gets no allocator setting here, and what builds its image is not known",
            short(&what)
        )
    };
    let finding = report
        .finding(&unit.install_at, message)
        .about(Subject::Image)
        .at_severity(Severity::Info)
        .note(format!(
            "it keeps running ({})",
            unit.process.kind.because(&unit.place)
        ))
        .note(effect(&unit.process));
    let (caption, help, unsafe_because) = if known {
        (
            "this image brings no allocator of its own",
            "build an image with jemalloc on top of it; or set `MALLOC_ARENA_MAX` to `2` here",
            UNMEASURED,
        )
    } else {
        (
            "no Dockerfile here is known to build it",
            "see to it where the image is built; or set `MALLOC_ARENA_MAX` to `2` here, if the image has glibc and no allocator of its own",
            "the image may bring an allocator of its own, or no glibc",
        )
    };
    report.add(two_heaps(
        finding.caption(caption).help(help),
        unsafe_because,
    ));
}

const UNMEASURED: &str = "with two heaps many threads may wait for each other: measure it";

/// The remedy where jemalloc cannot be brought.
fn two_heaps(finding: Finding, unsafe_because: &str) -> Finding {
    let change = Change::SetEnv {
        name: "MALLOC_ARENA_MAX".into(),
        value: "2".into(),
    };
    finding.remedy(
        "set `MALLOC_ARENA_MAX` to `2`",
        Applicability::Unsafe(unsafe_because.into()),
        vec![change],
    )
}

/// Why a preload must not be set for the image: it never reaches the process, or breaks another program.
fn no_preload(unit: &Unit) -> Option<String> {
    let replaced = unit.start_replaces_preload.as_ref();
    let lost = replaced.filter(|replaced| !replaced.sometimes);
    if let Some(replaced) = lost {
        return Some(format!("a preload would be lost, {}", replaced.why));
    }
    match breaks(unit) {
        Some(Applicability::Manual(why)) => Some(format!("a preload would do harm: {why}")),
        _ => None,
    }
}

/// What can be done here, with the names of this release.
fn help(unit: &Unit) -> String {
    if let Some(why) = no_preload(unit) {
        let alone = is_single(&unit.process);
        let instead = if alone {
            "leave it as it is"
        } else {
            "set `MALLOC_ARENA_MAX` to `2`"
        };
        return format!("{instead}: {why}");
    }
    let python = unit.python.value().and_then(|python| python.version);
    let other = if python.is_some_and(|version| version >= (3, 13)) {
        "; or `PYTHONMALLOC=mimalloc`"
    } else {
        ""
    };
    if unit.conda {
        return format!(
            "`conda install -c conda-forge jemalloc`, set `LD_PRELOAD` to its path below conda's `lib` and `MALLOC_CONF`{other}; or `MALLOC_ARENA_MAX=2`"
        );
    }
    let release = unit.platform.release.value();
    let package = release.and_then(|release| {
        release
            .packages_of(Family::Jemalloc)
            .find(|package| !package.dev)
    });
    let jemalloc = match package.map(|package| (package, &package.repository)) {
        Some((package, Some(from))) if !unit.has_repository(Some(from)) => format!(
            "enable {from}, install `{}` from it, set `LD_PRELOAD={}` and `MALLOC_CONF`",
            package.name, package.soname
        ),
        Some((package, Some(from))) => format!(
            "install `{}` (from {from}), set `LD_PRELOAD={}` and `MALLOC_CONF`",
            package.name, package.soname
        ),
        Some((package, None)) => format!(
            "install `{}`, set `LD_PRELOAD={}` and `MALLOC_CONF`",
            package.name, package.soname
        ),
        None => "install jemalloc in this stage, set `LD_PRELOAD` to its soname and `MALLOC_CONF`"
            .into(),
    };
    if is_single(&unit.process) {
        return format!("{jemalloc}{other}");
    }
    format!("{jemalloc}{other}; or `MALLOC_ARENA_MAX=2` where nothing can be installed")
}

/// Whether the program itself is Python, not something else in an image that also has Python.
fn runs_python(unit: &Unit) -> bool {
    let Some(program) = unit.process.argv.first() else {
        return false;
    };
    let name = paths::file_name(program);
    let from_image = matches!(&unit.python, Fact::Known(_, place) if *place == unit.place);
    unit.process.server.is_some()
        || is_python(name)
        || from_image && !unit.process.by_port_only && !programs::is_foreign(name)
}

/// Whether anything at all was set or tried; what is wrong with it is other rules' business.
fn is_set(unit: &Unit) -> bool {
    let named = |var: &EnvVar| {
        let name = var.name.as_str();
        is_allocator_setting(name) && !is_unknown(unit, var) || near_miss(name).is_some()
    };
    // An OpenMP run-time that is preloaded says nothing about allocators.
    let preload = unit
        .env
        .get("LD_PRELOAD")
        .is_some_and(|var| !is_for_others(var));
    // A preload that went astray has findings of its own.
    let astray = |made: &Stray| {
        let name = made.variable.as_deref();
        name == Some("LD_PRELOAD") && made.family.is_some()
            || made.reach == Reach::Run && name.is_some_and(is_allocator_setting)
    };
    unit.mentions_allocator()
        || unit
            .opaque
            .iter()
            .any(|opaque| opaque.path == "/etc/ld.so.preload")
        || preload
        || unit.env.iter().any(named)
        || unit.strays.iter().any(astray)
}

/// A `PYTHONMALLOC` that Python does not know: a rule of its own says so.
fn is_unknown(unit: &Unit, var: &EnvVar) -> bool {
    let version = unit.python.value().and_then(|python| python.version);
    let value = var.now.value.known().filter(|_| var.name == "PYTHONMALLOC");
    let made = value.map(|value| pythonmalloc(value, version));
    matches!(
        made,
        Some(PythonMalloc::Unknown | PythonMalloc::NeedsVersion(_))
    )
}

/// Workers that are forked and have one thread each, as far as the command says.
fn is_single(process: &Process) -> bool {
    process.model.value() == Some(&ProcessModel::Fork) && !process.threaded
}

/// What glibc does there, and what was measured (bench/memory/results).
fn effect(process: &Process) -> &'static str {
    match process.model.value() {
        Some(ProcessModel::Fork) if is_single(process) => {
            "its workers have one thread each, as far as the command says, and so one heap: measured under gunicorn with \
             sync workers, jemalloc comes to 0.7 x the memory of glibc at rest, and `MALLOC_ARENA_MAX` changes nothing"
        }
        Some(ProcessModel::Fork | ProcessModel::Spawn) => {
            "glibc keeps up to 8 heaps per core for every worker; one live object pins each of them"
        }
        _ => {
            "glibc keeps up to 8 heaps per core for the process; one live object pins each of them"
        }
    }
}

fn short(text: &str) -> String {
    // What is cut could not be told for a secret any more.
    let text: &str = &masked(text);
    const LIMIT: usize = 40;
    match text.char_indices().nth(LIMIT) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or(text)),
        None => text.to_owned(),
    }
}
