//! Long-running Python on glibc with no allocator setting at all.

mod advice;

use super::Report;
use super::remedies::{breaks, bring, is_for_others};
use crate::facts::{
    Family, Libc, PythonMalloc, is_allocator_setting, near_miss, programs, pythonmalloc,
    stands_alone,
};
use crate::finding::{Applicability, Finding, Severity, Subject};
use crate::model::{
    Change, Concern, EnvVar, Evidence, Fact, Memory, ProcessKind, Reach, Seen, Source, Stray, Unit,
    are_enough, concern, entries,
};
use crate::secrets::masked;
use crate::text::{Place, paths};
use advice::{effect, gains_by_fewer_heaps, help, measured, no_preload};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    if unit.source == Source::Foreign {
        return foreign(unit, report);
    }
    if concern(unit) != Concern::Service || is_set(unit) {
        return;
    }
    let Some(kind) = unit.process.kind.value() else {
        return;
    };
    if unit.platform.libc.value().is_none() {
        return in_the_dark(
            unit,
            report,
            "malloclint does not know its base image",
            "what this image brings is not known",
        );
    }
    let mut finding = report
        .finding(
            &unit.install_at,
            format!(
                "`{}` runs on glibc's default malloc: freed memory is given back late or never",
                what_runs(unit)
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
        .note(effect(&unit.process));
    let also = match is_pythons(unit) {
        true => "; with it `PYTHONMALLOC=malloc`",
        false => "",
    };
    finding = evidence(finding, unit).help(match &unit.source {
        Source::Linked(path, _) => format!("in `{path}`: {}{also}", help(unit)),
        _ => format!("{}{also}", help(unit)),
    });
    finding = if no_preload(unit).is_some() {
        two_heaps(finding, unit, UNMEASURED)
    } else {
        let mut changes = bring(Family::Jemalloc);
        changes.push(Change::Tune);
        let (title, applicability) = match is_pythons(unit) {
            false => (
                "install, preload and configure jemalloc",
                applicability(unit, *kind),
            ),
            true => {
                changes.push(Change::SetEnv {
                    name: "PYTHONMALLOC".into(),
                    value: "malloc".into(),
                });
                (
                    "install, preload and configure jemalloc, and let Python use it",
                    applicability(unit, *kind).at_most_unsafe(
                        "`PYTHONMALLOC=malloc` costs time: measure it with `malloclint tune`",
                    ),
                )
            }
        };
        finding.remedy(title, applicability, changes)
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
    let person = *kind == ProcessKind::Notebook || unit.process.development;
    if person || !grows(unit) {
        finding = finding.at_severity(Severity::Info);
    }
    report.add(with_confidence(finding, unit));
}

/// Whether there is reason to think that its memory grows and is kept: what was seen counts more than any sign.
fn grows(unit: &Unit) -> bool {
    match unit.seen.as_ref().map(Seen::on_glibc) {
        Some(Memory::Kept) => true,
        Some(Memory::Live) => false,
        Some(Memory::Unknown) | None => are_enough(&unit.evidence),
    }
}

/// How sure it is that it keeps running on glibc's malloc.
fn with_confidence(finding: Finding, unit: &Unit) -> Finding {
    if let Some(doubt) = unit.doubts() {
        return finding.possible(doubt);
    }
    let process = &unit.process;
    if process.by_port_only {
        return finding.possible(format!(
            "that it keeps running is taken from {}",
            process.kind.because(&unit.place)
        ));
    }
    match (&process.kind, &process.missing) {
        (Fact::Assumed(_, why), _) => finding.likely(why.clone()),
        (_, Some(module)) => finding.likely(format!(
            "`{module}`, which it runs, was not found beside the Dockerfile"
        )),
        _ => finding,
    }
}

/// What there is to see of growing memory, each with its line; or what was measured where there is nothing.
fn evidence(mut finding: Finding, unit: &Unit) -> Finding {
    let signs: Vec<String> = unit.evidence.iter().map(|sign| told(sign, unit)).collect();
    let seen = unit.seen.as_ref().map(Seen::told);
    let signs: Vec<String> = seen.into_iter().chain(signs).collect();
    for sign in &signs {
        finding = finding.note(sign.clone());
    }
    finding.brief = signs.join("; ");
    if let Some(lever) = lever(unit) {
        finding = finding.note(format!("what would help it most: {lever}"));
    }
    if unit.seen.is_some() || are_enough(&unit.evidence) {
        return finding;
    }
    finding.note(measured(&unit.process))
}

/// Whether most of what is kept lies in Python's own arenas: jemalloc alone changes nothing there.
fn is_pythons(unit: &Unit) -> bool {
    let seen = unit.seen.as_ref();
    seen.is_some_and(|seen| seen.is_pythons && seen.on_glibc() == Memory::Kept)
}

/// What the report says would help, where that is something to do with allocators.
fn lever(unit: &Unit) -> Option<&str> {
    let seen = unit.seen.as_ref();
    let kept = seen.filter(|seen| seen.on_glibc() == Memory::Kept)?;
    kept.lever.as_deref()
}

/// A sign, with where it stands.
fn told(sign: &Evidence, unit: &Unit) -> String {
    let place = &sign.place;
    let file = match place.same_file(&unit.place) {
        true => String::new(),
        false => format!(" of {}", place.file.path),
    };
    let (means, text) = (sign.sign.means(), short(&sign.text));
    format!("{means} (`{text}`, line {}{file})", place.line())
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
    if concern(unit) != Concern::Service || unit.process.by_port_only || is_set(unit) {
        return;
    }
    // An image that everybody has: what is in it is known.
    let known = unit.platform.libc.value() == Some(&Libc::Glibc) && unit.python.value().is_some();
    if !known {
        return in_the_dark(
            unit,
            report,
            "malloclint does not know what builds its image",
            "no Dockerfile here is known to build it",
        );
    }
    let message = format!(
        "`{}` runs on glibc's default malloc: freed memory is given back late or never",
        what_runs(unit)
    );
    let finding = with_confidence(advice(unit, report, message), unit);
    let heaps = arenas_here(unit, "");
    let finding = finding
        .caption("this image brings no allocator of its own")
        .help(format!("build an image with jemalloc on top of it{heaps}"));
    report.add(two_heaps(finding, unit, UNMEASURED));
}

/// A service on a C library that nobody knows: no more than that nothing is set can be said.
fn in_the_dark(unit: &Unit, report: &mut Report<'_>, because: &str, caption: &str) {
    let message = format!(
        "`{}` gets no allocator setting here, and {because}",
        what_runs(unit)
    );
    let help = match unit.source {
        Source::Own => "look into the base image",
        _ => "see to it where the image is built",
    };
    let heaps = arenas_here(unit, ", if the image has glibc and no allocator of its own");
    let finding = advice(unit, report, message)
        .caption(caption)
        .help(format!("{help}{heaps}"))
        .possible(because);
    let doubt = "the image may bring an allocator of its own, or no glibc";
    report.add(two_heaps(finding, unit, doubt));
}

/// The other help, where it is one.
fn arenas_here(unit: &Unit, condition: &str) -> String {
    let helps = gains_by_fewer_heaps(unit);
    let text = || format!("; or set `MALLOC_ARENA_MAX` to `2` here{condition}");
    helps.then(text).unwrap_or_default()
}

fn advice(unit: &Unit, report: &Report<'_>, message: String) -> Finding {
    let finding = report
        .finding(&unit.install_at, message)
        .about(Subject::Image)
        .at_severity(Severity::Info)
        .note(format!(
            "it keeps running ({})",
            unit.process.kind.because(&unit.place)
        ))
        .note(effect(&unit.process));
    evidence(finding, unit)
}

fn what_runs(unit: &Unit) -> String {
    let server = unit.process.server.clone();
    short(&server.unwrap_or_else(|| unit.process.shown()))
}

const UNMEASURED: &str = "with two heaps many threads may wait for each other: measure it";

/// The remedy where jemalloc cannot be brought, if it is one.
fn two_heaps(finding: Finding, unit: &Unit, unsafe_because: &str) -> Finding {
    if !gains_by_fewer_heaps(unit) {
        return finding;
    }
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

/// What was set or tried, if anything was; what is wrong with it is other rules' business.
pub(crate) fn what_is_set(unit: &Unit) -> Option<String> {
    let at = |place: &Place| match place.same_file(&unit.place) {
        true => format!("line {}", place.line()),
        false => format!("{}, line {}", place.file.path, place.line()),
    };
    if let Some((family, place)) = unit.replacement() {
        return Some(format!("{family} is loaded ({})", at(place)));
    }
    let preload = unit.env.get("LD_PRELOAD");
    if let Some(var) = preload.filter(|var| is_switched_off(var)) {
        return Some(format!(
            "`LD_PRELOAD` is empty: nothing is preloaded ({})",
            at(&var.now.place)
        ));
    }
    let named = |var: &&EnvVar| {
        let name = var.name.as_str();
        is_allocator_setting(name) && !is_unknown(unit, var) || near_miss(name).is_some()
    };
    if let Some(var) = unit.env.iter().find(named) {
        return Some(format!("`{}` is set ({})", var.name, at(&var.now.place)));
    }
    // An OpenMP run-time that is preloaded says nothing about allocators.
    if let Some(var) = preload.filter(|var| !is_for_others(var)) {
        return Some(format!("`LD_PRELOAD` is set ({})", at(&var.now.place)));
    }
    // A preload that went astray has findings of its own.
    let astray = |made: &&Stray| {
        let name = made.variable.as_deref();
        name == Some("LD_PRELOAD") && made.family.is_some()
            || made.reach == Reach::Run && name.is_some_and(is_allocator_setting)
    };
    if let Some(stray) = unit.strays.iter().find(astray) {
        return Some(format!("one is set elsewhere ({})", at(&stray.place)));
    }
    let mut opaque = unit.opaque.iter();
    if let Some(file) = opaque.find(|opaque| opaque.path == "/etc/ld.so.preload") {
        return Some(format!("`{}` may load one: {}", file.path, file.why));
    }
    let mentioned = unit.mentions_allocator();
    mentioned.then(|| "an allocator is in the image".into())
}

/// A list without entries, which somebody wrote: it switches preloading off.
fn is_switched_off(var: &EnvVar) -> bool {
    let value = &var.now.value;
    value.erased.is_empty() && value.known().is_some_and(|text| entries(text).is_empty())
}

fn is_set(unit: &Unit) -> bool {
    what_is_set(unit).is_some()
}

/// A `PYTHONMALLOC` that Python does not know: a rule of its own says so.
fn is_unknown(unit: &Unit, var: &EnvVar) -> bool {
    let version = unit.python.value().and_then(|python| python.version);
    let value = var.now.value.known().filter(|_| var.name == "PYTHONMALLOC");
    let free_threaded = unit.free_threaded().is_some();
    let made = value.map(|value| pythonmalloc(value, version, free_threaded));
    matches!(
        made,
        Some(PythonMalloc::Unknown | PythonMalloc::NeedsVersion(_) | PythonMalloc::NeedsLock)
    )
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
