//! `struct malloc_par`: the parameters of glibc's malloc that are in force, whatever the environment says.

use serde::{Deserialize, Serialize};

use crate::facts::layouts::{self, ParLayout};
use crate::inspect::memory::{Window, half, word};
use crate::inspect::process::{Mapping, Process};

/// What is in force: sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::inspect) struct Parameters {
    /// 0 = as many as eight a core.
    pub(in crate::inspect) arena_max: u64,
    pub(in crate::inspect) mmap_threshold: u64,
    pub(in crate::inspect) trim_threshold: u64,
    pub(in crate::inspect) top_pad: u64,
    /// Both thresholds grow with what is freed.
    pub(in crate::inspect) is_drifting: bool,
    /// Blocks that were mapped by themselves, and how much that is.
    pub(in crate::inspect) mapped: u32,
    pub(in crate::inspect) mapped_bytes: u64,
    /// So many blocks of a size a thread's cache takes.
    pub(in crate::inspect) cache_slots: u64,
    /// Where heaps are made for huge pages: their size. The end of the main one is given back in multiples of it.
    pub(in crate::inspect) huge_page: Option<u64>,
}

/// How many blocks may be mapped by themselves where nobody says otherwise.
const MMAPS: u32 = 65_536;

/// Finds them beside the address at which the heap begins; `version` is libc's, as far as it is known.
pub(super) fn find(
    process: &Process,
    libc: &[Mapping],
    version: Option<&str>,
) -> Option<Parameters> {
    let is_certain = layouts::parameters(version).len() == 1;
    let mut heaps = process.maps.iter().filter(|map| map.path == "[heap]");
    let heap = heaps.next()?.start;
    libc.iter().find_map(|map| {
        let window = Window::of(process, map.start, map.end).ok()?;
        let bytes = window.bytes();
        let mut places = (0..bytes.len()).step_by(8);
        places.find_map(|at| {
            let anchor = word(bytes, at) == Some(heap);
            let layouts = layouts::parameters(version).iter().filter(|_| anchor);
            let mut read = layouts.filter_map(|layout| read(bytes, at, layout, is_certain));
            read.next()
        })
    })
}

fn read(bytes: &[u8], anchor: usize, layout: &ParLayout, is_certain: bool) -> Option<Parameters> {
    let place = |offset: i64| {
        let at = i64::try_from(anchor).ok()?.checked_add(offset)?;
        usize::try_from(at).ok()
    };
    let size = |offset: i64| word(bytes, place(offset)?);
    let number = |offset: i64| half(bytes, place(offset)?);
    let found = Parameters {
        arena_max: size(layout.arena_max)?,
        mmap_threshold: size(layout.mmap_threshold)?,
        trim_threshold: size(layout.trim_threshold)?,
        top_pad: size(layout.top_pad)?,
        is_drifting: number(layout.no_dyn_threshold)? == 0,
        mapped: number(layout.n_mmaps)?,
        mapped_bytes: size(-16)?,
        cache_slots: size(24)?,
        huge_page: layout
            .thp_pagesize
            .and_then(size)
            .filter(|size| size.is_power_of_two() && *size < 1 << 40),
    };
    // Without a version one decides that is seldom changed, and what is plausible around it.
    let plausible = (is_certain || number(layout.n_mmaps_max)? == MMAPS)
        && number(layout.no_dyn_threshold)? <= 1
        && found.mapped_bytes < 1 << 46
        && found.arena_max < 1 << 20
        && found.cache_slots <= 1 << 16;
    plausible.then_some(found)
}
