//! What is measured: a command, or a server with its load.

use std::ffi::OsString;
use std::time::Duration;

use regex::Regex;

use super::limit::Limit;
use super::ready::Ready;

/// What is run.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub command: Vec<OsString>,
    /// Where it is a server.
    pub server: Option<Server>,
    /// The user's own figure, looked for in the output of the load, or of the command.
    pub metric: Option<Regex>,
    /// How long the command, or the load, may take.
    pub limit: Limit,
}

/// What a server needs.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// The load, as the shell reads it.
    pub load: String,
    /// When it is ready.
    pub ready: Ready,
    /// How long that may take.
    pub ready_limit: Limit,
    /// How long it is watched after the load.
    pub settle: Duration,
}
