//! The tree of pages: from an address to the extent that holds it. Its root is found by what it leads to.

use std::collections::BTreeSet;

use super::{address, number};
use crate::facts::layouts::{self, TreeLayout};
use crate::inspect::memory::{PAGE, Window, word};
use crate::inspect::process::{Mapping, Process};

/// A level has no more tables: each of them stands for a GiB, or for 128 MiB.
const TABLES: usize = 1 << 14;
/// So many elements are taken of all tables of a level, and so many parts of tables are read.
const MOST: usize = 1 << 23;
const WINDOWS: usize = 1 << 15;
/// So many pages are looked for in all, whatever the data of the library says.
const LOOKS: usize = 1 << 17;
/// So many pages of a mapping are tried, and so many that are known tell.
const TRIED: u64 = 512;
const NAMED: usize = 64;

/// The tree of a process.
#[derive(Debug)]
pub(super) struct Tree {
    root: u64,
    layout: &'static TreeLayout,
}

/// Finds it in the data of the library: a word there leads, level by level, to an extent that says that it begins at or before the page
/// for which it stands. By chance several layouts may fit: each gives a tree.
pub(super) fn find(process: &Process, library: &str) -> impl Iterator<Item = Tree> {
    let data = data(process, library);
    let pages = pages(process);
    let layouts = layouts::trees().iter();
    layouts.filter_map(move |layout| laid_out(process, &data, &pages, layout))
}

fn laid_out(
    process: &Process,
    data: &[Mapping],
    pages: &[u64],
    layout: &'static TreeLayout,
) -> Option<Tree> {
    let (bits, shift) = (layout.bits.first()?, layout.shifts.first()?);
    let index = |page: &u64| page >> shift & ((1 << bits) - 1);
    let indexes: BTreeSet<u64> = pages.iter().map(index).collect();
    let below: Vec<(u64, Vec<u64>)> = indexes
        .into_iter()
        .map(|own| {
            (
                own,
                pages
                    .iter()
                    .copied()
                    .filter(|page| index(page) == own)
                    .collect(),
            )
        })
        .collect();
    let mut left = LOOKS;
    let mut places = data.iter().flat_map(|map| links(process, map));
    places.find_map(|place| {
        below.iter().find_map(|(index, pages)| {
            let root = place.checked_sub(index * 8)?;
            let tree = Tree { root, layout };
            let inside = data.iter().any(|map| map.holds(root));
            (inside && tree.leads(process, pages, &mut left)).then_some(tree)
        })
    })
}

/// The places in a mapping that name memory of no file.
fn links(process: &Process, map: &Mapping) -> Vec<u64> {
    let (mut found, mut at) = (Vec::new(), map.start);
    while at < map.end {
        let Ok(window) = Window::of(process, at, map.end) else {
            break;
        };
        let words = window.bytes().chunks_exact(8).enumerate();
        let links = words.filter(|(_, bytes)| {
            let child = word(bytes, 0).unwrap_or(0);
            child != 0 && child.is_multiple_of(64) && is_own(process, child)
        });
        found.extend(links.map(|(index, _)| window.start() + index as u64 * 8));
        at = window.end().max(at.saturating_add(PAGE));
    }
    found
}

/// The writable data of the library, and what lies right behind it and is in no file.
fn data(process: &Process, library: &str) -> Vec<Mapping> {
    let mut found: Vec<Mapping> = Vec::new();
    for map in process.maps.iter().filter(|map| map.is_writable()) {
        let behind = found
            .last()
            .is_some_and(|last| last.end == map.start && map.path.is_empty());
        if map.path == library || behind {
            found.push(map.clone());
        }
    }
    found
}

fn is_own(process: &Process, at: u64) -> bool {
    process.mapping(at).is_some_and(Mapping::is_anonymous)
}

/// Some pages of each anonymous mapping.
fn pages(process: &Process) -> Vec<u64> {
    let own = process
        .maps
        .iter()
        .filter(|map| map.is_anonymous() && map.path.is_empty());
    let some = own.flat_map(|map| {
        (0..TRIED)
            .map(|page| map.start + page * PAGE)
            .take_while(|at| *at < map.end)
    });
    some.collect()
}

impl Tree {
    /// What this jemalloc takes for a page, in bytes: at least the system's, and Debian has it built for larger ones on arm64.
    pub(super) fn page(&self) -> u64 {
        let below = self.layout.shifts.last().copied();
        1_u64.checked_shl(below.unwrap_or(12)).unwrap_or(PAGE)
    }

