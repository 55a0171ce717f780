//! One arena and no thread caches, beside threads that allocate without Python's lock, or under all of Python's objects.

use super::Report;
use super::remedies::{malloc_conf, set_conf};
use crate::facts::{self, Family};
use crate::finding::{Applicability, Finding};
use crate::model::malloc_conf::{Conf, Effect, Pair, option_of};
use crate::model::{EnvVar, NativeThreads, ProcessModel, PythonBuild, Role, Unit};
use crate::text::Place;

/// What asks the only arena for memory so often that it matters.
enum Asking {
    /// Threads of a package, in its own code.
    Native(NativeThreads),
    /// Python's own threads, which no lock keeps apart.
    Threads(PythonBuild),
    /// Python, for every small object.
    Objects(EnvVar),
}

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let jemalloc = unit
        .replacement()
        .is_some_and(|(family, _)| family == Family::Jemalloc);
    if !jemalloc || unit.role != Role::Runtime || unit.process.development {
        return;
    }
    let (Some(asking), Some(conf)) = (asking(unit), malloc_conf(unit)) else {
        return;
    };
    let Some((arenas, caches)) = narrowed(&conf) else {
        return;
    };
    let place = conf.place(caches.setting.all());
    let finding = report
        .finding(&place, format!("without thread caches {}", asking.what()))
        .caption("each block is taken under one lock")
        .label(&conf.place(arenas.setting.all()), "the only arena")
        .help("let threads keep small blocks: `narenas:1,tcache_max:1024` (before jemalloc 5.3 `lg_tcache_max:10`)");
    // An older one is told the same as a power of two.
    let in_bytes = |version| option_of("tcache_max", version).is_some();
    let kept = match conf.readers.version.is_none_or(in_bytes) {
        true => "tcache_max:1024",
        false => "lg_tcache_max:10",
    };
    report.add(asking.told(finding, &place).remedy(
        format!("write `{kept}`"),
        Applicability::Unsafe("each thread keeps some memory then".into()),
        set_conf(conf.with(&caches.setting.all(), kept)),
    ));
}

/// What is sure comes first.
fn asking(unit: &Unit) -> Option<Asking> {
    let native = unit.native_threads.clone();
    let (often, seldom) = match native {
        Some(threads) if threads.doubt.is_none() => (Some(threads), None),
        other => (None, other),
    };
    // Forked workers without threads have one each.
    let alone = unit.process.model.known() == Some(&ProcessModel::Fork) && !unit.process.threaded;
    let unlocked = || unit.unlocked().filter(|_| !alone);
    often
        .map(Asking::Native)
        .or_else(|| objects(unit).map(Asking::Objects))
        .or_else(|| unlocked().map(Asking::Threads))
        .or_else(|| seldom.map(Asking::Native))
}

/// The variable by which malloc makes Python's objects, in a Python that knows it.
fn objects(unit: &Unit) -> Option<EnvVar> {
    let var = unit.env.get("PYTHONMALLOC")?;
    let malloc = matches!(var.now.value.known(), Some("malloc" | "malloc_debug"));
    let python = unit.python.value().is_some_and(|python| !python.pypy);
    (malloc && python && unit.free_threaded().is_none()).then(|| var.clone())
}

impl Asking {
    fn what(&self) -> String {
        match self {
            Self::Native(threads) => format!(
                "the threads of `{}` wait for one arena at every allocation",
                threads.package
            ),
            Self::Threads(build) => format!(
                "C libraries in the threads of `{}` wait for one arena at every allocation",
                build.said
            ),
            Self::Objects(_) => {
                "every small object of Python is taken from one arena under its lock".into()
            }
        }
    }

    /// Where it is told, what was measured, and how sure it is.
    fn told(&self, finding: Finding, at: &Place) -> Finding {
        match self {
            Self::Native(threads) => {
                let mut finding = measured_threads(finding).note("code in Python holds the interpreter's lock while it allocates, and loses little: this setting was measured for it");
                if threads.place.same_file(at) || !threads.place.span.is_empty() {
                    finding = finding.label(
                        &threads.place,
                        "its threads allocate without Python's lock",
                    );
                }
                match threads.doubt {
                    None => finding,
                    Some(doubt) => {
                        finding.possible(format!("the threads of `{}` {doubt}", threads.package))
                    }
                }
            }
            Self::Threads(build) => measured_threads(finding)
                .label(&build.place, "its threads run without the interpreter's lock")
                .note("Python's own objects come from mimalloc there; what C libraries allocate (NumPy's arrays, libxml2's trees) comes from jemalloc")
                .possible("C libraries may allocate little in several threads at once"),
            Self::Objects(var) => {
                let cost = facts::objects_cost();
                finding
                    .label(&var.now.place, "malloc makes all objects, and no pool of Python's")
                    .note(format!(
                        "a tuple with a number and a dictionary took {} ns where it was measured, and {} ns with small caches",
                        cost.without_caches, cost.with_caches
                    ))
            }
        }
    }
}

fn measured_threads(finding: Finding) -> Finding {
    let cost = facts::native_cost();
    finding.note(format!(
        "two native threads took {} ns for each block where it was measured, and {} ns with small caches",
        cost.without_caches, cost.with_caches
    ))
}

/// The settings that leave one arena and no thread caches, where both are in force.
fn narrowed<'c>(conf: &'c Conf<'_>) -> Option<(Pair<'c>, Pair<'c>)> {
    let in_force = |option: &str, wanted: Effect| {
        let pair = conf.last(option)?;
        let (_, effect) = pair.taken()?;
        (effect == wanted).then_some(pair)
    };
    let arenas = in_force("narenas", Effect::Number(1))?;
    let caches = in_force("tcache", Effect::Word("false"))?;
    Some((arenas, caches))
}
