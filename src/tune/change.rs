//! The memory of processes whose answers are timed. To read the proportional set size of a process (`smaps_rollup`) keeps it
//! from mapping memory for as long as that takes, which its slowest answers would show. So it is read once, and from then on how
//! much more or less a process has that is no file's (`status`), for which nobody waits.
//!
//! What that misses is how processes share: a worker that writes to a page of its parent gets a copy, and neither has
//! more than before. When the load is over the proportional set size is read again, and what is missing by then is taken
//! to have come evenly.

use std::collections::BTreeMap;
use std::io;

use super::procfs;

/// What each process had when it was first seen under this load.
#[derive(Debug, Default)]
pub(super) struct Change(BTreeMap<u32, Base>);

#[derive(Clone, Copy, Debug)]
struct Base {
    /// Its proportional set size.
    pss: u64,
    /// What it had then that is no file's.
    resident: u64,
}

impl Change {
    /// The memory of a process, in bytes.
    pub(super) fn memory(&mut self, pid: u32) -> io::Result<Option<u64>> {
        let Some(base) = self.0.get(&pid) else {
            let (pss, resident) = (procfs::pss(pid)?, procfs::resident(pid)?);
            if let (Some(pss), Some(resident)) = (pss, resident) {
                self.0.insert(pid, Base { pss, resident });
            }
            return Ok(pss);
        };
        let now = procfs::resident(pid)?;
        Ok(now.map(|now| (base.pss + now).saturating_sub(base.resident)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What this very process has: at first as it is, then as much more as it took.
    #[test]
    fn more_is_seen() {
        let mut change = Change::default();
        let own = std::process::id();
        let before = change.memory(own).unwrap().unwrap();
        let taken = vec![1_u8; 64 << 20];
        let after = change.memory(own).unwrap().unwrap();
        // Other tests take and give back memory meanwhile.
        assert!(
            after > before + (32 << 20),
            "{before} {after} {}",
            taken.len()
        );
    }
}
