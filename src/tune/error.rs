//! What can go wrong, in words for people.

use std::io;
use std::time::Duration;

use super::limit::{BUDGET, Limit};
use crate::load::Problem;

/// Why nothing could be measured at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TuneError {
    /// The options do not fit each other, or one cannot be read.
    #[error("{0}")]
    Options(String),
    /// A library that is asked for is not there.
    #[error("{0}")]
    Library(String),
    /// The command itself cannot be measured.
    #[error("{0}")]
    Baseline(RunError),
    /// Not even the settings that everything is compared with fit into the budget.
    #[error(
        "the budget of {budget} is too short: {left} of it are left after the warm-up, one run takes {run}, and at least {runs} more are needed (`--budget`)"
    )]
    Budget {
        /// What was given.
        budget: String,
        /// What the warm-up left of it.
        left: String,
        /// What one run takes.
        run: String,
        /// How many runs there must be.
        runs: usize,
    },
    /// The system refused something.
    #[error("{what}: {error}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What it said.
        error: io::Error,
    },
}

/// Why a run gave no measurement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RunError {
    /// The program is not there, or may not be started.
    #[error("`{program}` cannot be started: {reason}")]
    Start {
        /// What was to be started.
        program: String,
        /// What the system said.
        reason: String,
    },
    /// It ended in failure, or while it was still needed.
    #[error("{who} ended with {how}{}{tail}", foreground(who, *.how))]
    Ended {
        /// The command, the server or the load.
        who: &'static str,
        /// The exit code or signal.
        how: Ending,
        /// What it printed last.
        tail: Tail,
    },
    /// The load ended in failure.
    #[error("the load ended with {how}{tail}{}", .server.of("the server"))]
    Load {
        /// The exit code or signal.
        how: Ending,
        /// What it printed last.
        tail: Tail,
        /// What the server printed last.
        server: Tail,
    },
    /// It was over before its memory could be seen.
    #[error(
        "the command ended after {} ms: that is too short to measure, give it more work (at least {} ms)",
        .ran.as_millis(), .least.as_millis()
    )]
    TooShort {
        /// How long it ran.
        ran: Duration,
        /// How long it must run.
        least: Duration,
    },
    /// It did not end.
    #[error("{who} did not end within {} ({}){tail}", crate::text::duration::show(.limit.time), .limit.why)]
    Timeout {
        /// The command or the load.
        who: &'static str,
        limit: Limit,
        /// What it printed last.
        tail: Tail,
    },
    /// A server that does not answer.
    #[error("the server was not ready within {} ({}): {check}{tail}", crate::text::duration::show(.limit.time), .limit.why)]
    NotReady {
        limit: Limit,
        /// What was waited for.
        check: String,
        /// What it printed last.
        tail: Tail,
    },
    /// Something answered before the server was started.
    #[error("{0} before the server is started: something else runs there")]
    AlreadyReady(String),
    /// Something else listens where the server should.
    #[error("port {port} is in use{}: end what listens there, or start the server on another port", by(.holder.as_ref()))]
    PortInUse {
        port: u16,
        /// The process that listens there, and its name, where that can be told.
        holder: Option<(u32, String)>,
    },
    /// The server is there, and no request gets to it.
    #[error("{why}{tail}")]
    Unreachable {
        /// Why, and what to do.
        why: String,
        /// What it printed last.
        tail: Tail,
    },
    /// The kernel ended processes of a container.
    #[error(
        "the container ran out of memory{}: give it more (`-- --memory=...`), or fewer requests at once (`--connections`){tail}",
        of(*.limit)
    )]
    OutOfMemory {
        /// How much it may take, in bytes.
        limit: Option<u64>,
        /// What it printed last.
        tail: Tail,
    },
    /// The engine starts no container.
    #[error("the engine does not start the container{tail}")]
    NoContainer {
        /// What it printed last.
        tail: Tail,
    },
    /// Its answers are no figures.
    #[error("{problem}{}{}", no_server(*.sure), .tail.of("the server"))]
    Requests {
        problem: Problem,
        /// Whether it is known that the command is a server.
        sure: bool,
        /// What the server printed last.
        tail: Tail,
    },
    /// The memory of a process may not be read.
    #[error(
        "no permission to read the memory of process {pid} (`{comm}`) in /proc/{pid}/smaps_rollup: it runs as another user, so run malloclint as root"
    )]
    Unreadable {
        /// The process.
        pid: u32,
        /// Its name.
        comm: String,
    },
    /// The allocator is not what was to be measured.
    #[error("{0}")]
    Proof(String),
    /// The user's own figure is not in the output.
    #[error("the pattern of `--metric` matches nothing in the output of {who}{tail}")]
    Metric {
        /// The command or the load.
        who: &'static str,
        /// What it printed last.
        tail: Tail,
    },
    /// It is there, and is no number.
    #[error(
        "`{0}`, which the pattern of `--metric` finds, is no number: put parentheses around its digits"
    )]
    NoNumber(String),
    /// It was over before anybody looked at it.
    #[error("no process was seen long enough to tell which allocator it uses")]
    Unseen,
    /// The watched tree could not be handled.
    #[error("{0}")]
    System(String),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

/// The memory that a container may take.
fn of(limit: Option<u64>) -> String {
    limit.map_or_else(String::new, |limit| {
        format!(" (it may take {} MiB)", limit >> 20)
    })
}

/// Who listens on a port.
fn by(holder: Option<&(u32, String)>) -> String {
    holder.map_or_else(String::new, |(pid, comm)| {
        format!(" by `{comm}` (process {pid})")
    })
}

/// What was only taken for a server.
const fn no_server(sure: bool) -> &'static str {
    if sure {
        return "";
    }
    "; if the command ends by itself, say `--batch`"
}

/// A server that goes into the background is not seen to run.
fn foreground(who: &str, how: Ending) -> &'static str {
    if who == "the server" && how == Ending::Code(0) {
        return " (it must stay in the foreground)";
    }
    ""
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// By itself.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => match signal_hook::low_level::signal_name(*signal) {
                Some(name) => write!(f, "signal {signal} ({name})"),
                None => write!(f, "signal {signal}"),
            },
        }
    }
}

impl RunError {
    /// Whether nothing is wrong but that the time for everything is up.
    pub(super) fn is_out_of_budget(&self) -> bool {
        matches!(self, Self::Timeout { limit, .. } | Self::NotReady { limit, .. } if limit.why == BUDGET)
    }
}

/// The last lines that a program printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tail(pub Vec<String>);

impl Tail {
    /// The same, of a program that has to be named.
    fn of(&self, who: &str) -> String {
        format!("\n{who}{self}").replacen("; it printed", " printed", 1)
    }
}

impl std::fmt::Display for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("; it printed nothing");
        }
        f.write_str("; it printed last:")?;
        self.0.iter().try_for_each(|line| write!(f, "\n  | {line}"))
    }
}
