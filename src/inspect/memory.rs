//! The memory of a process, page by page. Only pages that are there are read: to read another would map it into the process.

use std::io;
use std::ops::ControlFlow;

/// Bytes of what the readers take for a page. Those of the system may be larger, and are several of these then.
pub(super) const PAGE: u64 = 4096;
/// So much is read at once, in bytes.
const WINDOW: u64 = 256 << 10;
/// What somebody else's memory says is never believed beyond so many bytes.
pub(super) const LONGEST: usize = 16 << 20;

/// What a page of a process is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// It is in memory.
    pub(super) present: bool,
    /// It is swapped out: to read it would bring it back.
    pub(super) swapped: bool,
    /// It belongs to a file, or is shared memory.
    pub(super) file: bool,
    /// No other process maps it.
    pub(super) exclusive: bool,
}

impl Page {
    /// By an entry of the page map (Documentation/admin-guide/mm/pagemap.rst).
    const fn of(entry: u64) -> Self {
        Self {
            present: entry >> 63 & 1 == 1,
            swapped: entry >> 62 & 1 == 1,
            file: entry >> 61 & 1 == 1,
            exclusive: entry >> 56 & 1 == 1,
        }
    }
}

/// Memory that can be looked at: that of a process, or a recorded one.
pub(super) trait Memory {
    /// What the kernel's page map says of the pages from `start` on, `count` of them, 8 bytes each.
    ///
    /// # Errors
    /// Where that cannot be read.
    fn entries(&self, start: u64, count: usize) -> io::Result<Vec<u8>>;

    /// Fills `into` from `at` on. Who asks has seen that the pages are there.
    ///
    /// # Errors
    /// Where that cannot be read.
    fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()>;

    /// Fills `into`, a part of a page that is not in memory, with what stands in the file that it would be read from; `false` where
    /// there is none.
    fn behind(&self, at: u64, into: &mut [u8]) -> bool;
}

/// A part of the memory as it was when it was read; what is not there is zero.
#[derive(Debug, Default)]
pub(super) struct Window {
    start: u64,
    bytes: Vec<u8>,
    pages: Vec<Page>,
}

impl Window {
    /// The part from `start` (rounded down to a page) to `end`, as far as one window goes.
    pub(super) fn of(memory: &dyn Memory, start: u64, end: u64) -> io::Result<Self> {
        let start = start & !(PAGE - 1);
        let end = end.min(start.saturating_add(WINDOW));
        let count = usize::try_from(end.saturating_sub(start).div_ceil(PAGE)).unwrap_or(0);
        let pages = pages(memory, start, count)?;
        let mut bytes = vec![0; count * PAGE as usize];
        let mut at = 0;
        // Runs of pages that are there are read in one go.
        while at < pages.len() {
            let there = |page: &Page| page.present && !page.swapped;
            let run = pages.iter().skip(at).take_while(|page| there(page)).count();
            let (from, to) = (at * PAGE as usize, (at + run) * PAGE as usize);
            if let Some(part) = bytes.get_mut(from..to).filter(|part| !part.is_empty()) {
                memory.read(start + from as u64, part)?;
            }
            at += run;
            let gone = pages.get(at).filter(|page| !page.swapped);
            let (from, to) = (at * PAGE as usize, (at + 1) * PAGE as usize);
            if let Some(part) = bytes.get_mut(from..to).filter(|_| gone.is_some()) {
                memory.behind(start + from as u64, part);
            }
            at += 1;
        }
        Ok(Self {
            start,
            bytes,
            pages,
        })
    }

    /// Where it ends.
    pub(super) fn end(&self) -> u64 {
        self.start.saturating_add(self.bytes.len() as u64)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// The page of an address.
    pub(super) fn page(&self, at: u64) -> Option<Page> {
        let index = usize::try_from(at.checked_sub(self.start)? / PAGE).ok()?;
        self.pages.get(index).copied()
    }

    /// The bytes at an address, where they lie in the window.
    pub(super) fn at(&self, at: u64, length: usize) -> Option<&[u8]> {
        let from = usize::try_from(at.checked_sub(self.start)?).ok()?;
        self.bytes.get(from..from.checked_add(length)?)
    }

    /// How many bytes of a range are in memory, whole pages of it; nothing where the range is not within the window.
    pub(super) fn resident(&self, start: u64, end: u64) -> Option<u64> {
        let first = start.next_multiple_of(PAGE).checked_sub(self.start)? / PAGE;
        let last = (end / PAGE).checked_sub(self.start / PAGE)?;
        if last <= first {
            return Some(0);
        }
        let range = usize::try_from(first).ok()?..usize::try_from(last).ok()?;
        let pages = self.pages.get(range)?.iter();
        Some(pages.filter(|page| page.present).count() as u64 * PAGE)
    }

    /// The number at an address, where it lies in the window.
    pub(super) fn word(&self, at: u64) -> Option<u64> {
        word(
            &self.bytes,
            usize::try_from(at.checked_sub(self.start)?).ok()?,
        )
    }
}

/// A number of 8 bytes.
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let part = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(part.try_into().ok()?))
}

