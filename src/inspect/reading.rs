//! A process is read as its own user: root without the capability to trace others becomes that user for it, in a process of its own.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use super::account::{self, Account};
use super::interpreter;
use super::judge;
use super::process::{self, Process, Unread};

/// Looks at a process. Where its memory is closed, what anybody may know is told.
///
/// # Errors
/// Why nothing can be told.
pub(crate) fn look(pid: u32) -> Result<Account, Unread> {
    let mut account = match account::read(pid) {
        Err(why @ (Unread::Forbidden(..) | Unread::Shut(_))) => {
            let status = process::status(pid)?;
            as_other(pid)
                .unwrap_or_else(|| Account::closed(pid, status, &process::command(pid), &why))
        }
        other => other?,
    };
    account.verdict = judge::of(&account);
    Ok(account)
}

/// Whether a process runs Python, by what is mapped into it.
pub(super) fn is_python(pid: u32) -> bool {
    match Process::open(pid) {
        Ok(process) => interpreter::python(&process).is_some(),
        Err(Unread::Forbidden(..)) => as_other(pid).is_some_and(|account| account.python.is_some()),
        Err(_) => false,
    }
}

/// Reads a process of another user as that user, which root may become.
fn as_other(pid: u32) -> Option<Account> {
    let status = process::status(pid).ok()?;
    if !rustix::process::geteuid().is_root() || status.uid == 0 {
        return None;
    }
    let output = Command::new("/proc/self/exe")
        .args(["inspect-reading", &pid.to_string()])
        .env_clear()
        .current_dir("/")
        .uid(status.uid)
        .gid(status.gid)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    serde_json::from_slice(&output.stdout).ok()
}

/// What such a process says: the reading, for the one that asked.
///
/// # Errors
/// Where it cannot be written.
pub(crate) fn tell(pid: u32, out: &mut dyn io::Write) -> io::Result<bool> {
    let Ok(account) = account::read(pid) else {
        return Ok(false);
    };
    serde_json::to_writer(&mut *out, &account)?;
    Ok(true)
}
