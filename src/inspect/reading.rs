//! A process is read as its own user: root without the capability to trace others becomes that user for it, in a process of its own.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

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
            account_as_other(pid)
                .unwrap_or_else(|| Account::closed(pid, status, &process::command(pid), &why))
        }
        // Its mappings may be readable where its memory is not.
        Ok(account) if account.shut.is_some() => account_as_other(pid).unwrap_or(account),
        other => other?,
    };
    account.verdict = judge::of(&account);
    Ok(account)
}

/// What is known of a process as it was recorded, if that is one.
pub(crate) fn recorded(bytes: &[u8]) -> Option<Account> {
    let process = Process::recorded(bytes)?;
    let mut account = account::of(&process);
    account.verdict = judge::of(&account);
    Some(account)
}

/// Whether a process runs Python, by what is mapped into it.
pub(super) fn is_python(pid: u32) -> bool {
    match runs_python(pid) {
        Ok(found) => found,
        Err(Unread::Forbidden(..)) => {
            as_other(pid, Asked::WhetherPython).is_some_and(|told| told == YES)
        }
        Err(_) => false,
    }
}

fn runs_python(pid: u32) -> Result<bool, Unread> {
    Process::open(pid).map(|process| interpreter::python(&process).is_some())
}

/// What another user's reader is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Account,
    WhetherPython,
}

/// What it says to the latter, where it is so.
const YES: &[u8] = b"yes";

fn account_as_other(pid: u32) -> Option<Account> {
    serde_json::from_slice(&as_other(pid, Asked::Account)?).ok()
}

/// Asks about a process of another user as that user, which root may become.
fn as_other(pid: u32, asked: Asked) -> Option<Vec<u8>> {
    let status = process::status(pid).ok()?;
    if !rustix::process::geteuid().is_root() || status.uid == 0 {
        return None;
    }
    let mut child = Command::new("/proc/self/exe")
        .args(["inspect-reading", &pid.to_string()])
        .args((asked == Asked::WhetherPython).then_some("--whether-python"))
        .env_clear()
        .current_dir("/")
        .uid(status.uid)
        .gid(status.gid)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let told = child.stdout.take().and_then(in_time);
    // That user may have stopped it.
    let _ = child.kill();
    let _ = child.wait();
    told
}

/// What a reader says, unless it takes too long over it, or says too much: it belongs to that user.
fn in_time(stdout: ChildStdout) -> Option<Vec<u8>> {
    const LONGEST: Duration = Duration::from_secs(60);
    const MOST: u64 = 64 << 20;
    let (give, take) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.take(MOST).read_to_end(&mut bytes);
        // Nobody may be waiting any more.
        let _ = give.send(read.ok().map(|_| bytes));
    });
    take.recv_timeout(LONGEST).ok()?
}

/// What such a reader says, for the one that asked: the account, or whether it is Python.
///
/// # Errors
/// Where it cannot be written.
pub(crate) fn tell(pid: u32, whether_python: bool, out: &mut dyn io::Write) -> io::Result<bool> {
    if whether_python {
        let found = runs_python(pid).unwrap_or(false);
        out.write_all(if found { YES } else { b"no" })?;
        return Ok(true);
    }
    let Ok(account) = account::read(pid) else {
        return Ok(false);
    };
    serde_json::to_writer(&mut *out, &account)?;
    Ok(true)
}
