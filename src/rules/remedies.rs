//! What rules share: which entries they may speak of, and the remedies that several of them offer.

use super::Report;
use crate::facts::{self, Family, Libc};
use crate::finding::{Applicability, Finding, Severity};
use crate::model::malloc_conf::{Conf, Effect, Pair, unread};
use crate::model::{
    Change, EnvVar, Found, Library, Origin, Preload, Reach, Stray, Unit, Via, entries, entries_of,
    family_of, finds,
};
use crate::text::Place;
use crate::text::paths;

/// Preload entries that rules may find fault with: those that stand in the text as the process gets
/// them. What a start script puts together is its own business: it may test before it sets.
pub(super) fn faults(unit: &Unit) -> impl Iterator<Item = &Preload> {
    // Whatever becomes of it when the container starts: it is wrong where it stands.
    let overridden = unit
        .overridden
        .iter()
        .filter(|preload| !preload.outcome.works());
    let all = unit.preloads.iter().chain(overridden);
    all.filter(|preload| !preload.conditional && preload.is_told())
}

/// What is wrong with an entry is only likely on a base that is not known: it may bring what is not seen.
pub(super) fn severity(unit: &Unit, preload: &Preload) -> Severity {
    match unit.unknown_base {
        Some(_) if preload.outcome.library().is_some() => Severity::Warning,
        _ => Severity::Error,
    }
}

/// What the loader does about a file that it cannot find.
pub(super) fn loader_says(unit: &Unit) -> &'static str {
    if unit.platform.libc.value() == Some(&Libc::Musl) {
        return "musl's loader skips it without a word";
    }
    "the loader prints `cannot be preloaded ... ignored` for every program and goes on without it"
}

/// The file name of an entry, without what is around it.
pub(super) fn soname_of(preload: &Preload) -> String {
    let file = paths::file_name(&preload.name);
    file.trim_matches(|c: char| matches!(c, '"' | '\''))
        .to_owned()
}

/// What a preloaded allocator would break in the image, surely or perhaps: why it is not to be brought.
pub(super) fn breaks(unit: &Unit) -> Option<Applicability> {
    let sure = unit.broken_by_preload().max_by_key(|fragile| fragile.found);
    let most = sure.or_else(|| unit.endangered_by_preload().next())?;
    let (name, what) = (&most.program.name, &most.program.what);
    let line = most.place.line();
    Some(match most.found {
        _ if Unit::is_uncertain(most) => Applicability::Unsafe(format!(
            "which version it is, is not known (line {line}), and {name} {what}"
        )),
        Found::Named => Applicability::Unsafe(format!(
            "{name} may be in the image (line {line}), and it {what}"
        )),
        Found::Installed | Found::Started => Applicability::Manual(format!(
            "{name} is in the image (line {line}), and it {what}"
        )),
    })
}

/// What makes an allocator run in a unit: it is installed and named.
pub(super) fn bring(family: Family) -> Vec<Change> {
    vec![Change::Install(family), Change::Preload(family)]
}

/// The same where nothing at all is set: jemalloc is configured, too.
pub(super) fn bring_all(unit: &Unit, family: Family) -> (String, Vec<Change>) {
    let mut changes = bring(family);
    // The settings were measured under Python.
    if family != Family::Jemalloc || unit.python.value().is_none() || is_tuned_astray(unit) {
        return (format!("install and preload {family}"), changes);
    }
    changes.push(Change::Tune);
    ("install, preload and configure jemalloc".into(), changes)
}

/// Whether another allocator is preloaded, rightly or wrongly, or was installed to be: one that the base brings for a program
/// of its own leaves Python on glibc's.
pub(super) fn another_is_meant(unit: &Unit) -> bool {
    let named = |preload: &Preload| preload.family.is_some();
    let installed =
        |library: &Library| matches!(library.origin, Origin::Package { dev: false, .. });
    unit.replacement().is_some()
        || unit.preloads.iter().any(named)
        || unit.python.value().is_some() && unit.libraries.iter().any(installed)
}

/// Whether a `MALLOC_CONF` is set that never reaches the process: that has a remedy of its own.
pub(super) fn is_tuned_astray(unit: &Unit) -> bool {
    let astray = |stray: &Stray| {
        stray.variable.as_deref() == Some("MALLOC_CONF") && stray.reach == Reach::Run
    };
    unit.strays.iter().any(astray)
}

/// The `MALLOC_CONF` of a process, where jemalloc may read it. (Where nothing does, its text does not
/// matter.)
pub(super) fn malloc_conf(unit: &Unit) -> Option<Conf<'_>> {
    if unit.role.is_build() || unread(unit).is_some() {
        return None;
    }
    Conf::of(unit)
}

