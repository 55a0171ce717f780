//! A command under its keeper, seen from here: start it, hear of it, end it.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::error::{Ending, RunError, Tail};
use super::keeper::{self, END, Event, KILL, Kept};
use super::output::{self, Output, Wanted};
use super::{procfs, tree};

/// The hidden command that makes this program a keeper.
pub(super) const KEEPER: &str = "tune-keeper";

/// How long a keeper may take to end everything; it gives up earlier by itself.
const LIMIT: Duration = Duration::from_secs(20);

/// A running command.
pub(super) struct Running {
    keeper: Child,
    control: UnixStream,
    events: Receiver<Event>,
    output: Arc<Mutex<Output>>,
    readers: Vec<JoinHandle<()>>,
    ending: Option<Ending>,
    gone: bool,
    /// Not below a keeper, and nothing that may be ended here.
    others: Vec<u32>,
    /// What a keeper that was killed has not done.
    cleanup: Vec<OsString>,
}

impl Running {
    /// Starts a command.
    pub(super) fn start(kept: &Kept, wanted: &Wanted, others: &[u32]) -> Result<Self, RunError> {
        let (control, theirs) = UnixStream::pair().map_err(|error| system(&error))?;
        let mut keeper = command(kept)?;
        keeper.stdin(Stdio::from(OwnedFd::from(theirs)));
        let mut keeper = keeper.spawn().map_err(|error| system(&error))?;
        let output = Arc::new(Mutex::new(Output::default()));
        let mut readers = Vec::new();
        if let Some(stdout) = keeper.stdout.take() {
            readers.push(reader(stdout, wanted.clone(), Arc::clone(&output)));
        }
        if let Some(stderr) = keeper.stderr.take() {
            readers.push(reader(stderr, wanted.clone(), Arc::clone(&output)));
        }
        let (send, events) = channel();
        let lines = control.try_clone().map_err(|error| system(&error))?;
        readers.push(thread::spawn(move || {
            let lines = BufReader::new(lines).lines().map_while(Result::ok);
            for event in lines.filter_map(|line| Event::parse(&line)) {
                if send.send(event).is_err() {
                    return;
                }
            }
        }));
        let mut running = Self {
            keeper,
            control,
            events,
            output,
            readers,
            ending: None,
            gone: false,
            others: others.to_vec(),
            cleanup: kept.cleanup.clone(),
        };
        match running.events.recv() {
            Ok(Event::Started(_)) => Ok(running),
            Ok(Event::Failed(reason)) => {
                running.gone = true;
                let program = kept.command.first().map(|name| name.to_string_lossy());
                Err(RunError::Start {
                    program: program.unwrap_or_default().into_owned(),
                    reason,
                })
            }
            _ => Err(RunError::System(format!(
                "the process that keeps the command did not start{}",
                running.tail()
            ))),
        }
    }

    /// The process below which everything runs.
    pub(super) fn keeper(&self) -> u32 {
        self.keeper.id()
    }

    /// Waits so long, or until the command has ended.
    pub(super) fn wait(&mut self, limit: Duration) -> Option<Ending> {
        let start = Instant::now();
        while self.ending.is_none() {
            let left = limit.saturating_sub(start.elapsed());
            match self.events.recv_timeout(left) {
                Ok(event) => self.hear(&event),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    // Somebody killed the keeper: what it kept has come to this process.
                    self.ending = self.ending.or(Some(Ending::Signal(9)));
                }
            }
        }
        self.ending
    }

    fn hear(&mut self, event: &Event) {
        match event {
            Event::Ended(ending) => self.ending = Some(*ending),
            Event::Gone => self.gone = true,
            Event::Started(_) | Event::Failed(_) => {}
        }
    }

    /// Ends all that is left, in peace or at once, and returns the CPU time of the whole tree, in
    /// clock ticks. `hurry` ends the peace.
    pub(super) fn end(&mut self, at_once: bool, hurry: &dyn Fn() -> bool) -> u64 {
        const LOOK: Duration = Duration::from_millis(100);
        let word = if at_once { KILL } else { END };
        let _ = writeln!(self.control, "{word}");
        let start = Instant::now();
        while !self.gone && start.elapsed() < LIMIT {
            match self.events.recv_timeout(LOOK) {
                Ok(event) => self.hear(&event),
                Err(RecvTimeoutError::Timeout) if hurry() => {
                    tree::kill_below(self.keeper(), &[], LOOK);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        // All have been waited for: their time is that of the keeper's children.
        procfs::stat(self.keeper()).map_or(0, |stat| stat.children)
    }

    pub(super) fn with_output<T>(&self, look: impl FnOnce(&Output) -> T) -> T {
        look(&self.output.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn tail(&self) -> Tail {
        self.with_output(Output::tail)
    }

    /// Ends what a failed command left behind, and reads what it printed.
    pub(super) fn finish_reading(&mut self) {
        self.kill();
        self.finish();
    }

    /// Ends all that is left at once.
    pub(super) fn kill(&mut self) {
        self.end(true, &|| false);
    }

    /// Waits until all that was printed has been read. Only after [`Self::end`].
    pub(super) fn finish(&mut self) {
        let _ = self.control.shutdown(Shutdown::Both);
        let start = Instant::now();
        while start.elapsed() < LIMIT {
            match self.keeper.try_wait() {
                Ok(None) => thread::sleep(Duration::from_millis(1)),
                Ok(Some(_)) | Err(_) => break,
            }
        }
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
        // Without its keeper the tree is below this process, and ended here.
        let stuck =
            !self.gone && !tree::kill_below(std::process::id(), &self.others, LIMIT).is_empty();
        if !self.gone {
            keeper::run(&self.cleanup);
        }
        // What could not be ended may hold the pipe: then nobody waits for its end.
        for reader in self.readers.drain(..) {
            if !stuck {
                let _ = reader.join();
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.gone {
            self.kill();
        }
        self.finish();
    }
}

/// This program, as the keeper of a command. It has a process group of its own: Ctrl-C in a
/// terminal reaches malloclint alone, which then ends everything in order.
fn command(kept: &Kept) -> Result<Command, RunError> {
    let own = std::env::current_exe().map_err(|error| system(&error))?;
    let mut command = Command::new(own);
    command.arg(KEEPER).process_group(0);
    for (name, value) in &kept.set {
        let mut pair = name.clone();
        pair.push("=");
        pair.push(value);
        command.args([OsString::from("--set"), pair]);
    }
    for name in &kept.unset {
        command.args([OsString::from("--unset"), name.clone()]);
        // What jemalloc said of the user's own setting in the keeper would be taken for what it says of the candidate's.
        command.env_remove(name);
    }
    for word in &kept.cleanup {
        let mut option = OsString::from("--cleanup=");
        option.push(word);
        command.arg(option);
    }
    command.arg("--").args(&kept.command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command)
}

fn reader(
    source: impl std::io::Read + Send + 'static,
    wanted: Wanted,
    output: Arc<Mutex<Output>>,
) -> JoinHandle<()> {
    thread::spawn(move || {
        output::read(source, &wanted, |take| {
            take(&mut output.lock().unwrap_or_else(PoisonError::into_inner));
        });
    })
}

fn system(error: &std::io::Error) -> RunError {
    RunError::System(format!("cannot start a process: {error}"))
}
