//! One word: quotes, escapes, expansions, and the parts they leave.

mod ansi;

use std::ops::Range;

use super::cursor::{Cursor, is_meta, is_name};
use super::nested::{Bracket, skip};
use super::{Part, Word};

/// Reads the word at the cursor, which must stand on its first byte. The flag is `false` where a
/// quote or bracket is never closed: the word then reaches to the end of the text.
pub(super) fn read(cursor: &mut Cursor<'_>) -> (Word, bool) {
    let mut reader = Reader::new(cursor);
    reader.unquoted();
    reader.finish()
}

/// Reads the value of an assignment, `(a b)` included.
pub(super) fn read_value(cursor: &mut Cursor<'_>) -> (Word, bool) {
    let mut reader = Reader::new(cursor);
    if reader.cursor.peek() == Some(b'(') {
        reader.array();
    }
    reader.unquoted();
    reader.finish()
}

struct Reader<'a, 'c> {
    cursor: &'c mut Cursor<'a>,
    start: usize,
    parts: Vec<Part>,
    closed: bool,
}

impl<'a, 'c> Reader<'a, 'c> {
    fn new(cursor: &'c mut Cursor<'a>) -> Self {
        Self {
            start: cursor.at,
            cursor,
            parts: Vec::new(),
            closed: true,
        }
    }

    fn finish(self) -> (Word, bool) {
        (
            Word {
                range: self.start..self.cursor.at,
                parts: self.parts,
            },
            self.closed,
        )
    }

    /// Adds text; joins it with the part before where that is of the same kind and adjoins.
    fn literal(&mut self, more: &str, from: Range<usize>, quoting: bool) {
        if let Some(Part::Literal {
            text,
            range,
            quoted,
        }) = self.parts.last_mut()
            && range.end == from.start
            && *quoted == quoting
        {
            text.push_str(more);
            range.end = from.end;
            return;
        }
        self.parts.push(Part::Literal {
            text: more.to_owned(),
            range: from,
            quoted: quoting,
        });
    }

    fn verbatim(&mut self, range: Range<usize>, quoted: bool) {
        let text = self.cursor.slice(range.clone());
        self.literal(text, range, quoted);
    }

    fn unquoted(&mut self) {
        while let Some(byte) = self.cursor.peek() {
            match byte {
                b'<' | b'>' if self.cursor.nth(1) == Some(b'(') => {
                    self.bracket(2, Bracket::Commands);
                }
                b'(' if self.opens_array() => self.array(),
                b'(' if self.opens_pattern() => self.pattern(),
                _ if is_meta(byte) => return,
                b'\\' => self.escape(),
                b'\'' => self.single(),
                b'"' => self.double(),
                b'`' => self.bracket(1, Bracket::Backquote),
                b'$' => self.dollar(false),
                _ => {
                    let plain = |b| !is_meta(b) && !matches!(b, b'\\' | b'\'' | b'"' | b'`' | b'$');
                    let range = self.cursor.take_while(plain);
                    self.verbatim(range, false);
                }
            }
        }
    }

    /// A backslash outside quotes: a line continuation or one literal character.
    fn escape(&mut self) {
        if self.continues() {
            return;
        }
        let start = self.cursor.at;
        self.cursor.bump(1);
        let escaped = self.cursor.at;
        if escaped == self.cursor.text.len() {
            return self.verbatim(start..escaped, true);
        }
        self.cursor.bump_char();
        let text = self.cursor.slice(escaped..self.cursor.at);
        self.literal(text, start..self.cursor.at, true);
    }

    /// Steps over a line continuation, which belongs to the literal that it stands in.
    fn continues(&mut self) -> bool {
        let Some(length) = self.cursor.continuation() else {
            return false;
        };
        let at = self.cursor.at;
        self.cursor.bump(length);
        if let Some(Part::Literal { range, .. }) = self.parts.last_mut()
            && range.end == at
        {
            range.end = self.cursor.at;
        }
        true
    }

