//! jemalloc in a live process: every extent that its tree of pages reaches, and what is in use in it. No symbols are needed.

mod tree;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::map::{self, Cell, Strip};
use super::memory::{self, Memory, Window};
use super::process::Process;
use crate::facts::layouts::{self, ExtentLayout};
use tree::Tree;

/// What jemalloc has: bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Jemalloc {
    /// The version whose layout fits.
    pub(super) version: String,
    pub(super) extents: u64,
    /// In blocks that are in use, or in the caches of threads.
    pub(super) live: u64,
    /// In extents that are in use.
    pub(super) active: u64,
    /// Free, and in memory until it decays.
    pub(super) dirty: u64,
    /// Free, and the system may take it.
    pub(super) muzzy: u64,
    /// Free, and given back: addresses alone.
    pub(super) retained: u64,
    /// What of all that is in memory, and what of it is free.
    pub(super) resident: u64,
    pub(super) free_resident: u64,
    /// Arenas that have memory in use.
    pub(super) arenas: usize,
    /// What is in memory, as a map without the gaps.
    pub(super) strip: Strip,
}

impl Jemalloc {
    /// What is free between blocks, and in memory.
    pub(super) fn between(&self) -> u64 {
        let active = self.resident.saturating_sub(self.free_resident);
        let between = self.active.saturating_sub(self.live);
        between.min(active)
    }

    /// What is in use, and in memory.
    pub(super) fn in_use(&self) -> u64 {
        let active = self.resident.saturating_sub(self.free_resident);
        self.live.min(active.saturating_sub(self.between()))
    }
}

/// No extent is larger, in bytes.
const LARGEST: u64 = 1 << 46;

/// One extent.
#[derive(Clone, Copy, Debug)]
struct Extent {
    address: u64,
    bits: u64,
    size: u64,
}

/// Reads it.
///
/// # Errors
/// Why nothing can be said, in a few words.
pub(super) fn read(process: &Process, library: &str) -> Result<Jemalloc, String> {
    let mut why = "the tree of pages of this jemalloc was not found: its layout may be a new one";
    let readings = tree::find(process, library).find_map(|tree| {
        why = "the extents of this jemalloc are laid out in a way that is not known";
        let extents = extents(process, &tree);
        let mut layouts = layouts::extents().iter();
        let reading =
            layouts.find_map(|layout| Some((account(&extents, layout, tree.page())?, layout)))?;
        Some((reading, extents))
    });
    let ((mut found, layout), extents) = readings.ok_or(why)?;
    found.resident = in_memory(process, extents.iter());
    let is_free = |extent: &&Extent| matches!(field(extent.bits, layout.state), 1 | 2);
    found.free_resident = in_memory(process, extents.iter().filter(is_free));
    Ok(found)
}

/// All extents, each once. They lie beside each other, so they are read in windows.
fn extents(process: &Process, tree: &Tree) -> Vec<Extent> {
    let mut places = tree.extents(process);
    places.sort_unstable();
    places.dedup();
    let page = tree.page();
    let mut found = Vec::new();
    let mut window = Window::default();
    for at in places {
        if window.word(at).is_none() || window.word(at.saturating_add(16)).is_none() {
            window = Window::of(process, at, u64::MAX).unwrap_or_default();
        }
        let there = window.page(at).is_some_and(|page| page.present);
        let (Some(bits), Some(size)) = (window.word(at), window.word(at.saturating_add(16))) else {
            continue;
        };
        if there && size & !(page - 1) != 0 && size < LARGEST {
            let address = window.word(at.saturating_add(8)).unwrap_or(0) & !(page - 1);
            found.push(Extent {
                address,
                bits,
                size: size & !(page - 1),
            });
        }
    }
    found
}

