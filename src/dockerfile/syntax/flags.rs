//! Flags: the `--name=value` words before an instruction's arguments.

use std::ops::Range;

use super::{Escape, Flag};
use crate::text::Traced;

use super::logical::Logical;
use super::runes;

/// Reads the flags at the start of `range` and returns where the arguments start.
///
/// BuildKit reads flags from every instruction, and byte by byte: the bytes 0x85 and 0xA0 are
/// blanks to it even inside a longer character.
pub(super) fn read(line: &Logical<'_>, range: Range<usize>, escape: Escape) -> (Vec<Flag>, usize) {
    let mut flags = Vec::new();
    let mut at = range.start;
    loop {
        let rest = line.slice(&(at..range.end));
        let Some(blanks) = rest.iter().position(|&b| !runes::is_blank_byte(b)) else {
            return (flags, range.end);
        };
        at += blanks;
        if !line.slice(&(at..range.end)).starts_with(b"--") {
            return (flags, at);
        }
        let word = FlagWord::read(line, at..range.end, escape.byte());
        at = word.range.end;
        if word.is_end_of_flags(line) {
            return (flags, at);
        }
        flags.push(word.into_flag(line));
    }
}

/// A word with its quotes and escapes told apart from its text.
struct FlagWord {
    range: Range<usize>,
    /// What stays of it.
    kept: Vec<Range<usize>>,
}

impl FlagWord {
    fn read(line: &Logical<'_>, range: Range<usize>, escape: u8) -> Self {
        let mut kept = Vec::new();
        let mut quote = None;
        let mut run = range.start;
        let mut bytes = range.clone().zip(line.slice(&range).iter().copied());
        while let Some((at, byte)) = bytes.next() {
            if quote.is_none() && runes::is_blank_byte(byte) {
                kept.push(run..at);
                return Self {
                    range: range.start..at,
                    kept,
                };
            }
            let closes = quote == Some(byte);
            let opens = quote.is_none() && matches!(byte, b'\'' | b'"');
            if closes || opens || byte == escape {
                kept.push(run..at);
                run = at + 1;
            }
            if closes || opens {
                quote = if opens { Some(byte) } else { None };
            } else if byte == escape {
                // What follows is text, whatever it is.
                let _ = bytes.next();
            }
        }
        kept.push(run..range.end);
        Self { range, kept }
    }

    /// A bare `--` says that what follows are arguments.
    fn is_end_of_flags(&self, line: &Logical<'_>) -> bool {
        self.kept.iter().map(Range::len).sum::<usize>() == 2
            && self
                .kept
                .iter()
                .all(|run| line.slice(run).iter().all(|&b| b == b'-'))
    }

    fn into_flag(self, line: &Logical<'_>) -> Flag {
        let mut name = String::new();
        let mut name_is = |run| name.push_str(&String::from_utf8_lossy(line.slice(&run)));
        let mut value: Option<Traced> = None;
        let dashes = self.range.start + 2;
        for run in self.kept {
            let run = run.start.max(dashes)..run.end;
            match &mut value {
                Some(value) => line.trace_into(value, run),
                None => match memchr::memchr(b'=', line.slice(&run)) {
                    Some(equals) => {
                        name_is(run.start..run.start + equals);
                        value = Some(line.traced(run.start + equals + 1..run.end));
                    }
                    None => name_is(run),
                },
            }
        }
        Flag {
            name,
            value,
            span: line.span(self.range),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Span;

    fn flags(text: &str) -> (Vec<(String, Option<String>)>, &str) {
        let line = Logical::new(text.as_bytes(), Some(text), Span::new(0, text.len()));
        let (flags, rest) = read(&line, 0..text.len(), Escape::Backslash);
        let value = |flag: &Flag| flag.value.as_ref().map(|value| value.as_str().to_owned());
        (
            flags
                .into_iter()
                .map(|flag| (flag.name.clone(), value(&flag)))
                .collect(),
            &text[rest..],
        )
    }

    #[test]
    fn quotes_and_escapes_go_and_the_first_other_word_ends_them() {
        let (found, rest) = flags(r#" --a="b c"d --e\ f --'g=h' i --j"#);
        let expected = [("a", Some("b cd")), ("e f", None), ("g", Some("h"))];
        assert_eq!(
            found,
            expected.map(|(name, value)| (name.into(), value.map(String::from)))
        );
        assert_eq!(rest, "i --j");
    }

    #[test]
    fn two_dashes_alone_end_them_too() {
        assert_eq!(flags("--a -- --b"), (vec![("a".into(), None)], " --b"));
        assert_eq!(flags("--\"\" b"), (vec![], " b"));
        assert_eq!(flags("-a"), (vec![], "-a"));
    }

    #[test]
    fn a_flag_spans_its_quotes() {
        let text = "--a='b c' d";
        let line = Logical::new(text.as_bytes(), Some(text), Span::new(0, text.len()));
        let (found, _) = read(&line, 0..text.len(), Escape::Backslash);
        assert_eq!(found[0].span, Span::new(0, 9));
        assert_eq!(
            found[0].value.as_ref().unwrap().whole(),
            Some(Span::new(5, 8))
        );
    }
}
