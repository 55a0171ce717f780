//! `struct malloc_state`: where the arenas are. The first is found without symbols, by what it looks like; each names the next.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::facts::layouts::{self, ArenaLayout};
use crate::inspect::memory::{self, Window, half, word};
use crate::inspect::process::{Mapping, Process};

/// What the size of each block is a multiple of.
pub(super) const GRAIN: u64 = 16;
/// Lists of free blocks: each has a head of two links.
const BINS: u64 = 127;
/// A list may be half-linked while it is read.
const BROKEN: usize = 2;
/// So often the first arena is looked for, as the process goes on meanwhile.
const TRIES: usize = 20;
/// Nobody has more arenas.
const MOST: usize = 1 << 17;

/// One arena.
#[derive(Clone, Copy, Debug)]
pub(in crate::inspect) struct Arena {
    pub(in crate::inspect) address: u64,
    /// It is the one that grows with `brk`.
    pub(super) is_main: bool,
    pub(super) layout: &'static ArenaLayout,
    /// The block behind all others.
    pub(super) top: u64,
    /// What it got from the system, in bytes.
    pub(super) system: u64,
    /// It got memory from elsewhere than `brk`.
    pub(super) is_scattered: bool,
    next: u64,
}

/// The writable data of libc.
pub(super) fn data_of_libc(process: &Process) -> Option<Vec<Mapping>> {
    let is_libc = |map: &Mapping| {
        let name = map.path.rsplit('/').next().unwrap_or_default();
        let name = name.strip_suffix(" (deleted)").unwrap_or(name);
        name == "libc.so.6" || name.starts_with("libc-2.") && name.ends_with(".so")
    };
    let mut found: Vec<Mapping> = Vec::new();
    for map in process.maps.iter().filter(|map| map.is_writable()) {
        // What is not in the file lies right behind it.
        let behind = found
            .last()
            .is_some_and(|last| last.end == map.start && map.path.is_empty());
        if is_libc(map) || behind && found.len() < 3 {
            found.push(map.clone());
        }
    }
    (!found.is_empty()).then_some(found)
}

/// The version that libc says in its own text.
pub(super) fn version(process: &Process) -> Option<String> {
    const MARK: &[u8] = b"stable release version ";
    let named = |map: &&Mapping| map.path.contains("/libc.so.6") || map.path.contains("/libc-2.");
    // On arm64 constants and code are one mapping.
    let text = process
        .maps
        .iter()
        .filter(named)
        .filter(|map| map.mode.starts_with("r-"));
    for map in text {
        let mut at = map.start;
        while at < map.end {
            let window = Window::of(process, at, map.end).ok()?;
            if let Some(found) = memchr::memmem::find(window.bytes(), MARK) {
                let rest = window.bytes().get(found + MARK.len()..)?;
                let digits = rest
                    .iter()
                    .take_while(|byte| byte.is_ascii_digit() || **byte == b'.');
                let version: String = digits.take(8).map(|byte| char::from(*byte)).collect();
                return Some(version.trim_end_matches('.').to_owned());
            }
            at = window.end().max(at + 1);
        }
    }
    None
}

/// How many arenas the mappings show, where no memory can be read: each but the main one has heaps that begin at multiples of 64 MiB,
/// and keeps the rest of them closed.
pub(in crate::inspect) fn by_mappings(process: &Process) -> usize {
    const HEAP: u64 = 64 << 20;
    let pairs = process.maps.iter().zip(process.maps.iter().skip(1));
    let mut found = 1;
    for (open, shut) in pairs {
        let is_heap =
            open.is_anonymous() && open.start.is_multiple_of(HEAP) && shut.start == open.end;
        let rest = shut.mode.starts_with("---") && shut.end.is_multiple_of(HEAP);
        found += usize::from(is_heap && rest);
    }
    found
}

/// All arenas, the main one first.
pub(super) fn find(process: &Process, libc: &[Mapping]) -> Result<Vec<Arena>, String> {
    for turn in 0..TRIES {
        if turn > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        if let Some(found) = look(process, libc) {
            return Ok(found);
        }
    }
    Err(
        "the arenas of its glibc were not found: it has not allocated anything yet, it brings a malloc of its own, or this glibc has a new layout"
            .into(),
    )
}

fn look(process: &Process, libc: &[Mapping]) -> Option<Vec<Arena>> {
    libc.iter().find_map(|map| {
        let window = Window::of(process, map.start, map.end).ok()?;
        let mut places = (window.start()..window.end()).step_by(8);
        places.find_map(|address| {
            layouts::arenas().iter().find_map(|layout| {
                let bytes = usize::try_from(address - window.start()).ok()?;
                let bytes = window.bytes().get(bytes..)?;
                let main = read(process, bytes, address, layout)?;
                ring(process, main)
            })
        })
    })
}

/// The arena at an address, where its bytes look like one.
fn read(
    process: &Process,
    bytes: &[u8],
    address: u64,
    layout: &'static ArenaLayout,
) -> Option<Arena> {
    let field = |offset: u64| word(bytes, usize::try_from(offset).ok()?);
    let (system, most) = (field(layout.system_mem)?, field(layout.max_system_mem)?);
    let top = field(layout.top)?;
    if system == 0 || system > most || system % memory::PAGE != 0 || top % 16 != 0 {
        return None;
    }
    let mut broken = 0;
    for bin in 0..BINS {
        let at = layout.bins + bin * 16;
        let (forward, back) = (field(at)?, field(at + 8)?);
        let head = address + at - 16;
        let empty = forward == head && back == head;
        let linked = |link: u64| link > memory::PAGE && link.is_multiple_of(16);
        if !(empty || linked(forward) && linked(back)) {
            broken += 1;
        }
    }
    // The heap may have grown since the mappings were listed.
    let there = process.mapping(top).is_some()
        || process
            .maps
            .iter()
            .any(|map| map.path == "[heap]" && map.end <= top && top < map.end + (1 << 30));
    let flags = half(bytes, usize::try_from(layout.flags).ok()?)?;
    (broken <= BROKEN && there).then_some(Arena {
        address,
        is_main: false,
        layout,
        top,
        system,
        is_scattered: flags & 2 != 0,
        next: field(layout.next)?,
    })
}

/// All arenas from the first one on; nothing where the ring does not come back to that very address.
fn ring(process: &Process, main: Arena) -> Option<Vec<Arena>> {
    let first = main.address;
    let mut seen = BTreeSet::from([first]);
    let (mut next, layout) = (main.next, main.layout);
    let mut found = vec![Arena {
        is_main: true,
        ..main
    }];
    while next != first {
        if found.len() > MOST || !seen.insert(next) {
            return None;
        }
        let bytes = memory::read(process, next, usize::try_from(layout.size).ok()?)?;
        let arena = read(process, &bytes, next, layout)?;
        next = arena.next;
        found.push(arena);
    }
    Some(found)
}
