//! What is tried again, and when.

use std::time::Duration;

/// So often a request is made in all.
pub(super) const TRIES: u32 = 5;
/// Before the second of them; before each further one it is twice as long.
const FIRST: Duration = Duration::from_millis(250);
/// Nobody waits longer for a server that says when it has time.
const LONGEST: Duration = Duration::from_secs(60);

/// Why a request failed, for people.
#[derive(Debug)]
pub(super) enum Failure {
    /// Another try may help, after so long where the server said it.
    Passing(String, Option<Duration>),
    Lasting(String),
}

impl Failure {
    pub(super) fn why(self) -> String {
        match self {
            Self::Passing(why, _) | Self::Lasting(why) => why,
        }
    }
}

/// Tries until it succeeds, fails for good, or was tried often enough.
///
/// # Errors
/// As the last try.
pub(super) fn again<T>(mut attempt: impl FnMut() -> Result<T, Failure>) -> Result<T, String> {
    let mut pause = FIRST;
    for _ in 1..TRIES {
        match attempt() {
            Ok(done) => return Ok(done),
            Err(Failure::Lasting(why)) => return Err(why),
            Err(Failure::Passing(why, Some(wait))) if wait > LONGEST => {
                return Err(format!("{why}, and asks to wait for {} s", wait.as_secs()));
            }
            Err(Failure::Passing(_, wait)) => std::thread::sleep(wait.unwrap_or(pause)),
        }
        pause *= 2;
    }
    attempt().map_err(|failure| format!("{} (asked {TRIES} times)", failure.why()))
}
