//! Blocks that were mapped by themselves: how much of them is in memory. Nothing lists them; each begins with a page, says its size, and
//! carries the mark of its kind.

use crate::inspect::memory::{self, PAGE, resident, word};
use crate::inspect::process::Process;

/// `IS_MMAPPED`, alone: neither the neighbour before it nor another arena is spoken of.
const MARK: u64 = 2;
/// So many pages are tried in all where none begins.
const TRIES: u32 = 1 << 14;

/// What of blocks of `wanted` bytes is in memory, where all of them are found; what lies in the `heaps` is none.
pub(super) fn in_memory(process: &Process, wanted: u64, heaps: &[(u64, u64)]) -> Option<u64> {
    let (mut found, mut there) = (0_u64, 0_u64);
    let mut tries = TRIES;
    for map in process
        .maps
        .iter()
        .filter(|map| map.is_anonymous() && map.path.is_empty())
    {
        let mut at = map.start;
        while found < wanted && at.saturating_add(PAGE) <= map.end {
            if let Some((_, end)) = heaps.iter().find(|(start, end)| *start <= at && at < *end) {
                at = *end;
                continue;
            }
            match block(process, at, map.end) {
                Some(size) => {
                    found = found.saturating_add(size);
                    there += resident(process, at, at + size);
                    at += size;
                }
                None => {
                    tries = tries.checked_sub(1)?;
                    at += PAGE;
                }
            }
        }
    }
    (found == wanted).then_some(there)
}

/// The size of the block that begins there, if one does.
fn block(process: &Process, at: u64, end: u64) -> Option<u64> {
    let head = memory::read(process, at, 16)?;
    let (before, header) = (word(&head, 0)?, word(&head, 8)?);
    let size = header & !7;
    let fits = header & 7 == MARK && size >= PAGE && size.is_multiple_of(PAGE);
    (fits && before == 0 && size <= end - at).then_some(size)
}
