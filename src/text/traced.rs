//! Text that was put together from pieces of a file and remembers which.
//!
//! A Dockerfile's logical line drops continuations and comments, quotes vanish, variables expand:
//! what rules read is never quite what stands in the file. A `Traced` is that text together with
//! the source span of every piece, so that a rule can point at the exact bytes.

use std::ops::Range;

use compact_str::CompactString;

use super::Span;

/// Text with the source span of each of its pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traced {
    /// Most texts are words of a few letters: they need no memory of their own either.
    text: CompactString,
    /// Most texts are one piece: it needs no memory of its own.
    first: Option<Piece>,
    further: Vec<Piece>,
}

/// A syntax tree holds thousands of them, so offsets are kept in four bytes: no file that is read has
/// more than `u32` can count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    at: u32,
    start: u32,
    end: u32,
    /// The piece is the source's bytes, one for one.
    verbatim: bool,
}

impl Piece {
    fn new(at: usize, source: Span, verbatim: bool) -> Self {
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self {
            at: narrow(at),
            start: narrow(source.start),
            end: narrow(source.end),
            verbatim,
        }
    }

    /// Offset of the piece in the text.
    const fn at(self) -> usize {
        self.at as usize
    }

    const fn source(self) -> Span {
        Span::new(self.start as usize, self.end as usize)
    }

    /// The source bytes behind `from..to` of the text, which lies within the piece.
    fn source_of(self, from: usize, to: usize) -> Span {
        if !self.verbatim {
            return self.source();
        }
        let start = self.source().start + from.saturating_sub(self.at());
        Span::new(start, start + to.saturating_sub(from))
    }
}

impl Traced {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing yet, with room for that many bytes, in at most that many pieces after the first.
    #[must_use]
    pub fn with_room(bytes: usize, further: usize) -> Self {
        Self {
            text: CompactString::with_capacity(bytes),
            first: None,
            further: Vec::with_capacity(further),
        }
    }

    /// The text of `span` of `source`, as it stands.
    #[must_use]
    pub fn verbatim(source: &[u8], span: Span) -> Self {
        let mut traced = Self::new();
        traced.push(source, span);
        traced
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Appends the bytes of `span` as they stand; what is not UTF-8 becomes U+FFFD.
    pub fn push(&mut self, source: &[u8], span: Span) {
        if let Ok(text) = std::str::from_utf8(span.slice(source)) {
            return self.piece(text, span, true);
        }
        let mut at = span.start;
        for chunk in span.slice(source).utf8_chunks() {
            let valid = Span::new(at, at + chunk.valid().len());
            self.piece(chunk.valid(), valid, true);
            let invalid = Span::new(valid.end, valid.end + chunk.invalid().len());
            if !invalid.is_empty() {
                self.piece("\u{fffd}", invalid, false);
            }
            at = invalid.end;
        }
    }

    /// Appends the text of `span` as it stands, for callers that have it as text.
    pub fn push_text(&mut self, text: &str, span: Span) {
        self.piece(text, span, true);
    }

    /// Appends text that `source` stands for without being it: an escape, an expansion.
    pub fn push_from(&mut self, text: &str, source: Span) {
        self.piece(text, source, false);
    }

    /// Appends `range` of another traced text.
    pub fn push_traced(&mut self, other: &Self, range: Range<usize>) {
        let mut from = range.start;
        while from < range.end {
            let Some((piece, end)) = other.piece_at(from) else {
                return;
            };
            let to = end.min(range.end);
            let text = other.text.get(from..to).unwrap_or_default();
            self.piece(text, piece.source_of(from, to), piece.verbatim);
            from = to;
        }
    }

    /// The part `range` of this text.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Self {
        let mut traced = Self::new();
        traced.push_traced(self, range);
        traced
    }

    /// The same text with other sources: where `to` knows of none, the text comes from `otherwise`.
    #[must_use]
    pub fn moved(&self, to: &dyn Fn(Span) -> Option<Span>, otherwise: Span) -> Self {
        let mut moved = Self::new();
        let mut from = 0;
        while let Some((piece, end)) = self.piece_at(from).filter(|_| from < self.text.len()) {
            let text = self.text.get(from..end).unwrap_or_default();
            match to(piece.source_of(from, end)) {
                Some(span) => moved.piece(text, span, piece.verbatim),
                None => moved.piece(text, otherwise, false),
            }
            from = end;
        }
        moved
    }

