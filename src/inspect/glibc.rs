//! glibc's malloc in a live process: its arenas, what is in use in them, what is free, and the parameters in force.

mod arena;
mod cache;
mod parameters;
mod walk;

use super::process::Process;
pub(super) use parameters::Parameters;
pub(super) use walk::Heap;

/// glibc's malloc in a process.
#[derive(Debug)]
pub(super) struct Glibc {
    /// Its version, where libc says it: `2.36`.
    pub(super) version: Option<String>,
    pub(super) parameters: Option<Parameters>,
    /// The heaps of all arenas, the main one first.
    pub(super) heaps: Vec<Heap>,
}

impl Glibc {
    /// Reads it.
    ///
    /// # Errors
    /// Why nothing can be said, in a few words.
    pub(super) fn read(process: &Process) -> Result<Self, String> {
        let libc = arena::data_of_libc(process).ok_or("no glibc is mapped")?;
        let arenas = arena::find(process, &libc)?;
        let parameters = parameters::find(process, &libc);
        let slots = parameters.as_ref().map_or(7, |found| found.cache_slots);
        // Where `brk` was in the way, the main arena has parts that nothing leads to.
        if arenas
            .iter()
            .any(|arena| arena.is_main && arena.is_scattered)
        {
            return Err(
                "the main arena of glibc lies in several parts, which cannot all be found".into(),
            );
        }
        let heaps = arenas.iter().map(|arena| walk::heap(process, arena, slots));
        Ok(Self {
            version: arena::version(process),
            heaps: heaps.collect(),
            parameters,
        })
    }

    /// How much of the heaps could not be walked, as a share of 1.
    pub(super) fn unwalked(&self) -> f64 {
        let sum = |of: fn(&Heap) -> u64| self.heaps.iter().map(of).sum::<u64>();
        let missing: u64 = self.heaps.iter().map(Heap::missing).sum();
        missing as f64 / sum(|heap| heap.system).max(1) as f64
    }
}
