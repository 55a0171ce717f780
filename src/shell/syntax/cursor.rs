//! A position in the text, and the few scanners that word and grammar share.

use std::ops::Range;

/// A place in the text from which bytes are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn nth(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.nth(0)
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    pub(super) fn starts_with(&self, prefix: &[u8]) -> bool {
        self.rest().starts_with(prefix)
    }

    /// Steps over `count` bytes, never past the end.
    pub(super) fn bump(&mut self, count: usize) {
        self.at = (self.at + count).min(self.text.len());
    }

    /// Steps over one character, whatever its length.
    pub(super) fn bump_char(&mut self) {
        let length = self
            .text
            .get(self.at..)
            .and_then(|rest| rest.chars().next())
            .map_or(1, char::len_utf8);
        self.bump(length);
    }

    pub(super) fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    /// Steps over bytes as long as `keep` holds and says where they stood.
    pub(super) fn take_while(&mut self, keep: impl Fn(u8) -> bool) -> Range<usize> {
        let length = self
            .rest()
            .iter()
            .position(|&byte| !keep(byte))
            .unwrap_or(self.rest().len());
        let start = self.at;
        self.bump(length);
        start..self.at
    }

    /// Steps over blanks and line continuations.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            let _ = self.take_while(is_blank);
            match self.continuation() {
                Some(length) => self.bump(length),
                None => return,
            }
        }
    }

    /// The length of the line continuation at this place.
    pub(super) fn continuation(&self) -> Option<usize> {
        match (self.peek(), self.nth(1), self.nth(2)) {
            (Some(b'\\'), Some(b'\n'), _) => Some(2),
            (Some(b'\\'), Some(b'\r'), Some(b'\n')) => Some(3),
            _ => None,
        }
    }

    /// Steps to the end of the line, its ending not included.
    pub(super) fn skip_line(&mut self) {
        let length = memchr::memchr(b'\n', self.rest()).unwrap_or(self.rest().len());
        self.bump(length);
    }

    /// Steps over the lines of a here-document up to and including its terminator. Gives the body
    /// and whether a terminator ended it.
    pub(super) fn here_document(
        &mut self,
        delimiter: &str,
        strip_tabs: bool,
    ) -> (Range<usize>, bool) {
        let start = self.at;
        while self.at < self.text.len() {
            let line = self.at;
            self.skip_line();
            let content = self.slice(line..self.at);
            self.bump(1);
            let content = if strip_tabs {
                content.trim_start_matches('\t')
            } else {
                content
            };
            if content.strip_suffix('\r').unwrap_or(content) == delimiter {
                return (start..line, true);
            }
        }
        (start..self.at, false)
    }
}

/// A blank between words. The carriage return counts: it stands at line ends only.
pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

/// A byte that ends an unquoted word.
pub(super) const fn is_meta(byte: u8) -> bool {
    is_blank(byte) || matches!(byte, b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')')
}

/// A byte that may stand in a variable's name.
pub(super) const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
