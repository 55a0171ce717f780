//! Text and where it stands: spans, source files, lines, traced text and edits.
//!
//! Everything above this module speaks of bytes of one file; lines and columns appear at output
//! only. This module never touches the disk and knows no format.

pub(crate) mod date;
pub(crate) mod duration;
mod lines;
pub(crate) mod near;
pub(crate) mod paths;
mod source;
pub(crate) mod svg;
mod traced;
pub(crate) mod wording;

pub(crate) use lines::{LineColumn, LineIndex};
pub use source::{Place, SourceFile};
pub use traced::Traced;

/// A half-open range of bytes, `start..end`, of one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte, counted from 0.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The span from `start` to `end`; an inverted pair becomes the empty span at `start`.
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Self {
        Self {
            start,
            end: if end < start { start } else { end },
        }
    }

    /// The empty span at `at`.
    #[must_use]
    pub const fn empty(at: usize) -> Self {
        Self { start: at, end: at }
    }

    /// Length in bytes.
    #[must_use]
    pub const fn len(self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// Whether the span covers no byte.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// The smallest span that covers both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// Whether `other` lies within this span.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// The bytes that the span covers; empty where it reaches past the end.
    #[must_use]
    pub fn slice(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start..self.end).unwrap_or_default()
    }
}

/// The bytes with the edits made, or `None` where two of them touch the same bytes or reach past the
/// end. Insertions at the same place stand in the order given.
#[must_use]
pub fn apply(bytes: &[u8], edits: &[Edit]) -> Option<Vec<u8>> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| edit.span);
    let mut out = Vec::with_capacity(bytes.len());
    let mut done = 0;
    for edit in sorted {
        out.extend_from_slice(bytes.get(done..edit.span.start)?);
        out.extend_from_slice(edit.text.as_bytes());
        done = edit.span.end;
    }
    out.extend_from_slice(bytes.get(done..)?);
    Some(out)
}

/// One replacement of bytes in a file; an insertion has an empty span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that go.
    pub span: Span,
    /// What stands there instead.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(start: usize, end: usize, text: &str) -> Edit {
        Edit {
            span: Span::new(start, end),
            text: text.into(),
        }
    }

    #[test]
    fn edits_are_made_in_the_order_of_their_places() {
        let made = apply(
            b"abcdef",
            &[
                edit(4, 5, "X"),
                edit(1, 1, "1"),
                edit(1, 1, "2"),
                edit(1, 3, ""),
            ],
        );
        assert_eq!(made.as_deref(), Some(&b"a12dXf"[..]));
        assert_eq!(apply(b"abc", &[]).as_deref(), Some(&b"abc"[..]));
        assert_eq!(apply(b"abc", &[edit(0, 2, ""), edit(1, 3, "")]), None);
        assert_eq!(apply(b"abc", &[edit(2, 9, "")]), None);
    }
}
