//! What would change the memory of a process, the best first.

use super::account::Account;
use super::verdict::{Kind, LITTLE, Lever, Means};
use crate::facts::Family;

/// Of what is free the share from which on its kind gets a lever of its own.
const NOTABLE: f64 = 0.25;

pub(super) fn of(account: &Account, kind: Kind) -> Vec<Lever> {
    let free = account.free();
    let is_some_free = free >= LITTLE && is_notable(free, account.census.anonymous());
    if kind == Kind::Unknown || kind == Kind::Live && !is_some_free {
        let text =
            "no allocator setting will help: find what holds the objects (memray, tracemalloc)";
        return vec![lever(Means::Profiler, text)];
    }
    let mut found = of_allocators(account);
    if kind == Kind::Live {
        let text = "no allocator setting stops what is in use: find what holds the objects (memray, tracemalloc)";
        found.insert(0, lever(Means::Profiler, text));
    }
    if kind == Kind::Mixed {
        let live = mib(account.live());
        found.push(lever(
            Means::Profiler,
            format!("{live} MiB are in use: if that grows, find what holds the objects (memray, tracemalloc)"),
        ));
    }
    found
}

/// What gives back what is free.
fn of_allocators(account: &Account) -> Vec<Lever> {
    let mut found = match account.jemalloc() {
        Some(_) => of_jemalloc(account),
        None => of_glibc(account),
    };
    let pools = account.pymalloc.free;
    if pools >= LITTLE {
        let at = if pools > account.free_in_heaps() {
            0
        } else {
            found.len()
        };
        found.insert(at, of_python(account));
    }
    found
}

fn lever(means: Means, text: impl Into<String>) -> Lever {
    Lever {
        means,
        text: text.into(),
    }
}

const fn mib(bytes: u64) -> u64 {
    (bytes + (1 << 19)) >> 20
}

fn is_notable(part: u64, whole: u64) -> bool {
    part >= LITTLE / 4 && part as f64 >= whole as f64 * NOTABLE
}

fn of_glibc(account: &Account) -> Vec<Lever> {
    let free = account.free_in_heaps();
    if !is_notable(free, account.free()) {
        return Vec::new();
    }
    let floor = mib(account.census.anonymous().saturating_sub(free));
    let mut found = vec![lever(
        Means::Jemalloc,
        format!(
            "jemalloc would bring its anonymous memory down, to no less than {floor} MiB: `malloclint fix --diff`"
        ),
    )];
    let Ok(glibc) = &account.glibc else {
        return found;
    };
    let (arenas, parameters) = (glibc.heaps.len(), glibc.parameters);
    let others = account.in_heaps(|heap| {
        if heap.is_main {
            0
        } else {
            heap.free_pages + heap.top + heap.small()
        }
    });
    let unlimited =
        parameters.is_none_or(|parameters| parameters.arena_max == 0 || parameters.arena_max > 2);
    if arenas > 2 && unlimited && is_notable(others, free) {
        found.push(lever(
            Means::ArenaMax,
            format!("`MALLOC_ARENA_MAX=2` helps less, with nothing installed: {} MiB are free in {arenas} arenas", mib(others)),
        ));
    }
    let tops = account.in_heaps(|heap| heap.top);
    let drifted = parameters
        .filter(|parameters| parameters.is_drifting && parameters.trim_threshold > 128 << 10);
    if let Some(parameters) = drifted.filter(|_| is_notable(tops, free)) {
        let kept = parameters.trim_threshold >> 10;
        found.push(lever(
            Means::TrimThreshold,
            format!(
                "`MALLOC_TRIM_THRESHOLD_=131072` gives the ends of arenas back, {} MiB: glibc keeps up to {kept} KiB of each since it freed large blocks",
                mib(tops)
            ),
        ));
    }
    found
}

fn of_jemalloc(account: &Account) -> Vec<Lever> {
    let Some(jemalloc) = account.jemalloc() else {
        return Vec::new();
    };
    let free = account.free_in_heaps();
    let (waiting, inside) = (jemalloc.free_resident, jemalloc.between());
    let lost = account
        .without_effect
        .iter()
        .any(|idle| idle.rule == "background-thread-lost-on-fork");
    let mut found = Vec::new();
    if is_notable(waiting, free) {
        if lost {
            found.push(lever(
                Means::BackgroundThread,
                format!(
                    "{} MiB of free pages wait for a thread that this worker does not have: start one (`malloclint fix --thread-hook`)",
                    mib(waiting)
                ),
            ));
        }
        found.push(lever(
            Means::Decay,
            format!("{} MiB of free pages wait to decay: a shorter `dirty_decay_ms`, or `background_thread:true`, gives them back", mib(waiting)),
        ));
    }
    if is_notable(inside, free) && jemalloc.arenas > 1 {
        found.push(lever(
            Means::Narenas,
            format!(
                "{} MiB are free between blocks in {} arenas: fewer of them (`narenas:1`) hold the blocks closer together",
                mib(inside),
                jemalloc.arenas
            ),
        ));
    }
    found
}

fn of_python(account: &Account) -> Lever {
    let python = &account.pymalloc;
    lever(
        Means::PythonMalloc,
        format!(
            "Python's own arenas keep {} MiB ({} of {} are less than a tenth full): {} alone changes nothing there, with `PYTHONMALLOC=malloc` it does",
            mib(python.free),
            python.sparse,
            python.arenas,
            Family::Jemalloc,
        ),
    )
}
