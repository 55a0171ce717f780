//! Which processes are looked at.

use std::fs;
use std::path::PathBuf;

use super::process::{self, Unread};
use super::reading;

/// The processes below some, and those themselves.
pub(crate) fn with_descendants(pids: &[u32]) -> Vec<u32> {
    let children = process::children();
    let mut found: Vec<u32> = Vec::new();
    let mut open: Vec<u32> = pids.iter().rev().copied().collect();
    while let Some(pid) = open.pop() {
        if !found.contains(&pid) {
            found.push(pid);
            open.extend(children.get(&pid).into_iter().flatten().rev());
        }
    }
    found
}

/// The processes that run Python and may be read.
pub(crate) fn pythons() -> Vec<u32> {
    let own = std::process::id();
    let all = process::all().into_iter().filter(|pid| *pid != own);
    all.filter(|pid| reading::is_python(*pid)).collect()
}

/// Those of them in the PID namespace of a process.
///
/// # Errors
/// Where that cannot be told.
pub(crate) fn of_container(pid: Option<u32>) -> Result<Vec<u32>, Unread> {
    let wanted = match pid {
        Some(pid) => {
            process::status(pid)?;
            namespace(&pid.to_string()).ok_or(Unread::Shut(pid))?
        }
        None => namespace("self").unwrap_or_default(),
    };
    let is_in = |pid: &u32| namespace(&pid.to_string()).as_ref() == Some(&wanted);
    Ok(pythons().into_iter().filter(is_in).collect())
}

fn namespace(pid: &str) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/pid")).ok()
}
