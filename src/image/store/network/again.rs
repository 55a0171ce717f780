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

/// Tries until it succeeds, fails for good, or was tried often enough.
///
/// # Errors
/// As the last try; passing where another run may succeed.
pub(super) fn again<T>(mut attempt: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    let mut pause = FIRST;
    for _ in 1..TRIES {
        match attempt() {
            Ok(done) => return Ok(done),
            Err(Failure::Lasting(why)) => return Err(Failure::Lasting(why)),
            Err(Failure::Passing(why, Some(wait))) if wait > LONGEST => {
                let why = format!("{why}, and asks to wait for {} s", wait.as_secs());
                return Err(Failure::Passing(why, Some(wait)));
            }
            Err(Failure::Passing(_, wait)) => std::thread::sleep(wait.unwrap_or(pause).max(pause)),
        }
        pause *= 2;
    }
    attempt().map_err(|failure| match failure {
        Failure::Passing(why, wait) => {
            Failure::Passing(format!("{why} (asked {TRIES} times)"), wait)
        }
        lasting @ Failure::Lasting(_) => lasting,
    })
}
