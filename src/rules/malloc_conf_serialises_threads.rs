//! One arena and no thread caches, beside threads that allocate without Python's lock.

use super::Report;
use super::remedies::{malloc_conf, set_conf};
use crate::facts::{self, Family};
use crate::finding::{Applicability, Finding};
use crate::model::malloc_conf::{Conf, Effect, Pair, option_of};
use crate::model::{NativeThreads, ProcessModel, PythonBuild, Role, Unit};
use crate::text::Place;

/// Whose threads allocate side by side.
enum Threads {
    /// Those of a package, in its own code.
    Native(NativeThreads),
    /// Python's own, which no lock keeps apart.
    Python(PythonBuild),
}

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let jemalloc = unit
        .replacement()
        .is_some_and(|(family, _)| family == Family::Jemalloc);
    if !jemalloc || unit.role != Role::Runtime || unit.process.development {
        return;
    }
    let (Some(threads), Some(conf)) = (threads(unit), malloc_conf(unit)) else {
        return;
    };
    let Some((arenas, caches)) = narrowed(&conf) else {
        return;
    };
    let place = conf.place(caches.setting.all());
    let cost = facts::native_cost();
    let finding = report
        .finding(
            &place,
            format!(
                "without thread caches {} wait for one arena at every allocation",
                threads.who()
            ),
        )
        .caption("each block is taken under one lock")
        .label(&conf.place(arenas.setting.all()), "the only arena")
        .note(format!(
            "two native threads took {} ns for each block where it was measured, and {} ns with small caches",
            cost.without_caches, cost.with_caches
        ))
        .help("let threads keep small blocks: `narenas:1,tcache_max:1024` (before jemalloc 5.3 `lg_tcache_max:10`)");
    // An older one is told the same as a power of two.
    let in_bytes = |version| option_of("tcache_max", version).is_some();
    let kept = match conf.readers.version.is_none_or(in_bytes) {
        true => "tcache_max:1024",
        false => "lg_tcache_max:10",
    };
    report.add(threads.told(finding, &place).remedy(
        format!("write `{kept}`"),
        Applicability::Unsafe("each thread keeps some memory then".into()),
        set_conf(conf.with(&caches.setting.all(), kept)),
    ));
}

/// Those that do so in ordinary use come first.
fn threads(unit: &Unit) -> Option<Threads> {
    let native = unit.native_threads.clone();
    // Forked workers without threads have one each.
    let alone = unit.process.model.known() == Some(&ProcessModel::Fork) && !unit.process.threaded;
    let python = unit.unlocked().filter(|_| !alone);
    match (native, python) {
        (Some(native), _) if native.doubt.is_none() => Some(Threads::Native(native)),
        (_, Some(python)) => Some(Threads::Python(python)),
        (native, None) => native.map(Threads::Native),
    }
}

impl Threads {
    fn who(&self) -> String {
        match self {
            Self::Native(threads) => format!("the threads of `{}`", threads.package),
            Self::Python(build) => format!("C libraries in the threads of `{}`", build.said),
        }
    }

    /// Where they come from, what is known of them, and how sure that is.
    fn told(&self, finding: Finding, at: &Place) -> Finding {
        match self {
            Self::Native(threads) => {
                let mut finding = finding.note("code in Python holds the interpreter's lock while it allocates, and loses little: this setting was measured for it");
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
            Self::Python(build) => finding
                .label(&build.place, "its threads run without the interpreter's lock")
                .note("Python's own objects come from mimalloc there; what C libraries allocate (NumPy's arrays, libxml2's trees) comes from jemalloc")
                .possible("C libraries may allocate little in several threads at once"),
        }
    }
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
