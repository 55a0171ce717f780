//! One arena and no thread caches, beside threads that allocate without Python's lock.

use super::Report;
use super::remedies::{malloc_conf, set_conf};
use crate::facts::{self, Family};
use crate::finding::Applicability;
use crate::model::malloc_conf::{Conf, Effect, Pair, option_of};
use crate::model::{Role, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let jemalloc = unit
        .replacement()
        .is_some_and(|(family, _)| family == Family::Jemalloc);
    let Some(threads) = unit
        .native_threads
        .as_ref()
        .filter(|_| jemalloc && unit.role == Role::Runtime && !unit.process.development)
    else {
        return;
    };
    let Some(conf) = malloc_conf(unit) else {
        return;
    };
    let Some((arenas, caches)) = narrowed(&conf) else {
        return;
    };
    let place = conf.place(caches.setting.all());
    let (package, few) = (&threads.package, arenas.setting.all());
    let cost = facts::native_cost();
    let mut finding = report
        .finding(
            &place,
            format!("without thread caches the threads of `{package}` wait for one arena at every allocation"),
        )
        .caption("each block is taken under one lock")
        .label(&conf.place(few), "the only arena")
        .note(format!(
            "two native threads took {} ns for each block where it was measured, and {} ns with small caches",
            cost.without_caches, cost.with_caches
        ))
        .note("code in Python holds the interpreter's lock while it allocates, and loses little: this setting was measured for it")
        .help("let threads keep small blocks: `narenas:1,tcache_max:1024` (before jemalloc 5.3 `lg_tcache_max:10`)");
    if threads.place.same_file(&place) || !threads.place.span.is_empty() {
        finding = finding.label(&threads.place, "its threads allocate without Python's lock");
    }
    if !threads.often {
        finding = finding.possible(format!(
            "the threads of `{package}` may compute in buffers that stay"
        ));
    }
    // An older one is told the same as a power of two.
    let in_bytes = |version| option_of("tcache_max", version).is_some();
    let kept = match conf.readers.version.is_none_or(in_bytes) {
        true => "tcache_max:1024",
        false => "lg_tcache_max:10",
    };
    report.add(finding.remedy(
        format!("write `{kept}`"),
        Applicability::Unsafe("each thread keeps some memory then".into()),
        set_conf(conf.with(&caches.setting.all(), kept)),
    ));
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
