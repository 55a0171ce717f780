//! Looks at a process tree again and again: memory, CPU time, and which allocator is loaded.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::change::Change;
use super::error::RunError;
use super::procfs;
use super::proof::Seen;
use super::tree::Root;

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
    root: Root,
    start: Instant,
    looks: usize,
    refused: BTreeMap<u32, usize>,
    /// While nobody may be kept waiting: how memory is read, and since which sample.
    load: Option<(Change, usize)>,
    /// Every process that was seen.
    pub(super) seen: BTreeMap<u32, Seen>,
    /// What was measured.
    pub(super) samples: Vec<Sample>,
    /// The version of the first C library that was seen, where it says it.
    pub(super) libc: Option<String>,
}

impl Sampler {
    /// Watches a tree.
    pub(super) fn new(root: Root, start: Instant) -> Self {
        Self {
            root,
            start,
            looks: 0,
            refused: BTreeMap::new(),
            load: None,
            seen: BTreeMap::new(),
            samples: Vec::new(),
            libc: None,
        }
    }

    /// The tree that is watched.
    pub(super) const fn root(&self) -> Root {
        self.root
    }

    /// Looks once. Returns how long to wait until the next time.
    pub(super) fn look(&mut self) -> Result<Duration, RunError> {
        let (began, spent) = (Instant::now(), processor_time());
        let mut sample = Sample {
            at: self.start.elapsed(),
            memory: 0,
            processes: 0,
            ticks: self.root.gone(),
        };
        for pid in self.root.processes() {
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

    /// From now on the tree is under load: what is read must keep nobody waiting.
    pub(super) fn load_begins(&mut self) -> Result<(), RunError> {
        self.load = Some((Change::default(), self.samples.len()));
        self.look().map(drop)
    }

    /// From now on nobody is kept waiting. What was read meanwhile is put right by what is read now.
    pub(super) fn load_ends(&mut self) -> Result<(), RunError> {
        self.look()?;
        let until = self.samples.len();
        let Some((_, from)) = self.load.take() else {
            return Ok(());
        };
        self.look()?;
        let (under, after) = self.samples.split_at_mut(until);
        if let (Some(under), Some(after)) = (under.get_mut(from..), after.first()) {
            correct(under, after.memory);
        }
        Ok(())
    }

    /// How much of one processor the tree has used in the last so long; `None` where that is not known yet.
    pub(super) fn busy(&self, last: Duration) -> Option<f64> {
        let now = self.samples.last()?;
        let then = now.at.checked_sub(last)?;
        let before = self.samples.iter().rev().find(|sample| sample.at <= then)?;
        let used = now.ticks.saturating_sub(before.ticks) as f64;
        let per_second = rustix::param::clock_ticks_per_second().max(1) as f64;
        Some(used / per_second / (now.at - before.at).as_secs_f64())
    }

    fn memory(&mut self, pid: u32, comm: &str) -> Result<Option<u64>, RunError> {
        let read = match &mut self.load {
            Some((change, _)) => change.memory(pid),
            None => procfs::pss(pid),
        };
        match read {
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
        // Under load nothing is read again.
        let again = self.load.is_none() && self.looks.is_multiple_of(AGAIN);
        let due = seen.looks < AGAIN || again;
        if due && let Ok(maps) = procfs::maps(pid) {
            seen.looks += 1;
            if self.libc.is_none() {
                self.libc = maps
                    .libc_file()
                    .and_then(|file| procfs::libc_version(pid, file));
            }
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

/// Puts samples right that began exact and should have ended with this memory: what they miss came evenly.
fn correct(samples: &mut [Sample], end: u64) {
    let (Some(first), Some(last)) = (samples.first().copied(), samples.last().copied()) else {
        return;
    };
    let missed = end as f64 - last.memory as f64;
    let whole = last.at.saturating_sub(first.at).as_secs_f64();
    if whole <= 0.0 {
        return;
    }
    for sample in samples {
        let part = sample.at.saturating_sub(first.at).as_secs_f64() / whole;
        sample.memory = (sample.memory as f64 + missed * part).max(0.0) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_came_evenly() {
        let sample = |(at, memory)| Sample {
            at: Duration::from_secs(at),
            memory,
            processes: 1,
            ticks: 0,
        };
        let mut samples = [(10, 1000), (12, 1100), (20, 1000)].map(sample);
        correct(&mut samples, 1500);
        assert_eq!(samples.map(|sample| sample.memory), [1000, 1200, 1500]);
        correct(&mut samples, 0);
        assert_eq!(samples[2].memory, 0);
        let mut one = [sample((10, 1000))];
        correct(&mut one, 500);
        assert_eq!(one[0].memory, 1000);
        correct(&mut [], 500);
    }
}
