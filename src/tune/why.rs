//! Why a setting wins: what its processes hold at rest, beside what they hold with nothing set.

use crate::inspect::{self, Holdings};

use super::judge::Tried;
use super::tree::Root;

/// A difference below this is no reason, in bytes.
const LITTLE: u64 = 4 << 20;

/// Where free memory may lie, and how much of it does.
type Kind = (&'static str, fn(&Holdings) -> u64);
const KINDS: [Kind; 3] = [
    ("in the heaps of malloc", |held| held.free_in_heaps),
    ("in pages that wait to be given back", |held| held.dirty),
    ("in Python's own arenas", |held| held.free_in_python),
];

/// What the processes of a tree hold; nothing where one of them cannot be read, as under an allocator whose memory is not.
pub(super) fn held(root: Root) -> Option<Holdings> {
    let mut held = Holdings::default();
    let pids = root.processes();
    let known = pids
        .iter()
        .map(|pid| inspect::look(*pid).is_ok_and(|account| held.add(&account)));
    let known: Vec<bool> = known.collect();
    (!known.is_empty() && known.iter().all(|known| *known)).then_some(held)
}

/// The reason why `best` takes less memory than `other`, as a sentence.
pub(super) fn why(best: &Tried, other: &Tried) -> Option<String> {
    let of = |tried: &Tried| tried.typical_run()?.held;
    let (held, before) = (of(best)?, of(other)?);
    let name = &other.candidate.name;
    let mib = |bytes: u64| bytes >> 20;
    let less = KINDS.iter().filter_map(|(place, of)| {
        let (now, before) = (of(&held), of(&before));
        let less = before.checked_sub(now).filter(|less| *less >= LITTLE)?;
        Some(format!("{} MiB less {place}", mib(less)))
    });
    let less: Vec<String> = less.collect();
    if less.is_empty() {
        return None;
    }
    let (free, was) = (mib(held.free()), mib(before.free()));
    Some(format!(
        "why: at rest {free} MiB are free, with {name} {was}: {}",
        less.join(", ")
    ))
}
