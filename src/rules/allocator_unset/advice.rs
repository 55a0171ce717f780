//! What is said to a service that sets no allocator: what glibc does there, what was measured (bench/memory/results), and what
//! can be done.

use crate::facts::{self, Family, Release, programs};
use crate::model::{Process, ProcessModel, Unit};
use crate::rules::remedies::breaks;

/// Workers that are forked and have one thread each, as far as the command says.
fn is_single(process: &Process) -> bool {
    process.model.value() == Some(&ProcessModel::Fork) && !process.threaded
}

/// How many heaps the server asks glibc for by itself, where it does.
fn own_heaps(process: &Process) -> Option<u32> {
    programs::own_heaps(process.server.as_deref()?)
}

/// Whether `MALLOC_ARENA_MAX` changes anything: not with one heap in each worker, nor where the server sets it itself.
pub(super) fn gains_by_fewer_heaps(unit: &Unit) -> bool {
    let process = &unit.process;
    let seen = unit.seen.as_ref().and_then(|seen| seen.heaps);
    !is_single(process) && own_heaps(process).is_none() && seen != Some(1)
}

/// What glibc does there.
pub(super) fn effect(process: &Process) -> String {
    let server = process.server.as_deref().unwrap_or_default();
    if let Some(heaps) = own_heaps(process) {
        return format!(
            "`{server}` limits glibc to {heaps} heaps itself where it has threads; one live object pins each of them"
        );
    }
    if !is_single(process) {
        let [memory, cpu] = [
            &facts::measured().threads_memory,
            &facts::measured().threads_cpu,
        ]
        .map(|[least, most]| format!("{least} to {most} x"));
        return format!(
            "for a process with threads glibc keeps up to 8 heaps per core; one live object pins each of them; measured in two web services with threads that read a database, under heavy requests, jemalloc comes to {memory} the memory of glibc at rest, for {cpu} the CPU time"
        );
    }
    let one = "as far as its command says its workers have one thread each; with one thread there is one heap, and `MALLOC_ARENA_MAX` changes nothing";
    if !server.starts_with("gunicorn")
        || process
            .worker_kind
            .as_deref()
            .is_some_and(|kind| kind != "sync")
    {
        return one.into();
    }
    format!(
        "{one}; measured under sync workers with heavy requests, jemalloc comes to {} x the memory of glibc at rest, for {} x the CPU time",
        facts::measured().sync_memory,
        facts::measured().sync_cpu
    )
}

/// What is gained without a sign of growing memory.
pub(super) fn measured(process: &Process) -> String {
    let growth = format!(
        "it gains where its memory grows with its work: measured, {}",
        facts::measured().break_even()
    );
    if is_single(process) {
        return format!("{growth}; workers with one thread gain little");
    }
    if !process.threaded || own_heaps(process).is_some() {
        return growth;
    }
    format!(
        "{growth}; on small services with threads `MALLOC_ARENA_MAX=2` does as well as jemalloc, with nothing installed"
    )
}

/// Why a preload must not be set for the image: it never reaches the process, or breaks another program.
pub(super) fn no_preload(unit: &Unit) -> Option<String> {
    let replaced = unit.start_replaces_preload.as_ref();
    let lost = replaced.filter(|replaced| !replaced.sometimes);
    if let Some(replaced) = lost {
        return Some(format!("a preload would be lost, {}", replaced.why));
    }
    match breaks(unit) {
        Some(crate::finding::Applicability::Manual(why)) => {
            Some(format!("a preload would do harm: {why}"))
        }
        _ => None,
    }
}

/// What can be done here, with the names of this release.
pub(super) fn help(unit: &Unit) -> String {
    let heaps = gains_by_fewer_heaps(unit);
    if let Some(why) = no_preload(unit) {
        let instead = if heaps {
            "set `MALLOC_ARENA_MAX` to `2`"
        } else {
            "leave it as it is"
        };
        return format!("{instead}: {why}");
    }
    let python = unit.python.value().and_then(|python| python.version);
    let other = if python.is_some_and(|version| version >= (3, 13)) {
        "; or `PYTHONMALLOC=mimalloc`"
    } else {
        ""
    };
    if let Some(program) = unit.conda {
        let base = if program == "micromamba" {
            " -n base"
        } else {
            ""
        };
        let arenas = if heaps {
            "; or `MALLOC_ARENA_MAX=2`"
        } else {
            ""
        };
        return format!(
            "`{program} install -y{base} -c conda-forge jemalloc`, set `LD_PRELOAD` to its path below conda's `lib` and `MALLOC_CONF`{other}{arenas}"
        );
    }
    let arenas = if heaps {
        "; or `MALLOC_ARENA_MAX=2` where nothing can be installed"
    } else {
        ""
    };
    format!("{}{other}{arenas}", bringing(unit))
}

/// How jemalloc comes into the image.
fn bringing(unit: &Unit) -> String {
    let Some(release) = unit.platform.release.value() else {
        return "install jemalloc in this stage, set `LD_PRELOAD` to its soname and `MALLOC_CONF`"
            .into();
    };
    let (distro, number) = (&release.distro, &release.release);
    if release.archived {
        return format!(
            "take a newer base image: the packages of {distro} {number} were moved to an archive; then install jemalloc, set `LD_PRELOAD` and `MALLOC_CONF`"
        );
    }
    let Some(package) = package(release) else {
        return "install jemalloc in this stage, set `LD_PRELOAD` to its soname and `MALLOC_CONF`"
            .into();
    };
    let (name, soname) = (&package.name, &package.soname);
    let set = match unit.env.get("LD_PRELOAD") {
        Some(_) => format!("add `{soname}` to `LD_PRELOAD`, and set `MALLOC_CONF`"),
        None => format!("set `LD_PRELOAD={soname}` and `MALLOC_CONF`"),
    };
    if unit.platform.manager.is_none() && unit.unknown_base.is_none() {
        return format!(
            "copy `{soname}` from a stage on {distro} {number} that installs `{name}`, {set}"
        );
    }
    match &package.repository {
        Some(from) if !unit.has_repository(Some(from)) => {
            format!("enable {from}, install `{name}` from it, {set}")
        }
        Some(from) => format!("install `{name}` (from {from}), {set}"),
        None => format!("install `{name}`, {set}"),
    }
}

fn package(release: &Release) -> Option<&crate::facts::AllocatorPackage> {
    let mut packages = release.packages_of(Family::Jemalloc);
    packages.find(|package| !package.dev)
}
