//! Arenas counted by the cores of the node, in a container that may use few of them.

use super::Report;
use super::remedies::{malloc_conf, set_conf};
use crate::facts::Family;
use crate::finding::Applicability;
use crate::model::malloc_conf::Conf;
use crate::model::{Role, Unit};

/// Above this many thousandths of a core the node's cores and the container's are not far apart.
const FEW: u64 = 2000;

/// What decides how many arenas there are.
const COUNTS: [&str; 2] = ["narenas", "percpu_arena"];

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let Some((cpu, limit)) = unit.limits.cpu.as_ref().filter(|(cpu, _)| *cpu <= FEW) else {
        return;
    };
    let jemalloc = unit
        .replacement()
        .is_some_and(|(family, _)| family == Family::Jemalloc);
    let threads = unit.process.threaded && !unit.process.development;
    // Without any setting there is more to say: `malloc-conf-unset`.
    let Some(conf) =
        malloc_conf(unit).filter(|_| jemalloc && threads && unit.role == Role::Runtime)
    else {
        return;
    };
    if is_counted(&conf) {
        return;
    }
    let set = conf.place(0..conf.text.len());
    let cores = f64::from(u32::try_from(*cpu).unwrap_or(u32::MAX)) / 1000.0;
    let finding = report
        .finding(limit, format!("jemalloc makes four arenas for each core of the node, and the container may use {cores} of them"))
        .caption("not seen by jemalloc")
        .label(&set, "`narenas` is not set")
        .note("each thread that frees memory leaves unused pages in its arena; a limit of CPU time does not lower their number")
        .help("set `narenas:2`");
    let value = format!("narenas:2,{}", conf.text);
    report.add(finding.remedy(
        "add `narenas:2`",
        Applicability::Unsafe("threads that allocate at once may wait for each other".into()),
        set_conf(value),
    ));
}

fn is_counted(conf: &Conf<'_>) -> bool {
    conf.pairs().any(|pair| COUNTS.contains(&pair.key))
        || conf
            .reading()
            .is_some_and(|reading| reading.broken.is_some())
}