/// What is wrong with a `MALLOC_CONF` is an error where jemalloc is in force for sure.
pub(super) fn conf_finding(
    report: &Report<'_>,
    conf: &Conf<'_>,
    place: &Place,
    message: String,
) -> Finding {
    let mut finding = report.finding(place, message);
    if !conf.readers.in_force {
        let severity = finding.severity.min(Severity::Warning);
        finding = finding.at_severity(severity);
    }
    if let (Some(version), Some(from)) = (conf.readers.version, &conf.readers.because) {
        finding = finding.note(format!("jemalloc is {version} here ({from})"));
    }
    if conf.aborts() {
        finding =
            finding.note("with `abort_conf:true` the process does not start: jemalloc ends it");
    }
    finding
}

/// The remedy that gives `MALLOC_CONF` another text.
pub(super) fn set_conf(value: String) -> Vec<Change> {
    let name = "MALLOC_CONF".into();
    vec![if value.is_empty() {
        Change::UnsetEnv { name }
    } else {
        Change::SetEnv { name, value }
    }]
}

/// Adds the remedy that renames one entry of `LD_PRELOAD` and keeps the others, where the loader
/// would find the new name.
pub(super) fn rename_entry(
    finding: Finding,
    unit: &Unit,
    preload: &Preload,
    name: &str,
    safe: Applicability,
) -> Finding {
    let Some(var) = unit
        .env
        .get("LD_PRELOAD")
        .filter(|_| preload.via == Via::Environment)
    else {
        return finding;
    };
    if !finds(unit, name) {
        // The new name would be no better: a person must look.
        return finding;
    }
    // What parts the entries stays as it is.
    let mut value = var.now.value.text.as_str().to_owned();
    for range in entries_of(unit, &value).into_iter().rev() {
        if value.get(range.clone()) == Some(preload.name.as_str()) {
            value.replace_range(range, name);
        }
    }
    let change = Change::SetEnv {
        name: "LD_PRELOAD".into(),
        value,
    };
    let safe = match (safe, in_force(unit)) {
        (Applicability::Safe, Some(why)) if !preload.outcome.works() => Applicability::Unsafe(why),
        (safe, _) => safe,
    };
    finding.remedy(format!("preload `{name}`"), safe, vec![change])
}

/// From here on pages outlive whatever used them: an hour, in milliseconds.
const LONG: i128 = 60 * 60 * 1000;

/// The last setting that keeps pages, and how long. (A jemalloc that does not know it rejects it, which is no better.)
pub(super) fn keeps_pages<'c>(conf: &'c Conf<'_>) -> Option<(Pair<'c>, &'static str)> {
    let long = |pair: Pair<'c>| after(conf, &pair).map(|after| (pair, after));
    conf.pairs().filter_map(long).last()
}

/// How long pages are kept, where the setting is the one in force and that is long.
fn after(conf: &Conf<'_>, pair: &Pair<'_>) -> Option<&'static str> {
    let (option, effect) = pair.taken_by_some()?;
    let Effect::Number(number) = effect else {
        return None;
    };
    let unit = i128::from(option.decay?);
    let same = |other: &Pair<'_>| {
        let taken = other.taken_by_some();
        taken.is_some_and(|(taken, _)| taken.name == option.name)
    };
    let last = conf.pairs().filter(same).last()?;
    if last.setting.key != pair.setting.key {
        return None;
    }
    match number {
        -1 => Some("for good"),
        number if number * unit >= LONG => Some("for hours"),
        _ => None,
    }
}

/// What would come into force with jemalloc although it keeps memory: nothing reads it today.
pub(crate) fn in_force(unit: &Unit) -> Option<String> {
    let conf = Conf::of(unit)?;
    keeps_pages(&conf).map(|(pair, after)| {
        let (key, value) = (pair.key, pair.value);
        format!(
            "`{key}:{value}` would take effect, which keeps freed pages {after}: change that first"
        )
    })
}

/// A list of libraries that are no allocators, as far as their names tell: it says nothing about jemalloc. An empty one
/// does, it is how preloading is switched off.
pub(super) fn is_for_others(var: &EnvVar) -> bool {
    let text = var.now.value.known().unwrap_or_default();
    let entries = entries(text);
    let harmless = |entry: &str| {
        let file = paths::file_name(entry);
        let plain = file.contains(".so") && !entry.contains(['*', '$', '`', '{', ',', ';']);
        facts::not_an_allocator(file) || plain && family_of(entry).is_none()
    };
    // Where an allocator was replaced, another rule says so.
    let replaced = var
        .history
        .iter()
        .any(|was| family_of(was.value.text.as_str()).is_some());
    !replaced
        && !entries.is_empty()
        && entries
            .into_iter()
            .all(|range| text.get(range).is_some_and(harmless))
}
