//! The keeper: a process of this program that starts one command, adopts all that descend from it,
//! and ends them when it is told to, or when the process that started it is gone.
//!
//! It exists because nothing else can promise that no process stays behind: a program that is
//! killed cannot clean up after itself. It speaks over its standard input, a socket: what it says
//! are the lines of [`Event`], what it hears are [`END`] and [`KILL`]; the end of the socket means
//! the latter.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, WaitOptions, getpid, set_child_subreaper, wait};

use super::error::Ending;
use super::tree;

/// The request to end the command, and after some patience all that is left.
pub(super) const END: &str = "end";
/// The request to kill all at once.
pub(super) const KILL: &str = "kill";

/// How long a command may take to end by itself.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How long what it leaves behind may take.
const SHORT_PATIENCE: Duration = Duration::from_millis(300);
/// So often what the command has made is removed, and between two times.
const CLEANINGS: usize = 5;
const BETWEEN: Duration = Duration::from_millis(200);
/// When killing is given up: such a process waits in the kernel, or belongs to somebody else.
const LIMIT: Duration = Duration::from_secs(10);

/// What a keeper says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The command runs.
    Started(u32),
    /// It cannot be started.
    Failed(String),
    /// The command has ended; others may still run.
    Ended(Ending),
    /// Nothing runs any more.
    Gone,
}

impl Event {
    pub(super) fn line(&self) -> String {
        match self {
            Self::Started(pid) => format!("started {pid}"),
            Self::Failed(reason) => format!("failed {}", reason.replace('\n', " ")),
            Self::Ended(Ending::Code(code)) => format!("exited {code}"),
            Self::Ended(Ending::Signal(signal)) => format!("killed {signal}"),
            Self::Gone => "gone".into(),
        }
    }

    pub(super) fn parse(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        Some(match word {
            "started" => Self::Started(rest.parse().ok()?),
            "failed" => Self::Failed(rest.to_owned()),
            "exited" => Self::Ended(Ending::Code(rest.parse().ok()?)),
            "killed" => Self::Ended(Ending::Signal(rest.parse().ok()?)),
            "gone" => Self::Gone,
            _ => return None,
        })
    }
}

/// What a keeper is asked to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Variables that the command gets.
    pub set: Vec<(OsString, OsString)>,
    /// Variables that it does not get.
    pub unset: Vec<OsString>,
    pub command: Vec<OsString>,
    /// What removes all that the command has made beside its processes; run when all of those have ended, however they did. Empty
    /// where there is nothing of that kind.
    pub cleanup: Vec<OsString>,
}

/// Runs a command as its keeper, until it is told to end.
///
/// # Errors
/// Where standard input is not the socket of a malloclint that watches.
pub(crate) fn keep(kept: &Kept) -> io::Result<()> {
    let control = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // A pipe or a terminal is not answered: somebody called this by hand.
    control.peer_addr()?;
    set_child_subreaper(Some(getpid()))?;
    let mut say = control.try_clone()?;
    let Some((program, arguments)) = kept.command.split_first() else {
        return writeln!(say, "{}", Event::Failed("no command".into()).line());
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    for name in &kept.unset {
        command.env_remove(name);
    }
    command.envs(kept.set.iter().map(|(name, value)| (name, value)));
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return writeln!(say, "{}", Event::Failed(error.to_string()).line()),
    };
    writeln!(say, "{}", Event::Started(child.id()).line())?;
    let root = Arc::new(AtomicU32::new(child.id()));
    let gone = Arc::new(AtomicBool::new(false));
    let cleanup = kept.cleanup.clone();
    let cleans = !cleanup.is_empty();
    let ending = {
        let (root, gone) = (Arc::clone(&root), Arc::clone(&gone));
        thread::spawn(move || listen(control, &root, &gone, &cleanup))
    };
    reap(&mut say, &root);
    gone.store(true, Ordering::SeqCst);
    if !cleans {
        // The one that watches may have gone; then the listener knows.
        let _ = writeln!(say, "{}", Event::Gone.line());
    }
    // CPU time is read from this process: it stays until nobody listens.
    let _ = ending.join();
    Ok(())
}

/// Waits for every process of the tree; says when the command itself has ended.
fn reap(say: &mut UnixStream, root: &AtomicU32) {
    while let Ok(found) = wait(WaitOptions::empty()) {
        let Some((pid, status)) = found else { continue };
        if u32::try_from(pid.as_raw_nonzero().get()).ok() != Some(root.load(Ordering::SeqCst)) {
            continue;
        }
        root.store(0, Ordering::SeqCst);
        let ending = match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Ending::Code(code),
            (None, Some(signal)) => Ending::Signal(signal),
            (None, None) => continue,
        };
        let _ = writeln!(say, "{}", Event::Ended(ending).line());
    }
}

/// Ends the tree when that is asked for, or nobody is left who could ask. What the command has made is needed until then: it says
/// why the command has ended.
fn listen(control: UnixStream, root: &AtomicU32, gone: &AtomicBool, cleanup: &[OsString]) {
    let say = control.try_clone();
    let mut is_clean = cleanup.is_empty();
    let mut lines = BufReader::new(control).lines();
    loop {
        match lines.next() {
            Some(Ok(line)) if line == END => end(root, gone),
            Some(Ok(line)) if line == KILL => kill(),
            Some(Ok(_)) => continue,
            Some(Err(_)) | None => {
                kill();
                if !is_clean {
                    clean(cleanup, gone);
                }
                return;
            }
        }
        if !is_clean {
            clean(cleanup, gone);
            is_clean = true;
            if let Ok(mut say) = say.as_ref() {
                let _ = writeln!(say, "{}", Event::Gone.line());
            }
        }
    }
}

/// Removes what the command has made. What it was about to make when it was killed may come a moment later.
fn clean(cleanup: &[OsString], gone: &AtomicBool) {
    wait_for(&|| gone.load(Ordering::SeqCst), LIMIT);
    for _ in 0..CLEANINGS {
        if run(cleanup) {
            return;
        }
        thread::sleep(BETWEEN);
    }
}

/// Runs a command that prints nothing; whether it succeeded, or there is none.
pub(super) fn run(words: &[OsString]) -> bool {
    let Some((program, arguments)) = words.split_first() else {
        return true;
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn kill() {
    tree::kill_below(std::process::id(), &[], LIMIT);
}

/// Asks the command to end, then what it left behind, then kills.
fn end(root: &AtomicU32, gone: &AtomicBool) {
    let pid = root.load(Ordering::SeqCst);
    if pid != 0 {
        tree::signal(pid, Signal::TERM);
        wait_for(&|| root.load(Ordering::SeqCst) == 0, PATIENCE);
    }
    for pid in tree::descendants(std::process::id()) {
        tree::signal(pid, Signal::TERM);
    }
    wait_for(&|| gone.load(Ordering::SeqCst), SHORT_PATIENCE);
    kill();
}

fn wait_for(done: &dyn Fn() -> bool, limit: Duration) {
    let start = Instant::now();
    while !done() && start.elapsed() < limit {
        thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        for event in [
            Event::Started(7),
            Event::Failed("No such file or directory (os error 2)".into()),
            Event::Ended(Ending::Code(3)),
            Event::Ended(Ending::Signal(9)),
            Event::Gone,
        ] {
            assert_eq!(Event::parse(&event.line()), Some(event));
        }
        assert_eq!(Event::parse("started x"), None);
        assert_eq!(Event::parse("hello"), None);
    }
}
