//! What a command prints: read all the time, so that it never waits, and kept as far as it is
//! asked for.

use std::collections::{BTreeSet, VecDeque};
use std::io::{BufRead, BufReader, Read};

use regex::Regex;

use super::error::Tail;

/// So many lines are shown when something goes wrong.
const SHOWN: usize = 5;
/// Longer lines are cut.
const LINE: u64 = 16 * 1024;
/// Different messages of the allocator that are kept.
const MESSAGES: usize = 1000;

/// The beginning of every message of jemalloc.
const JEMALLOC: &str = "<jemalloc>: ";

/// What to look for.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// A line that says that a server is ready.
    pub(super) ready: Option<Regex>,
    /// A figure: the first group of the last match counts.
    pub(super) metric: Option<Regex>,
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Output {
    tail: VecDeque<String>,
    jemalloc: BTreeSet<String>,
    /// The last figure.
    pub(super) metric: Option<f64>,
    /// What the pattern found last that is no number.
    pub(super) no_number: Option<String>,
    /// Whether the line that says so has come.
    pub(super) ready: bool,
}

impl Output {
    fn take(&mut self, line: &str, wanted: &Wanted) {
        if let Some(at) = line.find(JEMALLOC) {
            let message = line.get(at + JEMALLOC.len()..).unwrap_or_default();
            if self.jemalloc.len() < MESSAGES {
                self.jemalloc.insert(message.to_owned());
            }
            return;
        }
        if let Some(pattern) = &wanted.metric {
            match figure(pattern, line) {
                Some(Ok(number)) => self.metric = Some(number),
                Some(Err(text)) => self.no_number = Some(text),
                None => {}
            }
        }
        self.ready |= wanted
            .ready
            .as_ref()
            .is_some_and(|pattern| pattern.is_match(line));
        if !line.trim().is_empty() {
            self.tail.push_back(line.to_owned());
        }
        if self.tail.len() > SHOWN {
            self.tail.pop_front();
        }
    }

    pub(super) fn tail(&self) -> Tail {
        Tail(self.tail.iter().cloned().collect())
    }

    /// The messages of jemalloc, without their beginning.
    pub(super) fn jemalloc(&self) -> impl Iterator<Item = &str> + Clone {
        self.jemalloc.iter().map(String::as_str)
    }
}

/// The last number that the pattern finds in a line: of its first group, or of the whole match; or
/// the text that is none.
fn figure(pattern: &Regex, line: &str) -> Option<Result<f64, String>> {
    let found = pattern.captures_iter(line).last()?;
    let text = found.get(1).or_else(|| found.get(0))?.as_str();
    let plain: String = text
        .chars()
        .filter(|c| !matches!(c, ',' | '_' | ' '))
        .collect();
    let number = plain.parse().ok().filter(|number: &f64| number.is_finite());
    Some(number.ok_or_else(|| text.to_owned()))
}

/// Reads to the end, line by line; a line of any length takes bounded memory.
pub(super) fn read(source: impl Read, wanted: &Wanted, mut keep: impl FnMut(&dyn Fn(&mut Output))) {
    let mut source = BufReader::new(source);
    let mut line = Vec::new();
    loop {
        line.clear();
        match source.by_ref().take(LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']);
        keep(&|output| output.take(text, wanted));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, wanted: &Wanted) -> Output {
        let mut output = Output::default();
        read(text.as_bytes(), wanted, |take| take(&mut output));
        output
    }

    #[test]
    fn figures_messages_and_the_last_lines() {
        let wanted = Wanted {
            ready: Some(Regex::new("Listening").unwrap()),
            metric: Some(Regex::new(r"req/s: ([0-9.,]+)").unwrap()),
        };
        let text = "Listening at 80\nreq/s: 1\n<jemalloc>: Invalid conf pair: a:1\nreq/s: 1,234.5\r\nreq/s: .\n";
        let output = of(text, &wanted);
        assert!(output.ready);
        assert_eq!(output.metric, Some(1234.5));
        assert_eq!(output.no_number.as_deref(), Some("."));
        assert_eq!(
            output.jemalloc().collect::<Vec<_>>(),
            ["Invalid conf pair: a:1"]
        );
        assert_eq!(output.tail().0.len(), 4);
        let many: String = (0..50).map(|line| format!("{line}\n")).collect();
        assert_eq!(of(&many, &wanted).tail().0.first().unwrap(), "45");
    }

    #[test]
    fn any_bytes_and_any_length() {
        let mut output = Output::default();
        let bytes = [vec![0xff; 100_000], b"\nend".to_vec()].concat();
        read(&bytes[..], &Wanted::default(), |take| take(&mut output));
        assert_eq!(output.tail().0.last().unwrap(), "end");
    }
}
