//! From chunk to chunk through the heaps of an arena, while the process goes on: what is in use, what is free, and of that what could
//! be given back.

use std::collections::BTreeSet;

use super::arena::Arena;
use super::cache;
use crate::inspect::memory::{self, PAGE, Window, resident, word};
use crate::inspect::process::Process;

/// Heaps of all arenas but the main one are aligned to so many bytes.
const HEAP: u64 = 64 << 20;
/// The smallest chunk, and what the size of each is a multiple of.
const LEAST: u64 = 32;
const GRAIN: u64 = 16;
/// So many plausible headers in a row are a trace that was found again.
const TRACE: usize = 48;
/// How often a part is read again, as the process changed it.
const PATIENCE: usize = 24;
/// A heap may have grown by so much since the mappings were listed, in bytes.
const GROWTH: u64 = 256 << 20;
/// Windows that may be read beyond those that the size of a heap asks for: what is in it may lead anywhere.
const SPARE: u64 = 4096;

/// What is in the heaps of one arena: bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::inspect) struct Heap {
    pub(in crate::inspect) is_main: bool,
    /// What it got from the system.
    pub(in crate::inspect) system: u64,
    /// In use, the caches of threads less.
    pub(in crate::inspect) live: u64,
    /// Blocks in use.
    pub(in crate::inspect) blocks: u64,
    /// In the caches of threads.
    pub(in crate::inspect) cached: u64,
    pub(in crate::inspect) caches: u64,
    /// Free, the last block included.
    pub(in crate::inspect) free: u64,
    /// Whole pages in free blocks that are in memory: what `malloc_trim` gives back, but for the last block.
    pub(in crate::inspect) free_pages: u64,
    /// What is in memory of the last block.
    pub(in crate::inspect) top: u64,
    /// Whole pages in free blocks, and the last block, whether they are in memory or not.
    whole: u64,
    last: u64,
    /// What it had from the system when the walk was over.
    later: u64,
    /// What was walked.
    walked: u64,
}

impl Heap {
    /// What is free and neither whole pages of a block nor the last block: pages that are not in memory count, too.
    pub(in crate::inspect) fn small(&self) -> u64 {
        self.free.saturating_sub(self.whole + self.last)
    }

    /// What was not walked, or more than there is.
    pub(in crate::inspect) fn missing(&self) -> u64 {
        let (least, most) = (self.system.min(self.later), self.system.max(self.later));
        let short = least.saturating_sub(self.walked);
        short.max(self.walked.saturating_sub(most))
    }
}

/// A part of an arena without gaps.
#[derive(Clone, Copy, Debug)]
struct Segment {
    start: u64,
    end: u64,
}

/// What is in the heaps of an arena.
pub(super) fn heap(process: &Process, arena: &Arena, slots: u64) -> Heap {
    let mut walk = Walk {
        process,
        top: arena.top,
        slots,
        window: Window::default(),
        loads: SPARE + arena.system / (16 << 10),
        found: Heap {
            is_main: arena.is_main,
            system: arena.system,
            ..Heap::default()
        },
    };
    for segment in segments(process, arena) {
        walk.segment(segment);
    }
    walk.found.live = walk.found.live.saturating_sub(walk.found.cached);
    // It may have grown, or shrunk, meanwhile.
    let later = memory::word_at(
        process,
        arena.address.saturating_add(arena.layout.system_mem),
    );
    walk.found.later = later.unwrap_or(arena.system);
    walk.found
}

fn segments(process: &Process, arena: &Arena) -> Vec<Segment> {
    if arena.is_main {
        // After a fork it may be several mappings side by side.
        let parts = process.maps.iter().filter(|map| map.path == "[heap]");
        let start = parts.clone().map(|map| map.start).min();
        let end = parts.map(|map| map.end).max();
        let (Some(start), Some(end)) = (start, end) else {
            return Vec::new();
        };
        let end = end.max(arena.top.saturating_add(GRAIN));
        return vec![Segment { start, end }];
    }
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
        // What describes the heap, and in the first one the arena, stand before the chunks.
        let own = arena.address & !(HEAP - 1);
        let start = if own == base {
            arena
                .address
                .saturating_add(arena.layout.size)
                .next_multiple_of(GRAIN)
        } else {
            base.saturating_add(arena.address - own)
        };
        found.push(Segment {
            start,
            end: base.saturating_add(size),
        });
        base = before.unwrap_or(0);
    }
    found.reverse();
    found
}

struct Walk<'a> {
    process: &'a Process,
    top: u64,
    slots: u64,
    window: Window,
    /// How many windows may still be read.
    loads: u64,
    found: Heap,
}

/// What a header says.
enum Chunk {
    Used(u64),
    Free(u64),
    /// The last one of the arena.
    Top(u64),
    /// The end of a heap that is full.
    Fence,
    /// None that can be.
    Broken,
}

