//! From chunk to chunk through the heaps of an arena, while the process goes on: what is in use, what is free, and of that what could
//! be given back.

use serde::{Deserialize, Serialize};

use super::arena::{Arena, GRAIN};
use super::parameters::Parameters;
use super::segments::Segment;
use super::{cache, fast};
use crate::inspect::map::{self, Strip};
use crate::inspect::memory::{self, PAGE, Window, resident};
use crate::inspect::process::Process;

/// The smallest chunk.
const LEAST: u64 = 32;
/// So many blocks of a size a thread's cache takes where nobody says otherwise.
const SLOTS: u64 = 7;
/// So many plausible headers in a row are a trace that was found again.
const TRACE: usize = 48;
/// How often a part is read again, as the process changed it.
const PATIENCE: usize = 24;
/// No heap is larger, in bytes.
const MOST: u64 = 1 << 46;
/// So far back is gone to find the way again, in bytes.
const BACK: u64 = 32 << 10;
/// A heap may have grown by so much since the mappings were listed, in bytes.
const GROWTH: u64 = 256 << 20;
/// Windows that may be read of a process beyond those that its memory asks for: what is in it may lead anywhere.
const SPARE: u64 = 1 << 12;
/// Words that may be read by themselves.
const GLANCES: u64 = 1 << 18;

/// What may still be read of a process, all of its arenas together: how often a part, how often a single word, and how many blocks
/// of fast bins.
pub(super) struct Budget {
    loads: u64,
    glances: u64,
    fast: usize,
}

impl Budget {
    /// That of a process with so much in memory, in bytes.
    pub(super) const fn of(resident: u64) -> Self {
        Self {
            loads: SPARE + resident / (16 << 10),
            glances: GLANCES,
            fast: fast::MOST,
        }
    }
}

/// What is in the heaps of one arena: bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What `malloc_trim` gives back of the last block.
    pub(in crate::inspect) trimmed_top: u64,
    /// What somebody else got from `brk` in between.
    pub(in crate::inspect) foreign: u64,
    /// What is in memory of all of it.
    pub(in crate::inspect) resident: u64,
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

    /// What of it is accounted for, in memory or not: of what is free, what is in memory.
    pub(in crate::inspect) fn known(&self) -> u64 {
        self.live + self.cached + self.free_pages + self.top + self.small() + self.foreign
    }

    /// What was not walked, or more than there is.
    pub(in crate::inspect) fn missing(&self) -> u64 {
        let (least, most) = (self.system.min(self.later), self.system.max(self.later));
        let short = least.saturating_sub(self.walked);
        short.max(self.walked.saturating_sub(most))
    }
}

/// What is in the heaps of an arena, and where; the arenas before it were so many.
pub(super) fn heap(
    process: &Process,
    arena: &Arena,
    in_force: Option<&Parameters>,
    number: usize,
    segments: &[Segment],
    budget: &mut Budget,
) -> (Heap, Strip) {
    let mut walk = Walk {
        process,
        arena,
        top: arena.top,
        trims_top: arena.is_main && !arena.is_scattered,
        slots: in_force.map_or(SLOTS, |found| found.cache_slots),
        unit: in_force
            .and_then(|found| found.huge_page)
            .map_or(process.page, |size| size.max(process.page)),
        fast: fast::Blocks::of(process, arena, &mut budget.fast),
        run: None,
        base: 0,
        strip: Strip::named(match number {
            0 => "main arena".to_owned(),
            number => format!("arena {number}"),
        }),
        window: Window::default(),
        budget,
        is_searching: false,
        found: Heap {
            is_main: arena.is_main,
            // Nobody has more; sums of it do not run over.
            system: arena.system.min(MOST),
            ..Heap::default()
        },
    };
    for segment in segments {
        walk.found.resident += resident(process, segment.base, segment.end);
        // Parts stand behind each other on the map.
        let behind = walk.strip.cells.len() as u64 * map::CELL;
        walk.base = segment.base.saturating_sub(behind);
        walk.segment(*segment);
        walk.flush();
    }
    walk.found.live = walk.found.live.saturating_sub(walk.found.cached);
    // It may have grown, or shrunk, meanwhile.
    let later = memory::word_at(
        process,
        arena.address.saturating_add(arena.layout.system_mem),
    );
    walk.found.later = later.unwrap_or(arena.system).min(MOST);
    (walk.found, walk.strip)
}

