//! What is measured: a command, or a server with its load.

use std::ffi::OsString;
use std::time::Duration;

use regex::Regex;

use super::container::Container;
use super::limit::Limit;
use super::ready::Ready;
use crate::load;

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
    /// When it is ready; `None` = when the first page of the load answers.
    pub ready: Option<Ready>,
    /// How long that may take.
    pub ready_limit: Limit,
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

    /// The requests that are made, where they are made here.
    #[must_use]
    pub(crate) fn requests(&self) -> Option<&load::Settings> {
        match &self.server()?.load {
            Load::Requests(settings) => Some(settings),
            Load::Command(_) => None,
        }
    }
}

impl Load {
    /// What it is, in words.
    #[must_use]
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Command(command) => command.clone(),
            Self::Requests(settings) => settings.to_string(),
        }
    }
}
