//! Physical lines: a line feed ends one, carriage returns before it belong to the ending.

use std::ops::Range;

/// One physical line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) start: usize,
    /// After the line feed.
    pub(super) end: usize,
    /// The line without its ending.
    pub(super) content: Range<usize>,
    /// Bytes before the line feed, as BuildKit's scanner counts them.
    pub(super) length: usize,
}

/// Walks over the lines of a file.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    source: &'a [u8],
    position: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(source: &'a [u8]) -> Self {
        Self {
            source,
            position: 0,
        }
    }

    /// Where the next line starts.
    pub(super) fn position(&self) -> usize {
        self.position
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let start = self.position;
        let rest = self.source.get(start..).filter(|rest| !rest.is_empty())?;
        let (length, end) = match memchr::memchr(b'\n', rest) {
            Some(at) => (at, start + at + 1),
            None => (rest.len(), self.source.len()),
        };
        self.position = end;
        let line = rest.get(..length).unwrap_or_default();
        let kept = line
            .iter()
            .rposition(|&b| b != b'\r')
            .map_or(0, |at| at + 1);
        Some(Line {
            start,
            end,
            content: start..start + kept,
            length,
        })
    }
}
