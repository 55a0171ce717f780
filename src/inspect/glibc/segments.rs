//! The parts of an arena: pieces of memory without gaps, in which one block follows the other.

use std::collections::BTreeSet;

use super::arena::{Arena, GRAIN};
use crate::inspect::memory::{self, PAGE, Window, word};
use crate::inspect::process::{Mapping, Process};

/// Heaps of all arenas but the main one are aligned to so many bytes, and no larger.
const HEAP: u64 = 64 << 20;
/// The mark of a block whose neighbour before it is in use, and of the second of the two that close a part.
const IN_USE: u64 = 1;
const FENCE: u64 = GRAIN | IN_USE;
/// So many blocks are followed in search of parts that nothing leads to.
const LOOKS: u64 = 1 << 26;

/// A part of an arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Where its memory begins; what describes it may stand before its blocks.
    pub(super) base: u64,
    pub(super) start: u64,
    pub(super) end: u64,
}

/// All of them that can be found.
pub(super) fn of(process: &Process, arena: &Arena) -> Vec<Segment> {
    if !arena.is_main {
        return heaps(process, arena);
    }
    let mut found: Vec<Segment> = broken_at(process, arena).into_iter().collect();
    if arena.is_scattered {
        let known: u64 = found.iter().map(|segment| segment.end - segment.base).sum();
        found.extend(scattered(
            process,
            arena,
            arena.system.saturating_sub(known),
        ));
    }
    found
}

/// What `brk` gave. After a fork it may be several mappings side by side.
fn broken_at(process: &Process, arena: &Arena) -> Option<Segment> {
    let parts = process.maps.iter().filter(|map| map.path == "[heap]");
    let start = parts.clone().map(|map| map.start).min()?;
    let end = parts.map(|map| map.end).max()?;
    // It may have grown since the mappings were listed.
    let grown = arena.top.saturating_add(GRAIN);
    let end = if arena.is_scattered {
        end
    } else {
        end.max(grown)
    };
    Some(Segment {
        base: start,
        start,
        end,
    })
}

/// From the last heap of an arena to its first.
fn heaps(process: &Process, arena: &Arena) -> Vec<Segment> {
    let mut found = Vec::new();
    let mut base = arena.top & !(HEAP - 1);
    let mut seen = BTreeSet::new();
    while base != 0 && seen.insert(base) {
        let Some(info) = memory::read(process, base, 24) else {
            break;
        };
        let (owner, before, size) = (word(&info, 0), word(&info, 8), word(&info, 16));
        let Some(size) = size.filter(|size| *size <= HEAP && owner == Some(arena.address)) else {
            break;
        };
        // What describes the heap, and in the first one the arena, stand before the blocks.
        let own = arena.address & !(HEAP - 1);
        let start = if own == base {
            let behind = arena.address.saturating_add(arena.layout.size);
            behind.next_multiple_of(GRAIN)
        } else {
            base.saturating_add(arena.address - own)
        };
        found.push(Segment {
            base,
            start,
            end: base.saturating_add(size),
        });
        base = before.unwrap_or(0);
    }
    found.reverse();
    found
}

/// Parts of the main arena that were mapped because `brk` was in the way. Nothing names them: each begins with a page, and its blocks
/// lead to the two that close it, or to the last block of the arena. `wanted` bytes of them are looked for.
fn scattered(process: &Process, arena: &Arena, wanted: u64) -> Vec<Segment> {
    let mut search = Search {
        process,
        top: arena.top,
        window: Window::default(),
        looks: LOOKS,
    };
    let mut found = Vec::new();
    let mut left = wanted;
    for map in process.maps.iter().filter(|map| may_hold(map)) {
        let mut at = map.start;
        while left > 0 && at.saturating_add(PAGE) <= map.end {
            match search.part(at, map.end) {
                Some(end) => {
                    found.push(Segment {
                        base: at,
                        start: at,
                        end,
                    });
                    left = left.saturating_sub(end - at);
                    at = end;
                }
                None => at += PAGE,
            }
        }
    }
    found
}

fn may_hold(map: &Mapping) -> bool {
    map.is_anonymous() && map.path.is_empty()
}

struct Search<'a> {
    process: &'a Process,
    top: u64,
    window: Window,
    looks: u64,
}

impl Search<'_> {
    /// Where the part ends that begins at a page, if one does.
    fn part(&mut self, start: u64, end: u64) -> Option<u64> {
        let mut at = start;
        loop {
            self.looks = self.looks.checked_sub(1)?;
            let header = self.word(at + 8)?;
            let size = header & !7;
            if at == self.top {
                let behind = at.checked_add(size)?;
                return (size >= GRAIN && behind <= end && behind.is_multiple_of(PAGE))
                    .then_some(behind);
            }
            // Where the block before it is free, the first of the two says so.
            if size == GRAIN && header & 6 == 0 && at > start {
                return self.closed(at);
            }
            // The first one says of what lies before it that it is in use; none is in another arena, or mapped by itself.
            let first = at != start || header & 7 == IN_USE && self.word(at)? == 0;
            let fits =
                size >= 2 * GRAIN && size.is_multiple_of(GRAIN) && size < end.saturating_sub(at);
            if !(first && fits && header & 6 == 0) {
                return None;
            }
            at += size;
        }
    }

    /// Where the part ends whose closing blocks begin here: two, and three where the last block had no room for more.
    fn closed(&mut self, at: u64) -> Option<u64> {
        for marks in 1..=2 {
            let last = at + marks * GRAIN;
            if self.word(last + 8)? != FENCE {
                return None;
            }
            if (last + GRAIN).is_multiple_of(PAGE) {
                return Some(last + GRAIN);
            }
        }
        None
    }

    fn word(&mut self, at: u64) -> Option<u64> {
        if self.window.word(at).is_none() || at < self.window.start() {
            self.window = Window::of(self.process, at, u64::MAX).ok()?;
        }
        self.window.word(at)
    }
}
