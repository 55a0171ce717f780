//! Looks at a process tree again and again: memory, CPU time, and which allocator is loaded.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::error::RunError;
use super::proof::Seen;
use super::{procfs, tree};

/// Between two looks, where looking is cheap.
pub(super) const INTERVAL: Duration = Duration::from_millis(50);
/// Looking takes at most this part of the time: a server with many large processes is looked at
/// less often.
const SHARE: u32 = 10;
/// A process whose libraries were seen is looked at again after so many looks: it may start
/// another program.
const AGAIN: usize = 20;
/// A process that cannot be read so many times in a row belongs to somebody else.
const REFUSED: usize = 3;

/// The tree at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    /// Since the command was started.
    pub at: Duration,
    /// The proportional set size of all processes, in bytes.
    pub memory: u64,
    /// How many processes there are.
    pub processes: usize,
    /// The CPU time of all processes that ever were in the tree, in clock ticks.
    pub ticks: u64,
}

/// What is known of a tree.
pub(super) struct Sampler {
    root: u32,
    start: Instant,
    looks: usize,
    refused: BTreeMap<u32, usize>,
    /// Every process that was seen.
    pub(super) seen: BTreeMap<u32, Seen>,
    /// What was measured.
    pub(super) samples: Vec<Sample>,
}

impl Sampler {
    /// Watches what is below `root`.
    pub(super) fn new(root: u32, start: Instant) -> Self {
        Self {
            root,
            start,
            looks: 0,
            refused: BTreeMap::new(),
            seen: BTreeMap::new(),
            samples: Vec::new(),
        }
    }

    /// Looks once. Returns how long to wait until the next time.
    pub(super) fn look(&mut self) -> Result<Duration, RunError> {
        let (began, spent) = (Instant::now(), processor_time());
        let mut sample = Sample {
            at: self.start.elapsed(),
            memory: 0,
            processes: 0,
            ticks: procfs::stat(self.root).map_or(0, |stat| stat.children),
        };
        for pid in tree::descendants(self.root) {
            let Ok(stat) = procfs::stat(pid) else {
                continue;
            };
            sample.ticks += stat.own + stat.children;
            let Some(memory) = self.memory(pid, &stat.comm)? else {
                continue;
            };
            sample.memory += memory;
            sample.processes += 1;
            self.libraries(pid, &stat.comm, memory);
        }
        self.looks += 1;
        if sample.processes > 0 {
            self.samples.push(sample);
        }
        let took = began.elapsed();
        // In its first moments a short command is looked at more often, so that it is seen at all.
        let interval = if self.looks <= AGAIN {
            INTERVAL / 10
        } else {
            INTERVAL
        };
        // On a busy machine a look may wait long for its turn: only what it costs makes the next one wait.
        let cost = processor_time().saturating_sub(spent);
        Ok(interval.saturating_sub(took).max(cost * SHARE))
    }

    fn memory(&mut self, pid: u32, comm: &str) -> Result<Option<u64>, RunError> {
        match procfs::pss(pid) {
            Ok(memory) => {
                self.refused.remove(&pid);
                Ok(memory)
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let times = self.refused.entry(pid).or_default();
                *times += 1;
                if *times < REFUSED {
                    return Ok(None);
                }
                Err(RunError::Unreadable {
                    pid,
                    comm: comm.to_owned(),
                })
            }
            // It has ended in the meantime.
            Err(_) => Ok(None),
        }
    }

    fn libraries(&mut self, pid: u32, comm: &str, memory: u64) {
        let seen = self.seen.entry(pid).or_default();
        if seen.comm != comm {
            // It has become another program: what was mapped before says nothing, and the first look at
            // the new one may come before its libraries do.
            seen.looks = 0;
        }
        let due = seen.looks < AGAIN || self.looks.is_multiple_of(AGAIN);
        if due && let Ok(maps) = procfs::maps(pid) {
            seen.looks += 1;
            seen.maps = maps;
        }
        comm.clone_into(&mut seen.comm);
        seen.peak = seen.peak.max(memory);
    }
}

/// What this thread has used of a processor.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
