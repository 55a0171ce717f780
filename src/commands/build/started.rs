//! The image, started once: what its Python really runs on.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::commands::{Status, trouble};
use crate::engine::Started;
use crate::inspect::{self, Account};
use crate::report::harmless;

/// Its Python is waited for so long, and asked for so often.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(200);

/// Looks at all Python that runs in a container.
///
/// # Errors
/// Where nobody listens.
pub(super) fn look(container: &Started, err: &mut dyn io::Write) -> io::Result<Status> {
    let accounts = match pythons(container) {
        Ok(accounts) => accounts,
        Err(why) => return trouble(&format!("`--run`: {why}"), err),
    };
    let mut status = Status::Clean;
    for account in &accounts {
        let command = harmless(account.command());
        if let Some(why) = &account.shut {
            trouble(&format!("`--run`: {why}"), err)?;
            status = Status::Trouble;
            continue;
        }
        let Some(allocator) = account.in_force() else {
            writeln!(
                err,
                "malloclint: `{command}` runs on the C library's malloc: no allocator is in force"
            )?;
            status = status.max(Status::Findings);
            continue;
        };
        writeln!(
            err,
            "malloclint: `{command}` runs on {}",
            harmless(&allocator)
        )?;
        for idle in account.idle() {
            writeln!(err, "malloclint: without effect there: {}", harmless(&idle))?;
        }
    }
    Ok(status)
}

/// The processes with Python in it, once there are some.
fn pythons(container: &Started) -> Result<Vec<Account>, String> {
    let start = Instant::now();
    loop {
        let Some(pid) = container.pid()? else {
            let said = container.said();
            return Err(format!(
                "the container has ended before its Python was seen: {said}"
            ));
        };
        let found = inspect::of_container(Some(pid)).unwrap_or_default();
        let found = found.into_iter().filter_map(|pid| inspect::look(pid).ok());
        let found: Vec<Account> = found.filter(Account::is_python).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        if start.elapsed() > PATIENCE {
            return Err(match inspect::look(pid) {
                Err(why) => format!("its processes are not read: {why}"),
                Ok(_) => "no Python runs in it: `--run COMMAND` says what to start".to_owned(),
            });
        }
        thread::sleep(PAUSE);
    }
}