impl Walk<'_> {
    fn segment(&mut self, segment: Segment) {
        self.found.walked += segment.start % PAGE;
        let (mut at, mut again) = (segment.start, 0);
        while at < segment.end {
            match self.chunk(at, segment.end) {
                Chunk::Top(size) => {
                    self.found.free += size;
                    self.found.walked += size;
                    self.found.last += size;
                    self.found.top += resident(self.process, at, at + size);
                    return;
                }
                Chunk::Fence => {
                    self.found.walked += segment.end - at;
                    return;
                }
                Chunk::Used(size) => {
                    self.used(at, size);
                    at += size;
                    again = 0;
                }
                Chunk::Free(size) => {
                    self.free(at, size);
                    at += size;
                    again = 0;
                }
                Chunk::Broken if again < PATIENCE => {
                    again += 1;
                    self.load(at);
                }
                Chunk::Broken => {
                    let Some(next) = self.trace(at, segment.end) else {
                        return;
                    };
                    at = next;
                    again = 0;
                }
            }
        }
    }

    /// The number at an address; the part around it is read where it was not.
    fn word(&mut self, at: u64) -> Option<u64> {
        if self.window.word(at).is_none() || at < self.window.start() {
            self.load(at);
        }
        self.window.word(at)
    }

    fn load(&mut self, at: u64) {
        self.window = match self.loads.checked_sub(1) {
            Some(left) => {
                self.loads = left;
                // The heap may have grown since the mappings were listed.
                Window::of(self.process, at, u64::MAX).unwrap_or_default()
            }
            None => Window::default(),
        };
    }

    fn chunk(&mut self, at: u64, end: u64) -> Chunk {
        let room = end.saturating_sub(at);
        let Some(header) = at.checked_add(8).and_then(|at| self.word(at)) else {
            return Chunk::Broken;
        };
        let size = header & !7;
        if at == self.top {
            let fits = size >= GRAIN && size.is_multiple_of(GRAIN) && size <= room + GROWTH;
            return if fits {
                Chunk::Top(size)
            } else {
                Chunk::Broken
            };
        }
        if size == GRAIN || size == 0 && room <= LEAST {
            return Chunk::Fence;
        }
        if size < LEAST || !size.is_multiple_of(GRAIN) || size > room {
            return Chunk::Broken;
        }
        let (Some(before), Some(next)) = (self.word(at + size), self.word(at + size + 8)) else {
            return Chunk::Broken;
        };
        match next & 1 {
            1 => Chunk::Used(size),
            _ if before == size => Chunk::Free(size),
            _ => Chunk::Broken,
        }
    }

    fn used(&mut self, at: u64, size: u64) {
        self.found.walked += size;
        let cached = self.cached(at, size).filter(|held| *held > 0);
        self.found.cached += cached.unwrap_or(0);
        self.found.caches += u64::from(cached.is_some());
        self.found.live += size;
        self.found.blocks += 1;
    }

    /// What a block caches, where it is a thread's cache.
    fn cached(&self, at: u64, size: u64) -> Option<u64> {
        if !cache::is_size(size) {
            return None;
        }
        let length = usize::try_from(size - 8).ok()?;
        let inside = || {
            let offset = usize::try_from((at + GRAIN).checked_sub(self.window.start())?).ok()?;
            self.window.bytes().get(offset..offset + length)
        };
        match inside() {
            Some(bytes) => cache::held(size, self.slots, bytes),
            None => cache::held(
                size,
                self.slots,
                &memory::read(self.process, at + GRAIN, length)?,
            ),
        }
    }

    fn free(&mut self, at: u64, size: u64) {
        self.found.walked += size;
        self.found.free += size;
        // What `malloc_trim` leaves of a block: its own links, and parts of pages.
        let start = (at + 48).next_multiple_of(PAGE);
        if at + size >= start + PAGE {
            self.found.free_pages += resident(self.process, start, at + size);
            self.found.whole += (at + size - start) & !(PAGE - 1);
        }
    }

    /// The next place from which many headers in a row are plausible: somebody else's memory lies between.
    fn trace(&mut self, from: u64, end: u64) -> Option<u64> {
        let mut at = from + GRAIN;
        while at < end {
            if self.loads == 0 {
                return None;
            }
            let mut next = at;
            let follows = (0..TRACE).all(|_| match self.chunk(next, end) {
                Chunk::Used(size) | Chunk::Free(size) => {
                    next += size;
                    true
                }
                Chunk::Top(_) => true,
                Chunk::Fence | Chunk::Broken => false,
            });
            if follows {
                return Some(at);
            }
            at += GRAIN;
        }
        None
    }
}
