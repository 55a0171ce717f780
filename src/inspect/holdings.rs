//! What several processes hold together, as far as their allocators say it.

use serde::Serialize;

use super::account::Account;

/// Bytes of all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Holdings {
    /// In use.
    pub(crate) live: u64,
    /// Free in the heaps of malloc: between blocks, and at the ends of arenas.
    pub(crate) free_in_heaps: u64,
    /// Of jemalloc's free pages those that wait to decay.
    pub(crate) dirty: u64,
    /// Free in Python's own arenas.
    pub(crate) free_in_python: u64,
}

impl Holdings {
    /// Adds those of a process; `false` where they are not known.
    pub(crate) fn add(&mut self, account: &Account) -> bool {
        let dirty = account
            .jemalloc()
            .map_or(0, |jemalloc| jemalloc.free_resident);
        self.live += account.live();
        self.free_in_heaps += account.free_in_heaps().saturating_sub(dirty);
        self.dirty += dirty;
        self.free_in_python += account.pymalloc.free;
        account.is_known()
    }

    /// All that is free.
    pub(crate) const fn free(&self) -> u64 {
        self.free_in_heaps + self.dirty + self.free_in_python
    }
}
