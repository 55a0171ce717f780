//! glibc's malloc in a live process: its arenas, what is in use in them, what is free, and the parameters in force.

mod arena;
mod cache;
mod fast;
mod mapped;
mod parameters;
mod segments;
mod walk;

use serde::{Deserialize, Serialize};

use super::map::Strip;
use super::process::Process;
pub(super) use arena::by_mappings as arenas_by_mappings;
pub(super) use parameters::Parameters;
use walk::Budget;
pub(super) use walk::Heap;

/// glibc's malloc in a process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Glibc {
    /// Its version, where libc says it: `2.36`.
    pub(super) version: Option<String>,
    pub(super) parameters: Option<Parameters>,
    /// The heaps of all arenas, the main one first.
    pub(super) heaps: Vec<Heap>,
    /// The same as maps.
    pub(super) strips: Vec<Strip>,
    /// What is in memory of blocks that were mapped by themselves, where all of them were found.
    pub(super) mapped_in_memory: Option<u64>,
    /// Where they lie: nobody else's memory is there.
    pub(super) parts: Vec<(u64, u64)>,
}

impl Glibc {
    /// Reads it.
    ///
    /// # Errors
    /// Why nothing can be said, in a few words.
    pub(super) fn read(process: &Process) -> Result<Self, String> {
        if let Some(why) = &process.shut {
            return Err(why.to_string());
        }
        let libc = arena::data_of_libc(process).ok_or("no glibc is mapped")?;
        let arenas = arena::find(process, &libc)?;
        let version = arena::version(process);
        let parameters = parameters::find(process, &libc, version.as_deref());
        let (mut heaps, mut strips, mut parts) = (Vec::new(), Vec::new(), Vec::new());
        let mut budget = Budget::of(process.status.resident);
        for (number, arena) in arenas.iter().enumerate() {
            let segments = segments::of(process, arena);
            let (heap, strip) = walk::heap(
                process,
                arena,
                parameters.as_ref(),
                number,
                &segments,
                &mut budget,
            );
            heaps.push(heap);
            strips.push(strip);
            parts.extend(segments.iter().map(|part| (part.base, part.end)));
        }
        let wanted = parameters.map_or(0, |found| found.mapped_bytes);
        Ok(Self {
            mapped_in_memory: mapped::in_memory(process, wanted, &parts),
            version,
            heaps,
            strips,
            parts,
            parameters,
        })
    }

    /// How much of the heaps could not be walked, as a share of 1.
    pub(super) fn unwalked(&self) -> f64 {
        let sum = |of: fn(&Heap) -> u64| {
            let all = self.heaps.iter().map(of);
            all.fold(0, u64::saturating_add)
        };
        sum(Heap::missing) as f64 / sum(|heap| heap.system).max(1) as f64
    }
}
