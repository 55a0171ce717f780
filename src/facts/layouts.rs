//! How allocators lay out their state in memory (`layouts.toml`).

use serde::Deserialize;

use super::data::Table;

/// `struct malloc_state` of some versions of glibc: offsets in bytes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArenaLayout {
    /// The versions.
    #[expect(dead_code, reason = "for the reader")]
    glibc: String,
    pub flags: u64,
    /// The fast bins, where there are some.
    pub fast: Option<u64>,
    pub top: u64,
    pub bins: u64,
    pub next: u64,
    pub system_mem: u64,
    pub max_system_mem: u64,
    pub size: u64,
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "tests demand that every fact says where it was read"
        )
    )]
    source: String,
}

/// `struct malloc_par`, from `sbrk_base` on: offsets in bytes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParLayout {
    /// The first version: `2.35`.
    glibc: String,
    pub n_mmaps: i64,
    pub n_mmaps_max: i64,
    pub no_dyn_threshold: i64,
    pub arena_max: i64,
    pub mmap_threshold: i64,
    pub top_pad: i64,
    pub trim_threshold: i64,
    /// Where huge pages can be asked for.
    pub thp_pagesize: Option<i64>,
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "tests demand that every fact says where it was read"
        )
    )]
    source: String,
}

/// The cache that each thread has.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CacheLayout {
    /// The versions.
    #[expect(dead_code, reason = "for the reader")]
    glibc: String,
    /// The size of its chunk, in bytes.
    pub chunk: u64,
    /// How many bins it has: a count of two bytes, and a link, for each.
    pub bins: u64,
    /// Where the links begin.
    pub entries: u64,
    /// What is counted: the blocks that it holds, or the slots that are left.
    pub counts: Counts,
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "tests demand that every fact says where it was read"
        )
    )]
    source: String,
}

/// What the counts of a cache are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Counts {
    /// Blocks.
    Used,
    /// Slots.
    Left,
}

/// The arenas of pymalloc, from a version of Python on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PoolLayout {
    /// That version, `3.10`.
    pub python: String,
    /// The size of a pool, in bytes.
    pub pool: u64,
    /// What is mapped at once, in bytes.
    pub arena: u64,
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "tests demand that every fact says where it was read"
        )
    )]
    source: String,
}

/// jemalloc's tree of pages: levels from the root on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TreeLayout {
    /// How many bits of an address each level takes.
    pub bits: Vec<u32>,
    /// How many bits lie below them.
    pub shifts: Vec<u32>,
    /// The size of the last level's elements, in bytes.
    pub element: u64,
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "tests demand that every fact says where it was read"
        )
    )]
    source: String,
}

/// Fields of the first word of an extent of jemalloc: the lowest bit, and how many.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExtentLayout {
    /// The version.
    pub jemalloc: String,
    /// The bit of an extent that holds many blocks of a size.
    pub arena: (u32, u32),
    pub slab: u32,
    pub state: (u32, u32),
    pub class: (u32, u32),
    /// How many blocks are free: the lowest bit.
    pub free: u32,
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "tests demand that every fact says where it was read"
        )
    )]
    source: String,
}

impl ExtentLayout {
    /// Where it says how many blocks are free. No page, of so many bytes, has more blocks than of 8 bytes (`LG_SLAB_MAXREGS`).
    pub(crate) const fn free(&self, page: u64) -> (u32, u32) {
        (self.free, page.ilog2() - 2)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    malloc_state: Vec<ArenaLayout>,
    malloc_par: Vec<ParLayout>,
    tcache: Vec<CacheLayout>,
    pymalloc: Vec<PoolLayout>,
    rtree: Vec<TreeLayout>,
    extent: Vec<ExtentLayout>,
}

static FILE: Table<File> = Table::new(include_str!("layouts.toml"));

/// All layouts of an arena, the oldest first.
pub(crate) fn arenas() -> &'static [ArenaLayout] {
    &FILE.get().malloc_state
}

/// The layout of the parameters in a glibc of that version; all of them where it is not known.
pub(crate) fn parameters(version: Option<&str>) -> &'static [ParLayout] {
    let all = &FILE.get().malloc_par;
    let since = |layout: &ParLayout| numbers(&layout.glibc) <= version.and_then(numbers);
    let own = version.and_then(|_| all.iter().rposition(since));
    own.and_then(|index| all.get(index..=index)).unwrap_or(all)
}

/// `2.36` as numbers.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let (major, rest) = version.split_once('.')?;
    let minor = rest.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// All layouts of a thread's cache.
pub(crate) fn caches() -> &'static [CacheLayout] {
    &FILE.get().tcache
}

/// All layouts of jemalloc's tree of pages.
pub(crate) fn trees() -> &'static [TreeLayout] {
    &FILE.get().rtree
}

/// All layouts of jemalloc's extents, the newest first.
pub(crate) fn extents() -> &'static [ExtentLayout] {
    &FILE.get().extent
}

/// All layouts of pymalloc.
pub(crate) fn pools() -> &'static [PoolLayout] {
    &FILE.get().pymalloc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_says_where_it_was_read() {
        FILE.check().unwrap();
        let file = FILE.get();
        assert!(file.malloc_state.iter().all(|one| !one.source.is_empty()));
        assert!(file.malloc_par.iter().all(|one| !one.source.is_empty()));
        assert!(file.tcache.iter().all(|one| !one.source.is_empty()));
        assert!(file.pymalloc.iter().all(|one| !one.source.is_empty()));
        assert!(file.rtree.iter().all(|one| !one.source.is_empty()));
        assert!(file.extent.iter().all(|one| !one.source.is_empty()));
        assert_eq!((arenas().len(), parameters(None).len()), (2, 3));
    }

    #[test]
    fn parameters_are_those_of_the_version() {
        let first = |version| match parameters(Some(version)) {
            [layout] => layout.glibc.as_str(),
            _ => "",
        };
        let versions = ["2.31", "2.34", "2.35", "2.42", "2.43", "2.50"];
        assert_eq!(
            versions.map(first),
            ["2.27", "2.27", "2.35", "2.35", "2.43", "2.43"]
        );
        assert_eq!(parameters(Some("strange")).len(), 3);
    }
}
