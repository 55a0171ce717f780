//! The logical line of an instruction: its physical lines joined, every byte with its source.

use std::borrow::Cow;
use std::ops::Range;

use super::Word;
use crate::text::{Span, Traced};

/// Joined text; a line that is not continued borrows the file's bytes.
#[derive(Debug)]
pub(super) struct Logical<'a> {
    source: &'a [u8],
    /// The file as text where all of it is UTF-8, so that no word need be checked again.
    text: Option<&'a str>,
    bytes: Cow<'a, [u8]>,
    /// Where the text starts in the file.
    first: usize,
    /// Where each further piece starts, in the text and in the file.
    further: Vec<Piece>,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    at: usize,
    source: usize,
}

impl<'a> Logical<'a> {
    /// The line that starts with `first` of `source`.
    pub(super) fn new(source: &'a [u8], text: Option<&'a str>, first: Span) -> Self {
        let bytes = Cow::Borrowed(first.slice(source));
        Self {
            source,
            text,
            bytes,
            first: first.start,
            further: Vec::new(),
        }
    }

    /// Appends the text of another physical line.
    pub(super) fn push(&mut self, line: Span) {
        if line.is_empty() {
            return;
        }
        if self.bytes.is_empty() {
            *self = Self::new(self.source, self.text, line);
            return;
        }
        self.further.push(Piece {
            at: self.bytes.len(),
            source: line.start,
        });
        if let Cow::Borrowed(first) = self.bytes {
            // Who continues once continues again; growing from nothing would copy each time.
            let mut joined = Vec::with_capacity(4 * (first.len() + line.len()));
            joined.extend_from_slice(first);
            self.bytes = Cow::Owned(joined);
        }
        self.bytes
            .to_mut()
            .extend_from_slice(line.slice(self.source));
    }

    /// The text.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The text of `range`; empty where it reaches past the end.
    pub(super) fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }

    /// The smallest span of the file that covers `range`. An empty range lies behind the byte
    /// before it: the empty value of `A=\` stands at the `=`, not on the next line.
    pub(super) fn span(&self, range: Range<usize>) -> Span {
        let behind = range
            .end
            .checked_sub(1)
            .map(|last| self.source_of(last) + 1);
        if range.is_empty() {
            return Span::empty(behind.unwrap_or_else(|| self.source_of(0)));
        }
        let start = self.source_of(range.start);
        Span::new(start, behind.unwrap_or(start))
    }

    /// The text of `range` with its sources.
    pub(super) fn traced(&self, range: Range<usize>) -> Traced {
        let before = |at: usize| self.further.partition_point(|piece| piece.at <= at);
        let further = before(range.end.saturating_sub(1)).saturating_sub(before(range.start));
        let mut traced = Traced::with_room(range.len(), further);
        self.trace_into(&mut traced, range);
        traced
    }

    /// Appends the text of `range` to `traced`.
    pub(super) fn trace_into(&self, traced: &mut Traced, range: Range<usize>) {
        let mut from = range.start;
        let mut next = self.further.partition_point(|piece| piece.at <= from);
        while from < range.end {
            let piece = self.piece_before(next);
            let end = self
                .further
                .get(next)
                .map_or(self.bytes.len(), |piece| piece.at);
            let to = end.min(range.end);
            if from >= to {
                break;
            }
            let start = piece.source + (from - piece.at);
            let span = Span::new(start, start + (to - from));
            match self.text.and_then(|text| text.get(span.start..span.end)) {
                Some(text) => traced.push_text(text, span),
                None => traced.push(self.source, span),
            }
            from = to;
            next += 1;
        }
    }

    /// `range` as a word.
    pub(super) fn word(&self, range: Range<usize>) -> Word {
        Word {
            span: self.span(range.clone()),
            raw: self.traced(range),
        }
    }

    fn source_of(&self, at: usize) -> usize {
        let piece = self.piece_before(self.further.partition_point(|piece| piece.at <= at));
        piece.source + (at - piece.at)
    }

    /// The piece before the further piece `index`.
    fn piece_before(&self, index: usize) -> Piece {
        let further = index
            .checked_sub(1)
            .and_then(|index| self.further.get(index));
        further.copied().unwrap_or(Piece {
            at: 0,
            source: self.first,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_over_two_lines_knows_both_sources() {
        let source = b"RUN a\\\n  b";
        let mut line = Logical::new(source, None, Span::new(0, 5));
        line.push(Span::new(7, 10));
        assert_eq!(line.bytes(), b"RUN a  b");
        assert_eq!(line.span(4..8), Span::new(4, 10));
        assert_eq!(line.traced(4..8).as_str(), "a  b");
        assert_eq!(line.traced(4..8).source(3..4), Some(Span::new(9, 10)));
        assert_eq!(line.span(5..5), Span::empty(5));
        assert_eq!(line.span(0..0), Span::empty(0));
    }
}