    fn single(&mut self) {
        self.cursor.bump(1);
        let range = self.cursor.take_while(|byte| byte != b'\'');
        self.verbatim(range, true);
        self.close();
    }

    /// Steps over a closing quote, or notes that there is none.
    fn close(&mut self) {
        self.closed &= self.cursor.peek().is_some();
        self.cursor.bump(1);
    }

    fn double(&mut self) {
        self.cursor.bump(1);
        let before = self.parts.len();
        loop {
            match self.cursor.peek() {
                None | Some(b'"') => break,
                Some(b'`') => self.bracket(1, Bracket::Backquote),
                Some(b'$') => self.dollar(true),
                Some(b'\\') => self.escape_in_double(),
                Some(_) => {
                    let range = self
                        .cursor
                        .take_while(|byte| !matches!(byte, b'"' | b'`' | b'$' | b'\\'));
                    self.verbatim(range, true);
                }
            }
        }
        if self.parts.len() == before {
            self.verbatim(self.cursor.at..self.cursor.at, true);
        }
        self.close();
    }

    /// Inside double quotes a backslash escapes a few characters and is itself before all others.
    fn escape_in_double(&mut self) {
        if self.continues() {
            return;
        }
        let start = self.cursor.at;
        let escaped = matches!(self.cursor.nth(1), Some(b'$' | b'`' | b'"' | b'\\'));
        self.cursor.bump(1 + usize::from(escaped));
        let text = self
            .cursor
            .slice(start + usize::from(escaped)..self.cursor.at);
        self.literal(text, start..self.cursor.at, true);
    }

    fn bracket(&mut self, opening: usize, bracket: Bracket) {
        let start = self.cursor.at;
        self.cursor.bump(opening);
        let (inner, closed) = skip(self.cursor, bracket);
        self.closed &= closed;
        self.parts.push(Part::Command {
            text: inner.to_owned(),
            range: start..self.cursor.at,
        });
    }