/// A number of 4 bytes.
pub(super) fn half(bytes: &[u8], at: usize) -> Option<u32> {
    let part = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(part.try_into().ok()?))
}

/// A number of 2 bytes.
pub(super) fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let part = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(part.try_into().ok()?))
}

/// The bytes of a range, where all of its pages are there, or are in a file.
pub(super) fn read(memory: &dyn Memory, at: u64, length: usize) -> Option<Vec<u8>> {
    if length == 0 || length > LONGEST {
        return None;
    }
    let end = at.checked_add(length as u64)?;
    let first = at / PAGE;
    let count = usize::try_from(end.checked_sub(1)? / PAGE - first + 1).ok()?;
    let pages = pages(memory, first * PAGE, count).ok()?;
    let mut bytes = vec![0; length];
    if pages.iter().all(|page| page.present && !page.swapped) {
        return (pages.len() == count && memory.read(at, &mut bytes).is_ok()).then_some(bytes);
    }
    let mut from = at;
    for page in pages {
        let to = end.min((from / PAGE + 1) * PAGE);
        let range = usize::try_from(from - at).ok()?..usize::try_from(to - at).ok()?;
        let part = bytes.get_mut(range)?;
        let found = match (page.present, page.swapped) {
            (_, true) => false,
            (true, _) => memory.read(from, part).is_ok(),
            (false, _) => memory.behind(from, part),
        };
        if !found {
            return None;
        }
        from = to;
    }
    (from == end).then_some(bytes)
}

/// One number of 8 bytes, where it is there.
pub(super) fn word_at(memory: &dyn Memory, at: u64) -> Option<u64> {
    word(&read(memory, at, 8)?, 0)
}

/// What the pages from `start` on are, `count` of them.
///
/// # Errors
/// Where that cannot be read.
pub(super) fn pages(memory: &dyn Memory, start: u64, count: usize) -> io::Result<Vec<Page>> {
    let bytes = memory.entries(start, count)?;
    let pages = bytes.chunks_exact(8);
    Ok(pages
        .map(|entry| Page::of(word(entry, 0).unwrap_or(0)))
        .collect())
}

/// Each page of a range that is in memory, and its address; large ranges may be empty for most of their length.
pub(super) fn each_present(
    memory: &dyn Memory,
    start: u64,
    end: u64,
    mut tell: impl FnMut(u64, Page) -> ControlFlow<()>,
) {
    const MOST: u64 = 1 << 16;
    // So many entries are looked at together.
    const BLOCK: usize = 4096;
    let (mut at, last) = (start / PAGE, end / PAGE);
    // Who looks for the first one often finds it soon.
    let mut at_once = 64;
    while at < last {
        let count = (last - at).min(at_once);
        at_once = (at_once * 8).min(MOST);
        let Ok(bytes) = memory.entries(at * PAGE, usize::try_from(count).unwrap_or(0)) else {
            return;
        };
        for (block, entries) in bytes.chunks(BLOCK).enumerate() {
            if NOTHING.get(..entries.len()) == Some(entries) {
                continue;
            }
            for (index, entry) in entries.chunks_exact(8).enumerate() {
                let page = Page::of(word(entry, 0).unwrap_or(0));
                let place = at + (block * BLOCK / 8 + index) as u64;
                if page.present && tell(place * PAGE, page).is_break() {
                    return;
                }
            }
        }
        at += count;
    }
}

/// Entries of pages that are not there.
const NOTHING: [u8; 4096] = [0; 4096];

/// How many bytes of a range are in memory: whole pages of it.
pub(super) fn resident(memory: &dyn Memory, start: u64, end: u64) -> u64 {
    let mut found = 0;
    each_present(memory, start.next_multiple_of(PAGE), end, |_, _| {
        found += PAGE;
        ControlFlow::Continue(())
    });
    found
}
