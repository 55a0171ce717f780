//! The verdict: memory that the allocator keeps, or memory that is in use; and what would change it.

use super::account::Account;
use super::verdict::{Kind, Verdict};
use crate::facts::Family;

/// So much of the heaps may be left unwalked, as a share of 1.
const UNWALKED: f64 = 0.02;
/// Free memory from this share of the anonymous memory on is what the process is made of; up to that one it is not.
const RETAINED: f64 = 0.5;
const IN_USE: f64 = 0.2;
/// Less than this is no matter, in bytes.
const LITTLE: u64 = 16 << 20;

pub(super) fn of(account: &Account) -> Verdict {
    if let Some(reason) = unknown(account) {
        return Verdict {
            reason,
            ..Verdict::default()
        };
    }
    let (heaps, pools) = (free_in_heaps(account), account.pymalloc.free);
    let free = heaps + pools;
    let share = free as f64 / account.anonymous.max(1) as f64;
    let percent = (share * 100.0).round();
    let kind = match share {
        _ if free < LITTLE => Kind::Live,
        share if share >= RETAINED => Kind::Retention,
        share if share <= IN_USE => Kind::Live,
        _ => Kind::Mixed,
    };
    let reason = format!("{percent} % of its anonymous memory is free");
    let levers = match kind {
        Kind::Live | Kind::Unknown => vec![
            "no allocator setting will help: find what holds the objects (memray, tracemalloc)"
                .into(),
        ],
        Kind::Retention | Kind::Mixed => levers(account, heaps, pools),
    };
    Verdict {
        kind,
        reason,
        levers,
    }
}

/// What is free in the heaps of malloc and in memory.
fn free_in_heaps(account: &Account) -> u64 {
    let jemalloc = account.jemalloc().map_or(0, |jemalloc| {
        jemalloc.active.saturating_sub(jemalloc.live) + jemalloc.dirty + jemalloc.muzzy
    });
    account.in_heaps(|heap| heap.free_pages + heap.top) + account.small_free() + jemalloc
}

fn unknown(account: &Account) -> Option<String> {
    match (&account.family, &account.jemalloc) {
        (Some(_), Some(Ok(_))) => return None,
        (Some(_), Some(Err(why))) => return Some(why.clone()),
        (Some(family), None) => {
            return Some(format!("it calls {family}, whose memory is not read yet"));
        }
        (None, _) => {}
    }
    match &account.glibc {
        Err(why) => Some(why.clone()),
        Ok(glibc) if glibc.unwalked() > UNWALKED => {
            let percent = (glibc.unwalked() * 100.0).round();
            Some(format!("{percent} % of the heaps could not be read"))
        }
        Ok(_) => None,
    }
}

fn levers(account: &Account, heaps: u64, pools: u64) -> Vec<String> {
    let mut found = Vec::new();
    let arenas = account.glibc.as_ref().map_or(0, |glibc| glibc.heaps.len());
    if let Some(jemalloc) = account.jemalloc() {
        let (dirty, inside) = (
            jemalloc.dirty >> 20,
            jemalloc.active.saturating_sub(jemalloc.live) >> 20,
        );
        found.push(format!(
            "jemalloc keeps {dirty} MiB of dirty pages: a shorter `dirty_decay_ms`, or `background_thread:true` (started again in forked workers), gives them back"
        ));
        found.push(format!("{inside} MiB are free between blocks: fewer arenas (`narenas:1`) hold them closer together"));
    } else if heaps >= pools {
        let floor = account.anonymous.saturating_sub(heaps) >> 20;
        found.push(format!(
            "jemalloc would bring its anonymous memory towards {floor} MiB, which is the least: `malloclint fix --diff`"
        ));
        if arenas > 2 {
            found.push(format!(
                "`MALLOC_ARENA_MAX=2` helps less, with nothing installed: it has {arenas} arenas"
            ));
        }
    }
    if pools > heaps || pools >= LITTLE {
        let sparse = account.pymalloc.sparse;
        found.push(format!(
            "Python's own arenas keep {} MiB ({sparse} of {} are less than a tenth full): {} alone changes nothing there, with `PYTHONMALLOC=malloc` it does",
            pools >> 20,
            account.pymalloc.arenas,
            Family::Jemalloc,
        ));
    }
    found
}
