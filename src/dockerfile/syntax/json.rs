//! The JSON form: an array of strings, and nothing else, makes an instruction's exec form.

use std::ops::Range;

use super::JsonString;
use crate::text::{Span, Traced};

use super::logical::Logical;
use super::runes;

/// What an instruction's arguments are to Go's `encoding/json`.
#[derive(Debug)]
pub(super) enum Form {
    /// An array of strings.
    Strings(Vec<JsonString>),
    /// A JSON array that holds something other than a string: BuildKit refuses the file.
    Mixed,
    /// No JSON array: the shell form, or words.
    NotJson,
}

/// As deep as Go's decoder goes; deeper is not JSON to it.
const DEEPEST: usize = 10_000;

/// Reads the text of `range`.
pub(super) fn read(line: &Logical<'_>, range: Range<usize>) -> Form {
    let range = runes::trim_start(line.bytes(), range);
    if line.slice(&range).first() != Some(&b'[') {
        return Form::NotJson;
    }
    let mut scanner = Scanner {
        text: line.slice(&range),
        at: 0,
        overflow: false,
    };
    let Some(array) = scanner.document() else {
        return Form::NotJson;
    };
    if scanner.overflow {
        // Go's decoder fails on a number out of range before BuildKit sees the elements.
        return Form::NotJson;
    }
    match array {
        None => Form::Mixed,
        Some(strings) => {
            let shift = |s: Range<usize>| range.start + s.start..range.start + s.end;
            Form::Strings(
                strings
                    .into_iter()
                    .map(|s| string(line, shift(s)))
                    .collect(),
            )
        }
    }
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    /// A number does not fit a 64-bit float.
    overflow: bool,
}

/// What may stand at a place of the document.
#[derive(Clone, Copy, PartialEq)]
enum Expect {
    Value,
    ValueOrClose,
    KeyOrClose,
    Key,
    CommaOrClose,
}

impl Scanner<'_> {
    /// The whole text as one array: `None` where it is not JSON, `Some(None)` where it is JSON
    /// but not of strings only, else where the strings stand.
    fn document(&mut self) -> Option<Option<Vec<Range<usize>>>> {
        let mut open: Vec<u8> = Vec::new();
        let mut strings = Some(Vec::new());
        let mut expect = Expect::Value;
        loop {
            self.blanks();
            let start = self.at;
            let byte = *self.text.get(self.at)?;
            expect = match (expect, byte) {
                (Expect::Value | Expect::ValueOrClose, b'[' | b'{') => {
                    if !open.is_empty() {
                        strings = None;
                    }
                    open.push(if byte == b'[' { b']' } else { b'}' });
                    if open.len() > DEEPEST {
                        return None;
                    }
                    self.at += 1;
                    if byte == b'[' {
                        Expect::ValueOrClose
                    } else {
                        Expect::KeyOrClose
                    }
                }
                (Expect::ValueOrClose | Expect::KeyOrClose | Expect::CommaOrClose, b']' | b'}') => {
                    open.pop().filter(|&close| close == byte)?;
                    self.at += 1;
                    if open.is_empty() {
                        self.blanks();
                        return (self.at == self.text.len()).then_some(strings);
                    }
                    Expect::CommaOrClose
                }
                (Expect::CommaOrClose, b',') => {
                    self.at += 1;
                    if open.last() == Some(&b']') {
                        Expect::Value
                    } else {
                        Expect::Key
                    }
                }
                (Expect::Key | Expect::KeyOrClose, b'"') => {
                    self.string()?;
                    self.blanks();
                    self.literal(b":")?;
                    Expect::Value
                }
                (Expect::Value | Expect::ValueOrClose, _) => {
                    self.scalar(byte)?;
                    match &mut strings {
                        Some(found) if byte == b'"' => found.push(start..self.at),
                        // Deeper values stand in an array that has already put an end to it.
                        _ => strings = None,
                    }
                    Expect::CommaOrClose
                }
                _ => return None,
            };
        }
    }

    fn scalar(&mut self, first: u8) -> Option<()> {
        match first {
            b'"' => self.string(),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            b'n' => self.literal(b"null"),
            _ => self.number(),
        }
    }

    fn blanks(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn literal(&mut self, word: &[u8]) -> Option<()> {
        self.text
            .get(self.at..)?
            .starts_with(word)
            .then(|| self.at += word.len())
    }

    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            let byte = *self.text.get(self.at)?;
            self.at += 1;
            match byte {
                b'"' => return Some(()),
                0..=0x1f => return None,
                b'\\' => {
                    let escape = *self.text.get(self.at)?;
                    self.at += 1;
                    match escape {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                        b'u' => {
                            hex(self.text.get(self.at..self.at + 4)?)?;
                            self.at += 4;
                        }
                        _ => return None,
                    }
                }
                _ => {}
            }
        }
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        let _ = self.literal(b"-");
        if self.literal(b"0").is_none() {
            self.digits()?;
        }
        if self.literal(b".").is_some() {
            self.digits()?;
        }
        if self.literal(b"e").or_else(|| self.literal(b"E")).is_some() {
            let _ = self.literal(b"+").or_else(|| self.literal(b"-"));
            self.digits()?;
        }
        let text = std::str::from_utf8(self.text.get(start..self.at)?).ok()?;
        self.overflow |= text.parse::<f64>().is_ok_and(f64::is_infinite);
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let count = rest
            .iter()
            .position(|b| !b.is_ascii_digit())
            .unwrap_or(rest.len());
        self.at += count;
        (count > 0).then_some(())
    }
}