struct Walk<'a> {
    process: &'a Process,
    arena: &'a Arena,
    top: u64,
    /// `malloc_trim` gives the last block back.
    trims_top: bool,
    slots: u64,
    /// What is given back of it is a multiple of so many bytes.
    unit: u64,
    /// Blocks that are free and look as if they were in use, until they are joined with what is free beside them.
    fast: fast::Blocks,
    /// Free blocks side by side: where they begin and end.
    run: Option<(u64, u64)>,
    /// The address at which the map begins.
    base: u64,
    strip: Strip,
    window: Window,
    budget: &'a mut Budget,
    is_searching: bool,
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
        // Places further back at which a block began.
        let (mut back, mut between) = (at, at);
        while at < segment.end {
            if at - between > BACK {
                (back, between) = (between, at);
            }
            let chunk = self.chunk(at, segment.end);
            if !matches!(chunk, Chunk::Broken) {
                again = 0;
            }
            match chunk {
                Chunk::Top(size) => return self.last(at, size),
                Chunk::Fence => match self.behind_fence(at, segment.end) {
                    Some(next) => at = next,
                    None => return,
                },
                Chunk::Used(size) if self.fast.contains(at) => {
                    self.free(at, size);
                    at += size;
                }
                Chunk::Used(size) => {
                    self.used(at, size);
                    at += size;
                }
                Chunk::Free(size) => {
                    self.free(at, size);
                    at += size;
                }
                Chunk::Broken if again < PATIENCE => {
                    again += 1;
                    self.load(at);
                    self.top = self.top_now().unwrap_or(self.top);
                    // The blocks may have been joined since it was said that one begins here.
                    if again % 4 == 0
                        && let Some(next) = self.on_from(back, at, segment.end)
                    {
                        self.flush();
                        self.found.walked += next - at;
                        at = next;
                    }
                }
                Chunk::Broken => {
                    self.flush();
                    let Some(next) = self.trace(at, segment.end) else {
                        return;
                    };
                    at = next;
                    again = 0;
                }
            }
        }
    }

    /// The last block moves while the arena is in use.
    fn top_now(&self) -> Option<u64> {
        let arena = self.arena;
        memory::word_at(self.process, arena.address.checked_add(arena.layout.top)?)
    }

    /// The first block at a place or behind it, as they are now, from one further back on.
    fn on_from(&mut self, back: u64, at: u64, end: u64) -> Option<u64> {
        let mut here = back;
        self.load(here);
        while here < at {
            match self.chunk(here, end) {
                Chunk::Used(size) | Chunk::Free(size) => here += size,
                Chunk::Top(_) | Chunk::Fence | Chunk::Broken => return None,
            }
        }
        Some(here)
    }

    /// The last block. `malloc_trim` first joins what is free before it.
    fn last(&mut self, at: u64, size: u64) {
        let start = self.run.take().map_or(at, |(start, _)| start);
        self.found.free += size;
        self.found.walked += size;
        self.found.last += at + size - start;
        self.found.top += self.kept(start, at + size);
        if self.trims_top {
            // What it leaves: the block's own head, and a page where it begins on one.
            let end = at + size;
            let back = (end - start).saturating_sub(LEAST + 1) / self.unit * self.unit;
            self.found.trimmed_top += resident(self.process, end - back, end);
        }
    }

    /// Two fences end a part. In what `brk` gave, somebody else's memory may follow, and then blocks again.
    fn behind_fence(&mut self, at: u64, end: u64) -> Option<u64> {
        self.flush();
        let next = if end.saturating_sub(at) > 2 * GRAIN && self.found.is_main {
            self.trace(at + 2 * GRAIN - GRAIN, end)
        } else {
            None
        };
        let until = next.unwrap_or(end);
        self.found.walked += until - at;
        self.found.foreign += (until - at).saturating_sub(2 * GRAIN);
        next
    }

    /// The number at an address; the part around it is read where it was not.
    fn word(&mut self, at: u64) -> Option<u64> {
        let here = self.window.word(at);
        if here.is_some() {
            return here;
        }
        if self.is_searching {
            // What is no block leads anywhere: to follow it, the part that is searched is not left.
            self.budget.glances = self.budget.glances.checked_sub(1)?;
            return memory::word_at(self.process, at);
        }
        self.load(at);
        self.window.word(at)
    }

    fn load(&mut self, at: u64) {
        self.window = match self.budget.loads.checked_sub(1) {
            Some(left) => {
                self.budget.loads = left;
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
            self.top = self.top_now().unwrap_or(at);
        }
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
        self.flush();
        self.found.walked += size;
        let cached = self.cached(at, size).filter(|held| *held > 0);
        self.found.cached += cached.unwrap_or(0);
        self.found.caches += u64::from(cached.is_some());
        self.found.live += size;
        self.found.blocks += 1;
        self.strip.add_live(at.saturating_sub(self.base), size);
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
        let start = self.run.map_or(at, |(start, _)| start);
        self.run = Some((start, at + size));
    }

    /// What was free until here is one block for `malloc_trim`, which leaves its own links, and parts of pages.
    fn flush(&mut self) {
        let Some((start, end)) = self.run.take() else {
            return;
        };
        let page = self.process.page;
        let first = (start + 48).next_multiple_of(page);
        let mut small = end - start;
        if end >= first + page {
            let whole = (end - first) & !(page - 1);
            self.found.free_pages += self.kept(first, first + whole);
            self.found.whole += whole;
            small -= whole;
        }
        self.strip.add_free(start.saturating_sub(self.base), small);
    }

    /// What is in memory of pages that are free.
    fn kept(&mut self, start: u64, end: u64) -> u64 {
        let base = self.base;
        let mut sum = 0;
        for (from, to) in map::pieces(start.saturating_sub(base), end.saturating_sub(base)) {
            let (start, end) = (base + from, base + to);
            let there = self.window.resident(start, end);
            let there = there.unwrap_or_else(|| resident(self.process, start, end));
            self.strip.add_free(from, there);
            sum += there;
        }
        sum
    }

    /// The next place from which many headers in a row are plausible: somebody else's memory lies between.
    fn trace(&mut self, from: u64, end: u64) -> Option<u64> {
        let mut at = from + GRAIN;
        while at < end {
            if self.window.word(at + 8).is_none() {
                if self.budget.loads == 0 {
                    return None;
                }
                self.load(at);
            }
            // Nothing begins where nothing is.
            if self.window.page(at).is_some_and(|page| !page.present) {
                at = (at + 1).next_multiple_of(PAGE);
                continue;
            }
            self.is_searching = true;
            let found = self.is_trace(at, end);
            self.is_searching = false;
            if found {
                return Some(at);
            }
            at += GRAIN;
        }
        None
    }

    fn is_trace(&mut self, from: u64, end: u64) -> bool {
        let mut at = from;
        (0..TRACE).all(|_| match self.chunk(at, end) {
            Chunk::Used(size) | Chunk::Free(size) => {
                at += size;
                true
            }
            Chunk::Top(_) => true,
            Chunk::Fence | Chunk::Broken => false,
        })
    }
}
