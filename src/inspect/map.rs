//! The heap as a map: how much of each piece of it is in use, and how much is kept free.

use serde::{Deserialize, Serialize};

/// Bytes of a cell; a picture may join several.
pub(super) const CELL: u64 = 256 << 10;

/// What lies side by side: an arena, or what an allocator got elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Strip {
    pub(super) name: String,
    /// Bytes that one cell stands for.
    pub(super) bytes: u64,
    pub(super) cells: Vec<Cell>,
}

/// A piece of memory: bytes. The rest of it is not in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cell {
    pub(super) live: u64,
    pub(super) free: u64,
}

impl Strip {
    /// Without anything yet.
    pub(super) fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            bytes: CELL,
            cells: Vec::new(),
        }
    }

    /// What is in use of `length` bytes that begin so far from the first one.
    pub(super) fn add_live(&mut self, from: u64, length: u64) {
        self.each(from, length, |cell, bytes| cell.live += bytes);
    }

    /// What is free and in memory.
    pub(super) fn add_free(&mut self, from: u64, length: u64) {
        self.each(from, length, |cell, bytes| cell.free += bytes);
    }

    fn each(&mut self, from: u64, length: u64, add: impl Fn(&mut Cell, u64)) {
        for (start, end) in pieces(from, from.saturating_add(length)) {
            let Ok(index) = usize::try_from(start / CELL) else {
                return;
            };
            // No process has more than 256 TiB, and none more than its heaps.
            if index >= self.cells.len() {
                if index > MOST {
                    return;
                }
                self.cells.resize(index + 1, Cell::default());
            }
            if let Some(cell) = self.cells.get_mut(index) {
                add(cell, end - start);
            }
        }
    }

    /// The same with so many cells joined into one.
    pub(super) fn joined(&self, count: usize) -> Self {
        let join = |cells: &[Cell]| Cell {
            live: cells.iter().map(|cell| cell.live).sum(),
            free: cells.iter().map(|cell| cell.free).sum(),
        };
        Self {
            name: self.name.clone(),
            bytes: self.bytes * count as u64,
            cells: self.cells.chunks(count.max(1)).map(join).collect(),
        }
    }
}

/// So many cells: 1 TiB.
const MOST: usize = 1 << 22;

/// A range, cut where a cell ends.
pub(super) fn pieces(start: u64, end: u64) -> impl Iterator<Item = (u64, u64)> {
    let mut at = start;
    std::iter::from_fn(move || {
        let from = at;
        at = (from / CELL + 1).saturating_mul(CELL).min(end);
        (from < end).then_some((from, at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_crosses_a_cell_counts_in_both() {
        let mut strip = Strip::named("main");
        strip.add_live(CELL - 16, 32);
        strip.add_free(CELL + 16, 2 * CELL);
        let live: Vec<u64> = strip.cells.iter().map(|cell| cell.live).collect();
        let free: Vec<u64> = strip.cells.iter().map(|cell| cell.free).collect();
        assert_eq!(live, [16, 16, 0, 0]);
        assert_eq!(free, [0, CELL - 16, CELL, 16]);
        let joined = strip.joined(3);
        assert_eq!(joined.cells.len(), 2);
        assert_eq!((joined.bytes, joined.cells[0].live), (3 * CELL, 32));
    }
}
