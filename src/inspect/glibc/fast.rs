//! The fast bins: small blocks that are free, though they look as if they were in use.

use std::collections::BTreeSet;

use super::arena::Arena;
use crate::inspect::memory::{self, Memory, word};

/// So many lists of them.
const BINS: u64 = 10;
/// No list is followed further.
const MOST: usize = 1 << 15;

/// The addresses of the blocks in the lists of an arena.
pub(super) fn blocks(memory: &dyn Memory, arena: &Arena) -> BTreeSet<u64> {
    let mut found = BTreeSet::new();
    let Some(lists) = arena.layout.fast else {
        return found;
    };
    for bin in 0..BINS {
        let head = arena.address.saturating_add(lists + bin * 8);
        // The first link is a plain address.
        let mut at = memory::word_at(memory, head).unwrap_or(0);
        let mut left = MOST;
        while at != 0 && at.is_multiple_of(16) && left > 0 && found.insert(at) {
            left -= 1;
            at = next(memory, at, 32 + bin * 16).unwrap_or(0);
        }
    }
    found
}

/// The block that follows in a list of blocks of one size.
fn next(memory: &dyn Memory, at: u64, size: u64) -> Option<u64> {
    let bytes = memory::read(memory, at.checked_add(8)?, 16)?;
    if word(&bytes, 0)? & !7 != size {
        return None;
    }
    let link = word(&bytes, 8)?;
    let place = at.checked_add(16)?;
    // From 2.32 on a link is mixed with the address that holds it (safe-linking); what is one already is not.
    let mixed = link ^ place >> 12;
    let is_block = |at: &u64| {
        at.is_multiple_of(16)
            && memory::word_at(memory, at.saturating_add(8))
                .is_some_and(|header| header & !7 == size)
    };
    [mixed, link]
        .into_iter()
        .find(|at| *at == 0 || is_block(at))
}
