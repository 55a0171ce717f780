//! What is measured: a command, or a server with its load.

use std::ffi::OsString;
use std::time::Duration;

use regex::Regex;

use super::container::Container;
use super::limit::Limit;
use super::ready::Ready;
use crate::load::{self, Origin};

/// A start may take so many times what the first one took.
const START_PACE: u32 = 4;

/// What is run.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub command: Vec<OsString>,
    /// What it runs in, where it does not run here: the command is then that of the image.
    pub container: Option<Container>,
    /// What kind of command it is.
    pub work: Work,
    /// The user's own figure, looked for in the output of the load, or of the command.
    pub metric: Option<Regex>,
    /// How long the command, or the load, may take.
    pub limit: Limit,
}

/// What kind of command it is.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// It ends by itself.
    Command,
    /// It runs until it is stopped.
    Server(Server),
    /// Which of both it is shows its first run: a server is one that takes connections, answers HTTP, and then waits.
    Unknown(Server),
}

/// What a server needs.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub load: Load,
    /// The port of pages that name no server, as the server itself has it: a container's may be another here. `None`: it is looked for.
    pub port: Option<u16>,
    /// Whether it is that one and no other: the user named it, or others were open when it was found.
    pub pinned: bool,
    /// Where it was found here in the run before.
    pub at: Option<Origin>,
    /// When it is ready; `None` = when the first page of the load answers.
    pub ready: Option<Ready>,
    /// How long that may take,
    pub ready_limit: Limit,
    /// and whether that was said by the user: else a server that is slow to start gets more.
    pub ready_said: bool,
    /// How long it is watched after the load.
    pub settle: Duration,
}

/// What is done with a server.
#[derive(Clone, Debug)]
pub(crate) enum Load {
    /// A command, as the shell reads it.
    Command(String),
    /// Requests that are made here.
    Requests(load::Settings),
}

impl Workload {
    /// The server, where it is known to be one.
    #[must_use]
    pub(crate) const fn server(&self) -> Option<&Server> {
        match &self.work {
            Work::Server(server) => Some(server),
            Work::Command | Work::Unknown(_) => None,
        }
    }

    /// The requests that are made, where they are made here, as people name them.
    #[must_use]
    pub(crate) fn requests(&self) -> Option<load::Settings> {
        let server = self.server()?;
        match &server.load {
            Load::Requests(settings) => Some(server.placed(settings)),
            Load::Command(_) => None,
        }
    }
}

impl Server {
    /// The load, in words.
    #[must_use]
    pub(crate) fn load_shown(&self) -> String {
        match (&self.load, self.port) {
            (Load::Command(command), _) => command.clone(),
            (Load::Requests(settings), Some(port)) if !self.placed(settings).is_placed() => {
                format!("{settings}; port {port}")
            }
            (Load::Requests(settings), _) => self.placed(settings).to_string(),
        }
    }

    /// The pages where they were found.
    fn placed(&self, settings: &load::Settings) -> load::Settings {
        match &self.at {
            Some(origin) => settings.at(origin),
            None => settings.clone(),
        }
    }

    /// How long a later start may take, the first having taken so long.
    pub(super) fn ready_limit_after(&self, first: Duration) -> Limit {
        let pace = first * START_PACE;
        if self.ready_said || pace <= self.ready_limit.time {
            return self.ready_limit;
        }
        Limit {
            time: pace,
            why: "far longer than its first start took; `--ready-timeout` gives it more",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_start_gets_more_time_and_a_word_of_the_user_counts() {
        let of = |ready_said| Server {
            load: Load::Command("true".into()),
            port: None,
            pinned: false,
            at: None,
            ready: None,
            ready_limit: Limit {
                time: Duration::from_secs(30),
                why: "`--ready-timeout`",
            },
            ready_said,
            settle: Duration::ZERO,
        };
        let after = |said, first| of(said).ready_limit_after(Duration::from_secs(first)).time;
        assert_eq!(after(false, 5), Duration::from_secs(30));
        assert_eq!(after(false, 50), Duration::from_secs(200));
        assert_eq!(after(true, 50), Duration::from_secs(30));
    }
}
