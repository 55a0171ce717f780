//! Python's own allocator of small objects: which of its arenas are there, and how full their pools are. Read without symbols, by what
//! the head of a pool looks like.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::map::{Cell, Strip};
use super::memory::{self, Memory, Window, half, word};
use super::process::{Mapping, Process};
use crate::facts::layouts::{self, PoolLayout};

/// The head of a pool, in bytes (`struct pool_header`).
const HEAD: u64 = 48;
/// Sizes are multiples of so many bytes, and there are so many of them.
const GRAIN: u64 = 16;
const CLASSES: u32 = 32;

/// What pymalloc has: bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pymalloc {
    pub(super) arenas: u64,
    /// Arenas of which less than a tenth is in use.
    pub(super) sparse: u64,
    /// What its pools take, and what of them is in memory.
    pub(super) pools: u64,
    pub(super) resident: u64,
    /// In use by objects.
    pub(super) live: u64,
    /// Free within pools, and pools that are free.
    pub(super) free: u64,
    /// A cell for each arena.
    pub(super) strip: Strip,
}

impl Pymalloc {
    /// What is free and in memory.
    pub(super) fn kept(&self) -> u64 {
        self.resident.saturating_sub(self.live).min(self.free)
    }
}

/// Reads it; `python` is the version, as far as it is known. What is between the `heaps` of malloc is none of it.
pub(super) fn read(
    process: &Process,
    python: Option<(u32, u32)>,
    heaps: &[(u64, u64)],
) -> Pymalloc {
    let Some(layout) = layout(python) else {
        return Pymalloc::default();
    };
    let mut arenas: BTreeMap<u32, Arena> = BTreeMap::new();
    for map in process.maps.iter().filter(|map| may_hold(map, layout)) {
        for part in without((map.start, map.end), heaps) {
            scan(process, part, layout, &mut arenas);
        }
    }
    let mut found = Pymalloc {
        strip: Strip {
            name: "Python's own".into(),
            bytes: layout.arena,
            cells: Vec::new(),
        },
        ..Pymalloc::default()
    };
    for arena in arenas.values() {
        found.strip.cells.push(Cell {
            live: arena.live,
            free: (arena.pools * layout.pool).saturating_sub(arena.live),
        });
        found.arenas += 1;
        found.live += arena.live;
        found.pools += arena.pools * layout.pool;
        found.resident += arena.resident;
        found.sparse += u64::from(arena.live * 10 < layout.arena);
    }
    found.free = found.pools.saturating_sub(found.live);
    found
}

/// The last layout that is not for a later Python; without a version the last one.
fn layout(python: Option<(u32, u32)>) -> Option<&'static PoolLayout> {
    let since = |layout: &&PoolLayout| {
        let (major, minor) = layout.python.split_once('.')?;
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    };
    let fits = |layout: &&PoolLayout| match (python, since(layout)) {
        (Some(python), Some(since)) => since <= python,
        _ => true,
    };
    layouts::pools().iter().rfind(fits)
}

fn may_hold(map: &Mapping, layout: &PoolLayout) -> bool {
    let named = map.path.is_empty() || map.path.starts_with("[anon");
    map.is_anonymous() && named && map.length() >= layout.arena
}

#[derive(Clone, Copy, Debug, Default)]
struct Arena {
    pools: u64,
    live: u64,
    resident: u64,
}

/// What is left of a range without those of others.
fn without((start, end): (u64, u64), others: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut inside: Vec<_> = others
        .iter()
        .filter(|(from, to)| *from < end && start < *to)
        .collect();
    inside.sort_unstable();
    let (mut left, mut at) = (Vec::new(), start);
    for (from, to) in inside {
        if at < *from {
            left.push((at, *from));
        }
        at = at.max(*to);
    }
    if at < end {
        left.push((at, end));
    }
    left
}

fn scan(
    process: &Process,
    (start, end): (u64, u64),
    layout: &PoolLayout,
    arenas: &mut BTreeMap<u32, Arena>,
) {
    let mut at = start.next_multiple_of(layout.pool);
    while at < end {
        let Some(next) = first_page(process, at, end) else {
            return;
        };
        at = at.max(next & !(layout.pool - 1));
        let Ok(window) = Window::of(process, at, end) else {
            return;
        };
        while at + HEAD <= window.end() {
            let there = window.page(at).is_some_and(|page| page.present);
            let offset = usize::try_from(at - window.start()).unwrap_or(usize::MAX);
            let head = window.bytes().get(offset..).filter(|_| there);
            if let Some((arena, live)) = head.and_then(|head| pool(head, at, layout)) {
                let found = arenas.entry(arena).or_default();
                found.pools += 1;
                found.live += live;
                let there = window.resident(at, at + layout.pool);
                found.resident += there.unwrap_or(layout.pool);
            }
            at += layout.pool;
        }
        if window.end() <= window.start() {
            return;
        }
        at = at.max(window.end().next_multiple_of(layout.pool));
    }
}

/// The first page from `at` on that is in memory: large mappings may be empty for most of it.
fn first_page(memory: &dyn Memory, at: u64, end: u64) -> Option<u64> {
    let mut found = None;
    memory::each_present(memory, at, end, |page, _| {
        found = Some(page);
        ControlFlow::Break(())
    });
    found
}

/// The arena of a pool, and what is in use in it, where its head is one.
fn pool(head: &[u8], at: u64, layout: &PoolLayout) -> Option<(u32, u64)> {
    let used = u64::from(half(head, 0)?);
    let free = word(head, 8)?;
    let arena = half(head, 32)?;
    let class = half(head, 36)?;
    let (next, most) = (u64::from(half(head, 40)?), u64::from(half(head, 44)?));
    if class >= CLASSES || arena > 1 << 24 {
        return None;
    }
    let size = u64::from(class + 1) * GRAIN;
    let blocks = (layout.pool - HEAD) / size;
    let laid_out = most == layout.pool - size && next >= HEAD && (next - HEAD).is_multiple_of(size);
    let inside = free == 0 || free > at && free < at + layout.pool;
    (laid_out && used <= blocks && inside && next <= layout.pool + size)
        .then(|| (arena, used * size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heaps_of_others_are_left_out() {
        let left = |others: &[(u64, u64)]| without((10, 20), others);
        assert_eq!(left(&[]), [(10, 20)]);
        assert_eq!(left(&[(15, 17), (5, 12)]), [(12, 15), (17, 20)]);
        assert_eq!(left(&[(0, 30)]), []);
        assert_eq!(left(&[(20, 30), (0, 10)]), [(10, 20)]);
    }

    #[test]
    fn the_layout_is_that_of_the_version() {
        let pool = |python: Option<(u32, u32)>| layout(python).map(|layout| layout.pool);
        assert_eq!(pool(Some((3, 9))), Some(4096));
        assert_eq!(pool(Some((3, 10))), Some(16384));
        assert_eq!(pool(Some((3, 14))), Some(16384));
        assert_eq!(pool(None), Some(16384));
    }
}
