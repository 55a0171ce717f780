//! What a live process does with its memory: whose malloc it calls, with which parameters, what of it is in use and what is free.
//! Everything is read from `/proc`: nothing is stopped, nothing is written, no code runs in it.

mod account;
mod elf;
mod glibc;
mod jemalloc;
mod judge;
mod memory;
mod process;
mod pymalloc;
mod report;
mod verdict;

pub(crate) use report::{human, json};

use account::Account;
use process::Unread;

/// Looks at a process.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn look(pid: u32) -> Result<Account, Unread> {
    let mut account = account::read(pid)?;
    account.verdict = judge::of(&account);
    Ok(account)
}

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

/// The processes of this namespace that run Python.
pub(crate) fn pythons() -> Vec<u32> {
    let own = std::process::id();
    let all = process::all().into_iter().filter(|pid| *pid != own);
    all.filter(|pid| account::is_python(*pid)).collect()
}
