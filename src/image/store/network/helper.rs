//! Programs that keep logins (docker's credential helpers): the server on their standard input, a login on their output.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::facts;

/// What a helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// A helper may ask a person: so long it is waited for, and looked at so often.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(10);
/// No answer has more bytes.
const LARGEST: u64 = 64 << 10;

/// Asks one for a name and a secret.
///
/// # Errors
/// Where it fails, or answers something else.
pub(super) fn ask(helper: &str, server: &str) -> Result<Option<(String, String)>, String> {
    let program = format!("docker-credential-{helper}");
    let wrong = |why: &dyn std::fmt::Display| format!("the credential helper `{program}`: {why}");
    if helper.contains(['/', '\\']) {
        return Err(wrong(&"its name has a folder in it"));
    }
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| wrong(&error))?;
    if let Some(mut input) = child.stdin.take() {
        // One that does not want to know says what it has.
        let _ = input.write_all(server.as_bytes());
    }
    let output = child.stdout.take();
    let reader = thread::spawn(move || {
        let mut said = Vec::new();
        output.map(|output| output.take(LARGEST).read_to_end(&mut said));
        said
    });
    let succeeded = ended(&mut child).ok_or_else(|| wrong(&"it does not answer"))?;
    let said = reader.join().unwrap_or_default();
    if !succeeded {
        let text = String::from_utf8_lossy(&said).trim().to_owned();
        let has_none = text.is_empty() || facts::says_no_login(&text);
        // What it says may be anything: a line of it tells enough.
        let line: String = text
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(200)
            .collect();
        return if has_none {
            Ok(None)
        } else {
            Err(wrong(&line))
        };
    }
    let answer: Answer = serde_json::from_slice(&said)
        .map_err(|_| wrong(&"it does not answer as docker's helpers do"))?;
    Ok(Some((answer.username, answer.secret)))
}

/// Whether it succeeded; nothing where it took too long and was ended.
fn ended(child: &mut Child) -> Option<bool> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status.success());
        }
        thread::sleep(PAUSE);
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}
