//! Text for people and logs: nothing in it moves a cursor, changes colours, or is an order to who reads the log.

use crate::text::wording::is_harmful;
use std::borrow::Cow;
use std::io::{self, Write};

/// What begins an order to a runner wherever it stands: of GitHub Actions, of Azure Pipelines.
const ORDERS: [&str; 2] = ["##[", "##vso["];

/// Text without what could move the cursor, change colours, turn the line around, or be an order to a runner of GitHub Actions
/// (`##[...]` anywhere, `::` at the start of a line).
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let order =
        ORDERS.iter().any(|order| text.contains(order)) || text.trim_start().starts_with("::");
    if order || text.chars().any(is_harmful) {
        let plain: String = text
            .chars()
            .map(|c| if is_harmful(c) { '\u{fffd}' } else { c })
            .collect();
        let plain = plain
            .replace("##[", "##\u{fffd}[")
            .replace("##vso[", "##vso\u{fffd}[");
        return if plain.trim_start().starts_with("::") {
            format!("./{}", plain.trim_start()).into()
        } else {
            plain.into()
        };
    }
    text.into()
}

/// A writer of which every line is harmless, whoever wrote it.
pub(crate) struct Lines<'w> {
    to: &'w mut dyn Write,
    line: Vec<u8>,
}

impl<'w> Lines<'w> {
    pub(crate) fn to(to: &'w mut dyn Write) -> Self {
        Self {
            to,
            line: Vec::new(),
        }
    }

    fn put(&mut self, line: &[u8], end: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(line);
        self.to.write_all(harmless(&text).as_bytes())?;
        self.to.write_all(end)
    }
}

impl Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        while let Some(end) = memchr::memchr(b'\n', &self.line) {
            let rest = self.line.split_off(end + 1);
            let mut line = std::mem::replace(&mut self.line, rest);
            line.pop();
            self.put(&line, b"\n")?;
        }
        Ok(bytes.len())
    }

    /// Writes a line that has no end yet, too.
    fn flush(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.put(&line, b"")?;
        }
        self.to.flush()
    }
}
