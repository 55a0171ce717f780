//! The processes below one, and the end of them.
//!
//! A tree is what descends from a subreaper: children, forked workers, and those whose own parent
//! has gone. No process can leave it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::procfs;

/// Between two looks at what is left.
const PAUSE: Duration = Duration::from_millis(5);

/// Where a tree begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    /// Below a keeper, which is none of it.
    Below(u32),
    /// At the first process of a container.
    At(u32),
}

impl Root {
    /// All processes, parents before children.
    pub(super) fn processes(self) -> Vec<u32> {
        match self {
            Self::Below(pid) => descendants(pid),
            Self::At(pid) => [pid].into_iter().chain(descendants(pid)).collect(),
        }
    }

    /// Those that no other one of the tree has started.
    pub(super) fn first(self) -> Vec<u32> {
        match self {
            Self::Below(pid) => children(pid),
            Self::At(pid) => vec![pid],
        }
    }

    /// The CPU time of those that have gone and were waited for, in clock ticks: of a container its first process counts it.
    pub(super) fn gone(self) -> u64 {
        match self {
            Self::Below(pid) => procfs::stat(pid).map_or(0, |stat| stat.children),
            Self::At(_) => 0,
        }
    }
}

/// All processes below `root`, parents before children.
pub(super) fn descendants(root: u32) -> Vec<u32> {
    let children: &dyn Fn(u32) -> Vec<u32> = if has_lists() {
        &listed
    } else {
        let all = by_parent();
        return walk(root, &|pid| all.get(&pid).cloned().unwrap_or_default());
    };
    walk(root, children)
}

fn walk(root: u32, children: &dyn Fn(u32) -> Vec<u32>) -> Vec<u32> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::from([root]);
    let mut open = std::collections::VecDeque::from([root]);
    while let Some(pid) = open.pop_front() {
        for child in children(pid) {
            if seen.insert(child) {
                found.push(child);
                open.push_back(child);
            }
        }
    }
    found
}

/// The children of a process.
pub(super) fn children(pid: u32) -> Vec<u32> {
    if has_lists() {
        return listed(pid);
    }
    by_parent().remove(&pid).unwrap_or_default()
}

/// Whether this kernel keeps lists of children; most do.
fn has_lists() -> bool {
    fs::metadata("/proc/thread-self/children").is_ok()
}

/// The children of all threads of a process.
fn listed(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for thread in threads.flatten() {
        let text = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        found.extend(
            text.split_ascii_whitespace()
                .filter_map(|pid| pid.parse::<u32>().ok()),
        );
    }
    found
}

/// Every process of the system by its parent.
fn by_parent() -> BTreeMap<u32, Vec<u32>> {
    let mut all: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    for pid in pids {
        if let Ok(stat) = procfs::stat(pid) {
            all.entry(stat.parent).or_default().push(pid);
        }
    }
    all
}

/// Sends a signal; a process that has gone is no error.
pub(super) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Kills everything below `root` but `spared` and what is below them, again and again until nothing is left or the time
/// is up: a process may start others while it is being killed. Returns what is left.
pub(super) fn kill_below(root: u32, spared: &[u32], limit: Duration) -> Vec<u32> {
    let start = Instant::now();
    loop {
        let below = |pid: &u32| descendants(*pid);
        let kept: BTreeSet<u32> = spared
            .iter()
            .flat_map(below)
            .chain(spared.iter().copied())
            .collect();
        let alive: Vec<u32> = descendants(root)
            .into_iter()
            .filter(|pid| !kept.contains(pid) && is_alive(*pid))
            .collect();
        if alive.is_empty() || start.elapsed() > limit {
            return alive;
        }
        for pid in alive {
            signal(pid, Signal::KILL);
        }
        thread::sleep(PAUSE);
    }
}

/// Whether it still does something; what waits to be waited for does not.
pub(super) fn is_alive(pid: u32) -> bool {
    procfs::stat(pid).is_ok_and(|stat| !matches!(stat.state, 'Z' | 'X'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_walked_once_and_parents_come_first() {
        let children = |pid| match pid {
            1 => vec![2, 3],
            2 => vec![4],
            4 => vec![1, 2],
            _ => vec![],
        };
        assert_eq!(walk(1, &children), [2, 3, 4]);
        assert!(walk(9, &children).is_empty());
    }

    #[test]
    fn a_container_begins_with_its_first_process() {
        let own = std::process::id();
        assert_eq!(Root::At(own).first(), [own]);
        assert_eq!(Root::At(own).processes().first(), Some(&own));
        assert!(!Root::Below(own).processes().contains(&own));
    }

    #[test]
    fn both_ways_of_finding_children_agree() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let own = std::process::id();
        let all = by_parent();
        assert!(all[&own].contains(&child.id()));
        assert!(descendants(own).contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
