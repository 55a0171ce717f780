//! The verdict: memory that the allocator keeps, or memory that is in use.

use super::account::Account;
use super::levers;
use super::verdict::{Kind, LITTLE, Verdict};

/// So much of the heaps may be left unwalked, as a share of 1.
const UNWALKED: f64 = 0.02;
/// Free memory from this share of the anonymous memory on is what the process is made of; up to that one it is not.
const RETAINED: f64 = 0.45;
const IN_USE: f64 = 0.38;

/// From this share on it is said, too.
const NOTABLE: f64 = 0.1;
/// The oldest Python whose own arenas are read.
const OLDEST: (u32, u32) = (3, 9);

pub(super) fn of(account: &Account) -> Verdict {
    if let Some(reason) = unknown(account) {
        return Verdict {
            reason,
            ..Verdict::default()
        };
    }
    let free = account.free();
    let all = account.census.anonymous().max(1);
    if all < LITTLE {
        return small(account);
    }
    let share = free as f64 / all as f64;
    let kind = match share {
        _ if free < LITTLE => Kind::Live,
        share if share >= RETAINED => Kind::Retention,
        share if share <= IN_USE => Kind::Live,
        _ => Kind::Mixed,
    };
    // What nobody explains may be free as well as in use.
    let dark = account.unexplained();
    let may_be = (free + dark) as f64 / all as f64;
    if kind != Kind::Retention && dark >= LITTLE && may_be >= RETAINED {
        let percent = (dark as f64 * 100.0 / all as f64).round();
        return Verdict {
            reason: format!(
                "{percent} % of its anonymous memory belongs to no allocator that is known here: {}",
                strangers(account)
            ),
            ..Verdict::default()
        };
    }
    let percent = (share * 100.0).round();
    let mut reason = match free < LITTLE {
        true => format!(
            "{} of {} MiB are free, which is little",
            free >> 20,
            all >> 20
        ),
        false => format!("{percent} % of its anonymous memory is free"),
    };
    for (bytes, what) in [
        (dark, "are not explained"),
        (
            account.shared_since_fork(),
            "are shared with other processes, as since a fork",
        ),
    ] {
        if bytes >= LITTLE && bytes as f64 >= all as f64 * NOTABLE {
            reason.push_str(&format!("; {} MiB {what}", bytes >> 20));
        }
    }
    Verdict {
        kind,
        reason,
        levers: levers::of(account, kind),
    }
}

/// A process of which there is nothing to be said: that it is small, or that its memory is of another kind.
fn small(account: &Account) -> Verdict {
    let (all, shared) = (account.census.anonymous() >> 20, account.status.shared);
    let beside = match shared >= LITTLE {
        true => format!(
            "; {} MiB are shared memory, which no allocator of this process keeps",
            shared >> 20
        ),
        false => String::new(),
    };
    Verdict {
        kind: Kind::Live,
        reason: format!("it has {all} MiB of anonymous memory: too little to matter{beside}"),
        levers: Vec::new(),
    }
}

/// Whose memory it may be that nobody explains.
fn strangers(account: &Account) -> String {
    match account.python {
        Some(version) if version < OLDEST => format!(
            "it runs Python {}.{}, whose own arenas are not read (those of {}.{} and newer are)",
            version.0, version.1, OLDEST.0, OLDEST.1
        ),
        _ => "another allocator in an extension, or memory that the program mapped itself".into(),
    }
}

fn unknown(account: &Account) -> Option<String> {
    if let Some(why) = &account.shut {
        return Some(why.clone());
    }
    match (account.family(), &account.jemalloc) {
        (Some(_), Some(Ok(_))) => return None,
        (Some(_), Some(Err(why))) => return Some(why.clone()),
        (Some(family), None) => {
            return Some(format!("it calls {family}, whose memory is not read"));
        }
        (None, _) => {}
    }
    if let Some(path) = account.stranger() {
        return Some(format!(
            "it calls the `malloc` of `{path}`, which is not known here"
        ));
    }
    if account.has_huge_pages {
        return Some("its heap lies in huge pages (`glibc.malloc.hugetlb=2`), which are not read: without that tunable they are".into());
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