/// What of the extents is in memory: those side by side are looked at together.
fn in_memory<'a>(process: &Process, extents: impl Iterator<Item = &'a Extent>) -> u64 {
    let mut ranges: Vec<(u64, u64)> = extents
        .map(|extent| (extent.address, extent.address.saturating_add(extent.size)))
        .collect();
    ranges.sort_unstable();
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for (start, end) in ranges {
        match joined.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    let all = joined.iter();
    all.map(|(start, end)| memory::resident(process, *start, *end))
        .fold(0, u64::saturating_add)
}

/// What the extents come to, where the layout fits them: a block of its own has the size of its class, and no slab has more free
/// blocks than it holds. `page`: what jemalloc takes for one, in bytes.
fn account(extents: &[Extent], layout: &ExtentLayout, page: u64) -> Option<Jemalloc> {
    let sizes = Sizes::of(extents, layout, page);
    let mut found = Jemalloc {
        version: layout.jemalloc.clone(),
        extents: extents.len() as u64,
        ..Jemalloc::default()
    };
    let (mut fits, mut odd) = (0_u64, 0_u64);
    let mut arenas = BTreeSet::new();
    let mut map = Map::default();
    for extent in extents {
        match field(extent.bits, layout.state) {
            0 => {
                arenas.insert(field(extent.bits, layout.arena));
                found.active = found.active.saturating_add(extent.size);
                match in_use(extent, layout, &sizes) {
                    Some(live) => {
                        fits += 1;
                        found.live = found.live.saturating_add(live);
                        map.add(extent, live);
                    }
                    None => odd += 1,
                }
            }
            1 => {
                found.dirty = found.dirty.saturating_add(extent.size);
                map.add(extent, 0);
            }
            2 => found.muzzy = found.muzzy.saturating_add(extent.size),
            3 => found.retained = found.retained.saturating_add(extent.size),
            _ => odd += 1,
        }
    }
    found.arenas = arenas.len();
    found.strip = map.strip();
    (fits > 0 && odd * 50 <= fits).then_some(found)
}

fn field(bits: u64, (low, count): (u32, u32)) -> u64 {
    bits >> low & ((1 << count) - 1)
}

/// What decides how large a block is, in bytes.
struct Sizes {
    classes: Vec<u64>,
    /// What jemalloc takes for a page: at least the system's.
    page: u64,
    /// What lies behind each block of its own and keeps others away (`opt.cache_oblivious`).
    pad: u64,
}

impl Sizes {
    /// Most blocks are of the size of their class: that shows whether a page lies behind them.
    fn of(extents: &[Extent], layout: &ExtentLayout, page: u64) -> Self {
        let classes = classes();
        let own = extents.iter().filter(|extent| {
            field(extent.bits, layout.state) == 0 && extent.bits >> layout.slab & 1 == 0
        });
        let (mut padded, mut bare) = (0, 0);
        for extent in own {
            let class = usize::try_from(field(extent.bits, layout.class)).unwrap_or(usize::MAX);
            let class = classes.get(class).copied().unwrap_or(0);
            padded += u64::from(extent.size == class + page);
            bare += u64::from(extent.size == class);
        }
        let pad = if padded >= bare { page } else { 0 };
        Self { classes, page, pad }
    }
}

/// How much of an active extent is in use, where its size fits its class.
fn in_use(extent: &Extent, layout: &ExtentLayout, sizes: &Sizes) -> Option<u64> {
    let index = usize::try_from(field(extent.bits, layout.class)).ok()?;
    let class = sizes.classes.get(index).copied()?;
    if extent.bits >> layout.slab & 1 == 1 {
        let free = field(extent.bits, layout.free(sizes.page));
        let fits = free.saturating_mul(class) <= extent.size;
        return fits.then(|| (extent.size / class).saturating_sub(free) * class);
    }
    // From 5.3.1 on such a block has only the pages that it needs (`opt.disable_large_size_classes`).
    let smaller = sizes.classes.get(index.checked_sub(1)?).copied()?;
    let live = extent.size.checked_sub(sizes.pad)?;
    (smaller < live && live <= class).then_some(live)
}

/// The map has no more cells: 256 GiB.
const CELLS: usize = 1 << 20;

/// Cells by their number in the address space.
#[derive(Default)]
struct Map(BTreeMap<u64, Cell>);

impl Map {
    /// An extent that is in memory: what of it is in use stands at its beginning.
    fn add(&mut self, extent: &Extent, live: u64) {
        let (start, end) = (extent.address, extent.address.saturating_add(extent.size));
        let border = start.saturating_add(live);
        // Nothing that the process says is believed without an end.
        for (from, to) in map::pieces(start, end) {
            if self.0.len() >= CELLS {
                return;
            }
            let cell = self.0.entry(from / map::CELL).or_default();
            let used = border.clamp(from, to) - from;
            cell.live += used;
            cell.free += to - from - used;
        }
    }

    fn strip(self) -> Strip {
        let mut strip = Strip::named("jemalloc");
        strip.cells = self.0.into_values().collect();
        strip
    }
}

/// The sizes of jemalloc's classes, in bytes: four between a power of two and the next (jemalloc(3), "Size classes").
fn classes() -> Vec<u64> {
    let mut found = vec![8, 16, 32, 48, 64];
    let mut base: u64 = 64;
    while base < 1 << 46 {
        found.extend((1..=4).map(|step| base + base / 4 * step));
        base *= 2;
    }
    found
}

/// A number in the memory of a process, where its page is there.
fn number(memory: &dyn Memory, at: u64) -> Option<u64> {
    memory::word_at(memory, at)
}

/// The address of an extent in a word that may hold more than it. Before 5.3.0 it is a multiple of 64 only, later of 128.
const fn address(word: u64) -> u64 {
    word & ((1 << 48) - 1) & !63
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_those_of_the_manual() {
        let classes = classes();
        assert_eq!(
            classes[..14],
            [8, 16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
        );
        assert!(
            classes.contains(&(14 << 10))
                && classes.contains(&(16 << 10))
                && classes.contains(&(4 << 20))
        );
    }

    #[test]
    fn extents_are_accounted_for_by_their_state() {
        let layout = &layouts::extents()[0];
        let word = |state: u64, class: u64, slab: u64, free: u64| {
            state << layout.state.0
                | class << layout.class.0
                | slab << layout.slab
                | free << layout.free
        };
        let extent = |bits: u64, size: u64| Extent {
            address: 1 << 30,
            bits,
            size,
        };
        // A slab of 4 KiB with 16 bytes a block, of which 100 are free; one of 16 KiB and its page; dirty and retained ones.
        let extents = [
            extent(word(0, 1, 1, 100), 4096),
            extent(
                word(
                    0,
                    classes().iter().position(|size| *size == 16384).unwrap() as u64,
                    0,
                    0,
                ),
                20480,
            ),
            extent(word(1, 0, 0, 0), 8192),
            extent(word(3, 0, 0, 0), 1 << 20),
        ];
        let found = account(&extents, layout, 4096).unwrap();
        assert_eq!(found.live, 156 * 16 + 16384);
        assert_eq!(
            (found.active, found.dirty, found.retained),
            (24576, 8192, 1 << 20)
        );
        assert_eq!(
            account(&[extent(word(0, 1, 1, 1000), 4096)], layout, 4096),
            None
        );
        // From 5.3.1 on a block of 36 KiB is no larger, though its class goes to 40 KiB.
        let class = |bytes: u64| classes().iter().position(|size| *size == bytes).unwrap() as u64;
        let newer = [
            extent(word(0, class(40 << 10), 0, 0), 40 << 10),
            extent(word(0, class(16 << 10), 0, 0), 20 << 10),
            extent(word(0, class(32 << 10), 0, 0), 36 << 10),
        ];
        let found = account(&newer, layout, 4096).unwrap();
        assert_eq!(found.live, (36 << 10) + (16 << 10) + (32 << 10));
    }

    #[test]
    fn what_jemalloc_takes_for_a_page_may_be_larger() {
        // As Debian builds it for arm64: a slab of 64 KiB with 16 bytes a block, of which 4,000 are free; one of 16 MiB and its page.
        let layout = &layouts::extents()[0];
        let class = |bytes: u64| classes().iter().position(|size| *size == bytes).unwrap() as u64;
        let extent = |bits: u64, size: u64| Extent {
            address: 1 << 30,
            bits,
            size,
        };
        let slab = class(16) << layout.class.0 | 1 << layout.slab | 4000 << layout.free;
        let own = class(16 << 20) << layout.class.0;
        let extents = [extent(slab, 64 << 10), extent(own, (16 << 20) + (64 << 10))];
        let found = account(&extents, layout, 64 << 10).unwrap();
        assert_eq!(found.live, 96 * 16 + (16 << 20));
    }
}
