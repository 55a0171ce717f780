//! Finds the processes of one test by a variable that all of them inherit.

use std::fs;
use std::time::{Duration, Instant};

/// The variable.
pub(crate) const NAME: &str = "MALLOCLINT_TEST_MARK";

/// A value that no other test has.
pub(crate) fn mark(test: &str) -> String {
    format!("{test}-{}", std::process::id())
}

/// The processes that have the mark, with their command lines.
pub(crate) fn marked(mark: &str) -> Vec<(u32, String)> {
    let wanted = format!("{NAME}={mark}");
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut found = Vec::new();
    for pid in pids {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let has = environment
            .split(|byte| *byte == 0)
            .any(|entry| entry == wanted.as_bytes());
        if has {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            found.push((pid, line));
        }
    }
    found
}

/// Waits until `enough` holds for the marked processes.
pub(crate) fn wait_until(mark: &str, enough: impl Fn(&[(u32, String)]) -> bool) {
    let start = Instant::now();
    loop {
        let found = marked(mark);
        if enough(&found) {
            return;
        }
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "waited in vain: {found:?}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