    /// Whether some of these pages, all below one element of the root, are known, and their extents cover them.
    fn leads(&self, process: &Process, pages: &[u64], left: &mut usize) -> bool {
        // Pages side by side have their elements in one table, which is looked for once.
        let mut last: (Option<u64>, Option<u64>) = (None, None);
        let mut covers = |page: &u64| {
            let group = self.group(*page);
            if last.0 != group || group.is_none() {
                *left = left.checked_sub(1)?;
                last = (group, self.table_of(process, *page));
            }
            let table = last.1?;
            *left = left.checked_sub(1)?;
            let extent = self.extent_of(process, table, *page)?;
            let start = number(process, extent + 8)? & !(self.page() - 1);
            let size = number(process, extent + 16)? & !(self.page() - 1);
            Some(start <= *page && *page < start.saturating_add(size) && size < 1 << 46)
        };
        // A large extent may cover a page by chance, and a small one may be gone whose page still names it.
        let tried: Vec<bool> = pages.iter().filter_map(&mut covers).take(NAMED).collect();
        let right = tried.iter().filter(|covers| **covers).count();
        right * 2 > tried.len()
    }

    /// What the pages have in common that have their elements in one table.
    fn group(&self, page: u64) -> Option<u64> {
        let above = self.layout.shifts.len().checked_sub(2)?;
        self.layout.shifts.get(above).map(|shift| page >> shift)
    }

    /// The last table on the way to a page.
    fn table_of(&self, process: &Process, page: u64) -> Option<u64> {
        let levels = self.layout.bits.iter().zip(&self.layout.shifts);
        let above = self.layout.bits.len().checked_sub(1)?;
        let mut table = self.root;
        for (bits, shift) in levels.take(above) {
            let index = page >> shift & ((1 << bits) - 1);
            let place = table.checked_add(index * 8)?;
            table = number(process, place).filter(|word| *word != 0)?;
        }
        is_own(process, table).then_some(table)
    }

    /// The extent that holds a page.
    fn extent_of(&self, process: &Process, table: u64, page: u64) -> Option<u64> {
        let (bits, shift) = (self.layout.bits.last()?, self.layout.shifts.last()?);
        let index = page >> shift & ((1 << bits) - 1);
        let place = table.checked_add(index * self.layout.element)?;
        let extent = address(number(process, place).filter(|word| *word != 0)?);
        is_own(process, extent).then_some(extent)
    }

    /// The addresses of all extents; one that has several pages is named several times.
    pub(super) fn extents(&self, process: &Process) -> Vec<u64> {
        let mut tables = vec![self.root];
        let mut windows = WINDOWS;
        let last = self.layout.bits.len().saturating_sub(1);
        for (level, bits) in self.layout.bits.iter().enumerate() {
            let element = if level == last {
                self.layout.element
            } else {
                8
            };
            let mut next = Vec::new();
            for table in tables {
                if next.len() > MOST {
                    break;
                }
                elements(process, table, *bits, element, &mut windows, &mut |word| {
                    next.push(if level == last { address(word) } else { word });
                });
            }
            // Who names one table everywhere is read once, and nobody has more.
            next.sort_unstable();
            next.dedup();
            next.retain(|table| is_own(process, *table));
            next.truncate(if level == last { MOST } else { TABLES });
            tables = next;
        }
        tables
    }
}

/// What stands in the elements of a table, where something does.
fn elements(
    process: &Process,
    table: u64,
    bits: u32,
    size: u64,
    windows: &mut usize,
    found: &mut dyn FnMut(u64),
) {
    let end = table.saturating_add((1 << bits) * size);
    let mut at = table;
    while at < end {
        *windows = match windows.checked_sub(1) {
            Some(left) => left,
            None => return,
        };
        let Ok(window) = Window::of(process, at, end) else {
            return;
        };
        let step = usize::try_from(size).unwrap_or(8);
        let start = usize::try_from(at - window.start()).unwrap_or(0);
        let mut offset = start;
        while let Some(word) = word(window.bytes(), offset) {
            if window.start() + offset as u64 >= end {
                break;
            }
            if word != 0 {
                found(word);
            }
            offset += step;
        }
        at = window.end().max(at.saturating_add(PAGE));
    }
}