    /// The source bytes behind `range`: exact where the text is verbatim, the whole expansion or
    /// escape where it is not. `None` where nothing of the text has a source.
    #[must_use]
    pub fn source(&self, range: Range<usize>) -> Option<Span> {
        if range.start >= range.end {
            return self.point(range.start).map(Span::empty);
        }
        let mut whole: Option<Span> = None;
        let mut from = range.start;
        while let Some((piece, end)) = self.piece_at(from) {
            let to = end.min(range.end);
            let span = piece.source_of(from, to);
            whole = Some(whole.map_or(span, |w| w.join(span)));
            if to >= range.end {
                break;
            }
            from = to;
        }
        whole
    }

    /// The source bytes behind the whole text.
    #[must_use]
    pub fn whole(&self) -> Option<Span> {
        self.source(0..self.text.len())
    }

    /// Whether `range` is the source's bytes one for one and in one run, so that replacing those
    /// bytes replaces exactly that text.
    #[must_use]
    pub fn is_verbatim(&self, range: Range<usize>) -> bool {
        let length = range.end.saturating_sub(range.start);
        self.pieces_in(&range).all(|piece| piece.verbatim)
            && self.source(range).is_some_and(|span| span.len() == length)
    }

    fn pieces_in(&self, range: &Range<usize>) -> impl Iterator<Item = &Piece> {
        let first = self.pieces_from(range.start).saturating_sub(1);
        let end = range.end;
        self.first
            .iter()
            .chain(&self.further)
            .skip(first)
            .take_while(move |piece| piece.at() < end)
    }

    /// How many pieces start at or before `at`.
    fn pieces_from(&self, at: usize) -> usize {
        let first = usize::from(self.first.is_some_and(|piece| piece.at() <= at));
        first + self.further.partition_point(|piece| piece.at() <= at)
    }

    fn nth(&self, index: usize) -> Option<&Piece> {
        index
            .checked_sub(1)
            .map_or(self.first.as_ref(), |index| self.further.get(index))
    }

    fn point(&self, at: usize) -> Option<usize> {
        if let Some((piece, _)) = self.piece_at(at) {
            return Some(piece.source_of(at, at).start);
        }
        self.further
            .last()
            .or(self.first.as_ref())
            .map(|piece| piece.source().end)
    }

    fn piece_at(&self, at: usize) -> Option<(Piece, usize)> {
        if at >= self.text.len() {
            return None;
        }
        let next = self.pieces_from(at);
        let piece = *self.nth(next.checked_sub(1)?)?;
        Some((
            piece,
            self.nth(next).map_or(self.text.len(), |piece| piece.at()),
        ))
    }

    fn piece(&mut self, text: &str, source: Span, verbatim: bool) {
        if text.is_empty() {
            return;
        }
        let at = self.text.len();
        self.text.push_str(text);
        match self.further.last_mut().or(self.first.as_mut()) {
            Some(last) if verbatim && last.verbatim && last.source().end == source.start => {
                *last = Piece::new(last.at(), last.source().join(source), true);
            }
            Some(_) => self.further.push(Piece::new(at, source, verbatim)),
            None => self.first = Some(Piece::new(at, source, verbatim)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Traced {
        // "ab" from 0..2, "X" for 4..9, "cd" from 9..11
        let source = b"ab \\\n${v}cd".to_vec();
        let mut traced = Traced::new();
        traced.push(&source, Span::new(0, 2));
        traced.push_from("X", Span::new(5, 9));
        traced.push(&source, Span::new(9, 11));
        traced
    }

    #[test]
    fn spans_are_exact_where_verbatim_and_whole_where_not() {
        let traced = sample();
        assert_eq!(traced.as_str(), "abXcd");
        assert_eq!(traced.source(1..2), Some(Span::new(1, 2)));
        assert_eq!(traced.source(2..3), Some(Span::new(5, 9)));
        assert_eq!(traced.source(1..4), Some(Span::new(1, 10)));
        assert_eq!(traced.source(5..5), Some(Span::empty(11)));
        assert!(traced.is_verbatim(3..5) && !traced.is_verbatim(2..4) && !traced.is_verbatim(0..4));
    }

    #[test]
    fn a_part_keeps_its_sources_and_invalid_bytes_are_kept_apart() {
        let part = sample().part(1..4);
        assert_eq!(
            (part.as_str(), part.whole()),
            ("bXc", Some(Span::new(1, 10)))
        );
        let odd = Traced::verbatim(b"a\xffb", Span::new(0, 3));
        assert_eq!(odd.as_str(), "a\u{fffd}b");
        assert_eq!(odd.source(4..5), Some(Span::new(2, 3)));
    }
}