/// The decoded string whose quotes stand at the ends of `range`.
fn string(line: &Logical<'_>, range: Range<usize>) -> JsonString {
    let mut value = Traced::new();
    let end = range.end - 1;
    let mut run = range.start + 1;
    let escapes = |from: usize| memchr::memchr(b'\\', line.slice(&(from..end)));
    while let Some(at) = escapes(run).map(|offset| run + offset) {
        line.trace_into(&mut value, run..at);
        let (ch, length) = unescape(line.slice(&(at..end)));
        value.push_from(ch.encode_utf8(&mut [0; 4]), line.span(at..at + length));
        run = at + length;
    }
    line.trace_into(&mut value, run..end);
    let span: Span = line.span(range);
    JsonString { span, value }
}

/// The character of the escape that `text` starts with, and the escape's length. Half a surrogate
/// pair is U+FFFD.
fn unescape(text: &[u8]) -> (char, usize) {
    let simple = match text.get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unescape_unicode(text),
        Some(&other) => char::from(other),
        None => char::REPLACEMENT_CHARACTER,
    };
    (simple, 2)
}

fn unescape_unicode(text: &[u8]) -> (char, usize) {
    let unit = |from: usize| text.get(from..from + 4).and_then(hex);
    let Some(high) = unit(2) else {
        return (char::REPLACEMENT_CHARACTER, 2);
    };
    if (0xd800..0xdc00).contains(&high)
        && text.get(6..8) == Some(b"\\u")
        && let Some(low) = unit(8).filter(|low| (0xdc00..0xe000).contains(low))
    {
        let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return (
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
            12,
        );
    }
    (
        char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER),
        6,
    )
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum, &digit| {
        Some(sum * 16 + char::from(digit).to_digit(16)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Form {
        let line = Logical::new(text.as_bytes(), Some(text), Span::new(0, text.len()));
        read(&line, 0..text.len())
    }

    #[test]
    fn strings_are_decoded_and_know_their_quotes() {
        let text = r#"["a\tb", "\ud83d\ude80\ud83d", ""]"#.replace("\\\\", "\\");
        let Form::Strings(strings) = read_text(&text) else {
            panic!("{text}")
        };
        let values: Vec<_> = strings.iter().map(|s| s.value.as_str()).collect();
        assert_eq!(values, ["a\tb", "\u{1f680}\u{fffd}", ""]);
        assert_eq!(strings[0].span.slice(text.as_bytes()), br#""a\tb""#);
        assert_eq!(strings[0].value.source(1..2), Some(Span::new(3, 5)));
    }

    #[test]
    fn only_valid_json_can_be_mixed() {
        let mixed = [
            "[1]",
            "[null, \"a\"]",
            "[[\"a\"]]",
            "[{\"a\":[1.5e-3,{}]}]",
            "[true,false]",
        ];
        for text in mixed {
            assert!(matches!(read_text(text), Form::Mixed), "{text}");
        }
        let broken = [
            "[", "[1", "[01]", "[1.]", "[a]", "[1]x", "[\"a\",]", "[}", "[{1:2}]", "[1e999]",
        ];
        for text in broken {
            assert!(matches!(read_text(text), Form::NotJson), "{text}");
        }
    }

    #[test]
    fn depth_is_limited_as_in_go() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(matches!(read_text(&nested(DEEPEST)), Form::Mixed));
        assert!(matches!(read_text(&nested(DEEPEST + 1)), Form::NotJson));
    }
}
