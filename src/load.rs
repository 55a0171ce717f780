//! A load of HTTP requests: `GET` over HTTP/1.1, one thread for each connection.
//!
//! | what | module |
//! |---|---|
//! | the pages, and how often each is asked for | `target`, `mix` |
//! | the bytes of a request, and of an answer | `request`, `answer` |
//! | one request over a socket | `client`, and what goes wrong with it `failure` |
//! | one request, to see whether the server answers | `probe` |
//! | all of them, and what they took | `generator`, `tally` |
//!
//! What the answers hold is read and thrown away in a buffer of a fixed size, and nothing waits longer than
//! [`PATIENCE`]: a server may answer whatever it likes.

mod answer;
mod client;
mod failure;
mod generator;
mod mix;
mod probe;
mod request;
mod tally;
mod target;

use std::time::Duration;

pub(crate) use client::Answer;
pub(crate) use failure::{Failure, Problem};
pub(crate) use generator::Load;
pub(crate) use probe::{Probe, ask};
pub(crate) use request::Header;
pub(crate) use tally::Summary;
pub(crate) use target::{Origin, Target};

/// A request that takes longer has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    /// The pages. None: which, the server says.
    pub targets: Vec<Target>,
    /// How many requests may be under way at once.
    pub connections: usize,
    /// Requests per second, by a schedule; without one, each connection asks again as soon as it is answered.
    pub rate: Option<f64>,
    /// Whether a connection is used for more than one request.
    pub keep_alive: bool,
    /// What each request says besides.
    pub headers: Vec<Header>,
    /// How long it goes on.
    pub amount: Amount,
}

/// How long a load goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Amount {
    /// So many requests.
    Requests(u64),
    /// So long.
    Time(Duration),
}

impl Settings {
    /// One request for a page.
    #[must_use]
    pub(crate) fn once(target: Target) -> Self {
        Self {
            targets: vec![target],
            connections: 1,
            rate: None,
            keep_alive: false,
            headers: Vec::new(),
            amount: Amount::Requests(1),
        }
    }

    /// The same pages, where those that name no server are on this one.
    #[must_use]
    pub(crate) fn at(&self, origin: &Origin) -> Self {
        let mut placed = self.clone();
        for target in &mut placed.targets {
            target.origin.get_or_insert_with(|| origin.clone());
        }
        placed
    }

    /// Whether it is known where each page is.
    #[must_use]
    pub(crate) fn is_placed(&self) -> bool {
        !self.targets.is_empty() && self.targets.iter().all(|target| target.origin.is_some())
    }

    /// The servers that are named, each once.
    #[must_use]
    pub(crate) fn origins(&self) -> Vec<&Origin> {
        let mut all: Vec<&Origin> = Vec::new();
        for origin in self
            .targets
            .iter()
            .filter_map(|target| target.origin.as_ref())
        {
            if !all.contains(&origin) {
                all.push(origin);
            }
        }
        all
    }
}

/// What is asked for, in words: `3*http://localhost:8000/a http://localhost:8000/b, 8 connections`.
impl std::fmt::Display for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pages: Vec<String> = self.targets.iter().map(Target::to_string).collect();
        let plural = if self.connections == 1 { "" } else { "s" };
        write!(
            f,
            "{}, {} connection{plural}",
            pages.join(" "),
            self.connections
        )?;
        if self.keep_alive {
            f.write_str(" that stay open")?;
        }
        if let Some(rate) = self.rate {
            write!(f, ", {rate} requests per second")?;
        }
        match self.amount {
            Amount::Requests(count) => write!(f, ", {count} requests"),
            Amount::Time(time) => write!(f, ", for {}", crate::text::duration::show(time)),
        }
    }
}
