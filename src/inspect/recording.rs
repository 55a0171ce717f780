//! The memory of a process as it was, in a file: what the readers are tested with where the process is not at hand, and with what no
//! process has.

use std::collections::BTreeMap;

use super::memory::PAGE;

/// How a recording begins; its mappings follow as `/proc/PID/maps` has them, and an empty line, then the pages: the address of each in 8
/// bytes, lowest first, and what stands in it.
const MARK: &[u8] = b"malloclint recording 1\n";

/// The pages of a process.
#[derive(Debug, Default)]
pub(super) struct Recording {
    pages: BTreeMap<u64, Vec<u8>>,
}

impl Recording {
    /// Reads one: the text of its mappings, and its pages.
    pub(super) fn read(bytes: &[u8]) -> Option<(String, Self)> {
        let rest = bytes.strip_prefix(MARK)?;
        let end = memchr::memmem::find(rest, b"\n\n")?;
        let maps = String::from_utf8_lossy(rest.get(..end)?).into_owned();
        let pages = rest.get(end + 2..)?.chunks_exact(8 + PAGE as usize);
        let page = |chunk: &[u8]| {
            let (address, page) = chunk.split_at_checked(8)?;
            let address = u64::from_le_bytes(address.try_into().ok()?);
            Some((address / PAGE, page.to_vec()))
        };
        let pages = pages.filter_map(page).collect();
        Some((maps, Self { pages }))
    }

    /// Bytes of all pages.
    pub(super) fn size(&self) -> u64 {
        self.pages.len() as u64 * PAGE
    }

    /// What the page map would say: each page that is there is in memory, and nobody else's.
    pub(super) fn entries(&self, start: u64, count: usize) -> Vec<u8> {
        const THERE: u64 = 1 << 63 | 1 << 56;
        let first = start / PAGE;
        let mut entries = vec![0; count * 8];
        let last = first.saturating_add(count as u64);
        for page in self.pages.range(first..last).map(|(page, _)| page) {
            let at = usize::try_from(page - first).unwrap_or(usize::MAX);
            let place = at.checked_mul(8).and_then(|at| entries.get_mut(at..at + 8));
            if let Some(place) = place {
                place.copy_from_slice(&THERE.to_le_bytes());
            }
        }
        entries
    }

    /// Fills `into` from `at` on; `false` where a page is missing.
    pub(super) fn fill(&self, at: u64, into: &mut [u8]) -> bool {
        let mut at = at;
        let mut rest = into;
        while !rest.is_empty() {
            let inside = usize::try_from(at % PAGE).unwrap_or(0);
            let part = self
                .pages
                .get(&(at / PAGE))
                .and_then(|page| page.get(inside..));
            let Some(part) = part.filter(|part| !part.is_empty()) else {
                return false;
            };
            let length = part.len().min(rest.len());
            let (now, later) = rest.split_at_mut(length);
            now.copy_from_slice(part.get(..length).unwrap_or_default());
            rest = later;
            at = at.saturating_add(length as u64);
        }
        true
    }
}
