//! The verdict: memory that the allocator keeps, or memory that is in use.

use super::account::Account;
use super::levers;
use super::verdict::{Kind, LITTLE, Verdict};

/// So much of the heaps may be left unwalked, as a share of 1.
const UNWALKED: f64 = 0.02;
/// Free memory from this share of the anonymous memory on is what the process is made of; up to that one it is not.
const RETAINED: f64 = 0.45;
const IN_USE: f64 = 0.38;

pub(super) fn of(account: &Account) -> Verdict {
    if let Some(reason) = unknown(account) {
        return Verdict {
            reason,
            ..Verdict::default()
        };
    }
    let free = account.free();
    let all = account.census.anonymous().max(1);
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
                "{percent} % of its anonymous memory belongs to no allocator that is known here: another allocator in an extension, or memory that \
                 the program mapped itself"
            ),
            ..Verdict::default()
        };
    }
    let percent = (share * 100.0).round();
    let reason = match free < LITTLE {
        true => format!(
            "{} of {} MiB are free, which is little",
            free >> 20,
            all >> 20
        ),
        false => format!("{percent} % of its anonymous memory is free"),
    };
    Verdict {
        kind,
        reason,
        levers: levers::of(account, kind),
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
    match &account.glibc {
        Err(why) => Some(why.clone()),
        Ok(glibc) if glibc.unwalked() > UNWALKED => {
            let percent = (glibc.unwalked() * 100.0).round();
            Some(format!("{percent} % of the heaps could not be read"))
        }
        Ok(_) => None,
    }
}
