//! The caches of threads. Their blocks look as if they were in use.

use crate::facts::layouts::{self, CacheLayout, Counts};
use crate::inspect::memory::{short, word};

/// How much a chunk caches, where it is a thread's cache: `bytes` are what follows its header.
pub(super) fn held(size: u64, slots: u64, bytes: &[u8]) -> Option<u64> {
    let layout = layouts::caches().iter().find(|layout| fits(layout, size))?;
    let mut held = 0;
    for bin in 0..layout.bins {
        let count = u64::from(short(bytes, usize::try_from(bin * 2).ok()?)?);
        let link = word(bytes, usize::try_from(layout.entries + bin * 8).ok()?)?;
        let blocks = match layout.counts {
            Counts::Used => count,
            Counts::Left => slots.checked_sub(count)?,
        };
        let linked = link != 0;
        if blocks > slots || (blocks > 0) != linked || link % 16 != 0 {
            return None;
        }
        held += blocks * (32 + bin * 16);
    }
    Some(held)
}

/// Whether a chunk of that size may be a cache: the rest of a block may be too small to be one.
pub(super) fn is_size(size: u64) -> bool {
    layouts::caches().iter().any(|layout| fits(layout, size))
}

fn fits(layout: &CacheLayout, size: u64) -> bool {
    size == layout.chunk || size == layout.chunk + 16
}
