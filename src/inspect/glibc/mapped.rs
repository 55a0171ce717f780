//! Blocks that were mapped by themselves: how much of them is in memory. Nothing lists them; each begins with a page, says its size, and
//! carries the mark of its kind.

use crate::inspect::memory::{PAGE, Window, resident};
use crate::inspect::process::{Mapping, Process};

/// `IS_MMAPPED`, alone: neither the neighbour before it nor another arena is spoken of.
const MARK: u64 = 2;
/// The head of a block, in bytes.
const HEAD: u64 = 16;
/// So many parts of memory are searched.
const PARTS: u32 = 1 << 13;

/// What of blocks of `wanted` bytes is in memory, where nearly all of them are found: some may have come or gone meanwhile. What lies in
/// the `heaps` is none.
pub(super) fn in_memory(process: &Process, wanted: u64, heaps: &[(u64, u64)]) -> Option<u64> {
    let mut search = Search {
        process,
        window: Window::default(),
        parts: PARTS,
    };
    let (mut found, mut there) = (0_u64, 0_u64);
    for map in process.maps.iter().filter(|map| is_place(map)) {
        let mut at = map.start;
        while found < wanted && at.saturating_add(PAGE) <= map.end {
            let mut around = heaps.iter();
            if let Some((_, end)) = around.find(|(start, end)| *start <= at && at < *end) {
                at = *end;
                continue;
            }
            match search.block(at, map.end) {
                Some(size) => {
                    found = found.saturating_add(size);
                    there += resident(process, at, at + size);
                    at += size;
                }
                None if search.parts == 0 => break,
                None => at += PAGE,
            }
        }
    }
    (found >= wanted - wanted / 10).then_some(there)
}

fn is_place(map: &Mapping) -> bool {
    map.is_anonymous() && map.path.is_empty()
}

struct Search<'a> {
    process: &'a Process,
    window: Window,
    /// How many parts may still be read.
    parts: u32,
}

impl Search<'_> {
    /// The size of the block that begins there, if one does.
    fn block(&mut self, at: u64, end: u64) -> Option<u64> {
        if self.window.page(at).is_none() {
            self.parts = self.parts.checked_sub(1)?;
            self.window = Window::of(self.process, at, end).ok()?;
        }
        let (before, header) = (self.window.word(at)?, self.window.word(at + 8)?);
        let said = header & !7;
        // From glibc 2.43 on its head does not count.
        let size = said.checked_next_multiple_of(PAGE)?;
        let fits = header & 7 == MARK && size >= PAGE && size - said <= HEAD;
        (fits && before == 0 && size <= end - at).then_some(size)
    }
}