    fn dollar(&mut self, in_double: bool) {
        match (self.cursor.nth(1), self.cursor.nth(2)) {
            (Some(b'('), Some(b'(')) => self.bracket(3, Bracket::Arithmetic),
            (Some(b'('), _) => self.bracket(2, Bracket::Commands),
            (Some(b'{'), _) => self.parameter(in_double),
            (Some(b'\''), _) if !in_double => self.ansi(),
            (Some(b'"'), _) if !in_double => {
                self.cursor.bump(1);
                self.double();
            }
            (Some(byte), _) if is_name(byte) && !byte.is_ascii_digit() => {
                let start = self.cursor.at;
                self.cursor.bump(1);
                let name = self.cursor.take_while(is_name);
                self.variable(name, start);
            }
            (Some(b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!'), _) => {
                let start = self.cursor.at;
                self.cursor.bump(2);
                self.variable(start + 1..start + 2, start);
            }
            _ => {
                let start = self.cursor.at;
                self.cursor.bump(1);
                self.verbatim(start..start + 1, in_double);
            }
        }
    }

    fn variable(&mut self, name: Range<usize>, start: usize) {
        self.parts.push(Part::Variable {
            name: self.cursor.slice(name).to_owned(),
            operation: String::new(),
            range: start..self.cursor.at,
        });
    }

    /// `${...}`: a sign, a name, an operation.
    fn parameter(&mut self, in_double: bool) {
        let start = self.cursor.at;
        self.cursor.bump(2);
        let (inner, closed) = skip(self.cursor, Bracket::Parameter { in_double });
        self.closed &= closed;
        let bytes = inner.as_bytes();
        let sign = usize::from(bytes.len() > 1 && matches!(bytes.first(), Some(b'#' | b'!')));
        let name = bytes
            .iter()
            .skip(sign)
            .take_while(|&&byte| is_name(byte))
            .count();
        let special = usize::from(name == 0 && bytes.len() > sign);
        let length = sign + name + special;
        let (name, operation) = inner.split_at_checked(length).unwrap_or((inner, ""));
        self.parts.push(Part::Variable {
            name: name.to_owned(),
            operation: operation.to_owned(),
            range: start..self.cursor.at,
        });
    }

    /// `$'...'` with C's escapes.
    fn ansi(&mut self) {
        self.cursor.bump(2);
        let before = self.parts.len();
        loop {
            let range = self
                .cursor
                .take_while(|byte| !matches!(byte, b'\'' | b'\\'));
            if !range.is_empty() {
                self.verbatim(range, true);
            }
            if self.cursor.peek() != Some(b'\\') {
                break;
            }
            let start = self.cursor.at;
            let text = ansi::escape(self.cursor);
            self.literal(&text, start..self.cursor.at, true);
        }
        if self.parts.len() == before {
            self.verbatim(self.cursor.at..self.cursor.at, true);
        }
        self.close();
    }

    /// Whether the parenthesis at the cursor opens the elements of `NAME=( )`.
    fn opens_array(&self) -> bool {
        let written = self.cursor.slice(self.start..self.cursor.at);
        let Some(name) = written.strip_suffix('=') else {
            return false;
        };
        let name = name.strip_suffix('+').unwrap_or(name);
        !name.is_empty()
            && name.bytes().all(is_name)
            && !name.starts_with(|c: char| c.is_ascii_digit())
    }

    /// The elements of an array, joined by one space each.
    fn array(&mut self) {
        self.cursor.bump(1);
        let mut first = true;
        loop {
            let gap = self.cursor.at;
            self.array_gap();
            match self.cursor.peek() {
                None => {
                    self.closed = false;
                    return;
                }
                Some(b')') => return self.cursor.bump(1),
                Some(b'<' | b'>') if self.cursor.nth(1) == Some(b'(') => {}
                Some(b'(' | b'<' | b'>' | b';' | b'&' | b'|') => {
                    self.cursor.bump(1);
                    self.closed = false;
                    continue;
                }
                Some(_) => {}
            }
            if !std::mem::take(&mut first) {
                self.literal(" ", gap..self.cursor.at, false);
            }
            // An element may hold no array of its own, so this goes one level deep only.
            self.element();
        }
    }

    fn array_gap(&mut self) {
        loop {
            self.cursor.skip_blanks();
            match self.cursor.peek() {
                Some(b'\n') => self.cursor.bump(1),
                Some(b'#') => self.cursor.skip_line(),
                _ => return,
            }
        }
    }

    fn element(&mut self) {
        let (word, closed) = read_element(self.cursor);
        self.closed &= closed;
        self.parts.extend(word.parts);
    }

    /// Whether the parenthesis at the cursor belongs to a pattern such as `!(a|b)`.
    fn opens_pattern(&self) -> bool {
        let written = self.cursor.slice(self.start..self.cursor.at);
        written.ends_with(['?', '*', '+', '@', '!']) && (written.len() > 1 || written != "!")
    }

    fn pattern(&mut self) {
        let start = self.cursor.at;
        self.cursor.bump(1);
        let (_, closed) = skip(self.cursor, Bracket::Commands);
        self.closed &= closed;
        self.verbatim(start..self.cursor.at, false);
    }
}

/// A word inside an array: parentheses end it.
fn read_element(cursor: &mut Cursor<'_>) -> (Word, bool) {
    let mut reader = Reader::new(cursor);
    // The start is set behind any `NAME=`, so that nothing in it looks like an array.
    let _ = reader
        .cursor
        .take_while(|byte| is_name(byte) || matches!(byte, b'=' | b'+'));
    let range = reader.start..reader.cursor.at;
    if !range.is_empty() {
        reader.verbatim(range, false);
        reader.start = reader.cursor.at;
    }
    reader.unquoted();
    reader.finish()
}
