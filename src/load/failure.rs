//! What goes wrong with a request, and with a load.

use std::io;
use std::time::Duration;

use crate::text::duration;

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The server says that it went wrong.
    Status(u16),
    /// Nobody listens there, or the connection could not be made.
    Refused(String),
    /// The connection ended before the answer was whole.
    Broken(String),
    /// It took too long.
    Timeout(Duration),
    /// What came is no answer.
    Nonsense(String),
    /// It was not wanted any more.
    Stopped,
}

impl Failure {
    pub(super) fn refused(error: &io::Error) -> Self {
        Self::Refused(plain(error))
    }

    pub(super) fn broken(error: &io::Error) -> Self {
        Self::Broken(plain(error))
    }

    /// Whether it may go away by itself while a server starts.
    #[must_use]
    pub(crate) const fn may_pass(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Broken(_) | Self::Status(503))
    }

    /// What to do about it where it is the first answer, as a clause.
    #[must_use]
    pub(crate) const fn advice(&self) -> &'static str {
        match self {
            Self::Status(400) => {
                "it may not know the name that it is called by: `--header 'Host: NAME'` gives another"
            }
            Self::Status(401 | 403) => {
                "send what it asks for (`--header 'Authorization: ...'`), or give another page by `--url`"
            }
            Self::Status(..500) => "give a page of the application by `--url`",
            Self::Status(_) => "see what the server printed, or give another page by `--url`",
            Self::Refused(_) | Self::Broken(_) | Self::Stopped => "see what the server printed",
            Self::Timeout(_) => "give a page that takes less by `--url`",
            Self::Nonsense(_) => "give the address of a server that speaks HTTP/1.1 by `--url`",
        }
    }
}

/// What the system says, without its number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.to_owned()
}

/// As what a page does: `http://localhost:8000/` ... .
impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "answers with status {status}"),
            Self::Refused(why) => write!(f, "cannot be connected to ({why})"),
            Self::Broken(why) => write!(f, "breaks the connection off ({why})"),
            Self::Timeout(time) => write!(f, "does not answer within {}", duration::show(*time)),
            Self::Nonsense(why) => write!(f, "answers with nonsense: {why}"),
            Self::Stopped => f.write_str("was not waited for"),
        }
    }
}

/// Why a load gave no figures.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    /// A page that never answered as it should.
    #[error("{url} {failure}: {}", .failure.advice())]
    Page {
        /// The page.
        url: String,
        /// What became of its first request.
        failure: Failure,
    },
    /// Too many requests failed.
    #[error(
        "{failures} of {requests} requests failed, the last one since {url} {failure}; with more than 1 % the figures would mean nothing"
    )]
    TooMany {
        /// How many failed.
        failures: u64,
        /// Of how many.
        requests: u64,
        /// The page of the last that failed.
        url: String,
        /// Why it did.
        failure: Failure,
    },
    /// The system refused something.
    #[error("{0}")]
    System(String),
}
