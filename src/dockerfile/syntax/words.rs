//! Words and `key=value` pairs as BuildKit splits them; quotes and escapes stay in the words.

use std::ops::Range;

use super::{Args, Escape, Keyword, Pair, Problem, Word};
use crate::text::Span;

use super::logical::Logical;
use super::runes;

/// Words between blanks, quotes without meaning: FROM, EXPOSE, COPY, ADD, VOLUME.
pub(super) fn plain(line: &Logical<'_>, range: Range<usize>) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = range.start;
    for (at, &byte) in range.clone().zip(line.slice(&range)) {
        if runes::separates(byte) {
            if start < at {
                words.push(line.word(start..at));
            }
            start = at + 1;
        }
    }
    if start < range.end {
        words.push(line.word(start..range.end));
    }
    words
}

/// The names and `name=value` pairs of ARG.
pub(super) fn names(line: &Logical<'_>, range: Range<usize>, escape: Escape) -> Args {
    let words = Shellwords {
        line,
        at: range.start,
        end: range.end,
        escape: escape.byte(),
    };
    let pairs: Vec<Pair> = words.map(|word| pair(line, word)).collect();
    if pairs.is_empty() {
        Args::None
    } else {
        Args::Pairs(pairs)
    }
}

/// The pairs of ENV and LABEL, in the form with `=` or in the old one without.
pub(super) fn pairs(
    line: &Logical<'_>,
    range: Range<usize>,
    escape: Escape,
    keyword: Keyword,
    problems: &mut Vec<Problem>,
) -> Args {
    let words = Shellwords {
        line,
        at: range.start,
        end: range.end,
        escape: escape.byte(),
    };
    let mut pairs = Vec::new();
    for word in words {
        let read = pair(line, word.clone());
        if read.value.is_none() {
            if pairs.is_empty() {
                return legacy(line, range, keyword, problems);
            }
            let message = "no `=` in this word: must be of the form name=value".to_owned();
            problems.push(Problem {
                span: line.span(word),
                message,
                fatal: true,
            });
        }
        pairs.push(read);
    }
    if pairs.is_empty() {
        Args::None
    } else {
        Args::Pairs(pairs)
    }
}

/// `ENV KEY the rest`.
fn legacy(
    line: &Logical<'_>,
    range: Range<usize>,
    keyword: Keyword,
    problems: &mut Vec<Problem>,
) -> Args {
    let text = line.slice(&range);
    let gap = text
        .iter()
        .position(|&b| runes::separates(b))
        .unwrap_or(text.len());
    let key = range.start..range.start + gap;
    let after = text.get(gap..).unwrap_or_default();
    let Some(blanks) = after.iter().position(|&b| !runes::separates(b)) else {
        let message = format!("{} must have two arguments", keyword.as_str());
        problems.push(Problem {
            span: line.span(range),
            message,
            fatal: true,
        });
        let pair = Pair {
            key: line.word(key),
            value: None,
            legacy: true,
        };
        return Args::Pairs(vec![pair]);
    };
    let value = line.word(key.end + blanks..range.end);
    Args::Pairs(vec![Pair {
        key: line.word(key),
        value: Some(value),
        legacy: true,
    }])
}

fn pair(line: &Logical<'_>, word: Range<usize>) -> Pair {
    match memchr::memchr(b'=', line.slice(&word)) {
        None => Pair {
            key: line.word(word),
            value: None,
            legacy: false,
        },
        Some(equals) => {
            let equals = word.start + equals;
            let mut key = line.word(word.start..equals);
            if key.span.is_empty() {
                // It stands at its `=`, even where a continuation precedes that.
                key.span = Span::empty(line.span(equals..word.end).start);
            }
            let value = Some(line.word(equals + 1..word.end));
            Pair {
                key,
                value,
                legacy: false,
            }
        }
    }
}

/// The quote that a word opens and does not close.
pub(super) fn open_quote(word: &str, escape: Escape) -> Option<char> {
    let mut open = None;
    let mut letters = word.chars();
    while let Some(ch) = letters.next() {
        if ch == char::from(escape.byte()) && open != Some('\'') {
            letters.next();
        } else if open == Some(ch) {
            open = None;
        } else if open.is_none() && matches!(ch, '\'' | '"') {
            open = Some(ch);
        }
    }
    open
}

/// Words between blanks that stand outside quotes.
struct Shellwords<'a> {
    line: &'a Logical<'a>,
    at: usize,
    end: usize,
    escape: u8,
}

impl Shellwords<'_> {
    fn peek(&self, at: usize) -> Option<(char, usize)> {
        let bytes = self.line.bytes().get(..self.end).unwrap_or_default();
        runes::decode(bytes, at)
    }

    /// How many bytes from `at` on are letters that no rule of words is about.
    fn plain(&self, at: usize) -> usize {
        let rest = self.line.slice(&(at..self.end));
        let special = |&byte: &u8| {
            byte <= b' ' || byte >= 0x7f || byte == b'\'' || byte == b'"' || byte == self.escape
        };
        rest.iter().position(special).unwrap_or(rest.len())
    }
}

impl Iterator for Shellwords<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        while let Some((ch, width)) = self.peek(self.at)
            && ch.is_whitespace()
        {
            self.at += width;
        }
        let start = self.at;
        let mut quote = None;
        self.at += self.plain(self.at);
        while let Some((ch, width)) = self.peek(self.at) {
            if quote.is_none() && ch.is_whitespace() {
                break;
            }
            let mut step = width;
            if ch == char::from(self.escape) && quote != Some('\'') {
                let Some((_, escaped)) = self.peek(self.at + width) else {
                    // An escape character at the very end is no part of the word.
                    let word = start..self.at;
                    self.at = self.end;
                    return (!word.is_empty()).then_some(word);
                };
                step += escaped;
            } else if quote == Some(ch) {
                quote = None;
            } else if quote.is_none() && matches!(ch, '\'' | '"') {
                quote = Some(ch);
            }
            self.at += step;
            self.at += self.plain(self.at);
        }
        (start < self.at).then_some(start..self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(text: &str) -> (Vec<(String, Option<String>, bool)>, usize) {
        let line = Logical::new(text.as_bytes(), Some(text), Span::new(0, text.len()));
        let mut problems = Vec::new();
        let args = pairs(
            &line,
            0..text.len(),
            Escape::Backslash,
            Keyword::Env,
            &mut problems,
        );
        let Args::Pairs(pairs) = args else {
            panic!("{args:?}")
        };
        let text = |word: Word| word.raw.as_str().to_owned();
        let read = |pair: Pair| (text(pair.key), pair.value.map(text), pair.legacy);
        (pairs.into_iter().map(read).collect(), problems.len())
    }

    fn read(key: &str, value: &str, legacy: bool) -> (String, Option<String>, bool) {
        (key.to_owned(), Some(value.to_owned()), legacy)
    }

    #[test]
    fn quotes_and_escapes_hold_words_together_and_stay() {
        let (pairs, problems) = env(r#"A="b c" D='e\' F=g\ h"i j"k L="#);
        let expected = [
            ("A", "\"b c\""),
            ("D", "'e\\'"),
            ("F", "g\\ h\"i j\"k"),
            ("L", ""),
        ];
        assert_eq!(pairs, expected.map(|(key, value)| read(key, value, false)));
        assert_eq!(problems, 0);
    }

    #[test]
    fn quotes_are_closed() {
        let open = |word: &str| open_quote(word, Escape::Backslash);
        for word in ["", "'a\\'", "\"a\\\"b\"", "a\\'b", "\"it's\"", "'\"'"] {
            assert_eq!(open(word), None, "{word}");
        }
        assert_eq!(open("it's"), Some('\''));
        assert_eq!(open("\"a\\\""), Some('"'));
        assert_eq!(open_quote("a\\'b", Escape::Backtick), Some('\''));
    }

    #[test]
    fn the_first_word_decides_for_the_old_form() {
        assert_eq!(env("A  b=c  d"), (vec![read("A", "b=c  d", true)], 0));
        assert_eq!(env("\"A B\" c"), (vec![read("\"A", "B\" c", true)], 0));
        assert_eq!(env("A=b c").1, 1);
        assert_eq!(env("A"), (vec![("A".to_owned(), None, true)], 1));
    }

    #[test]
    fn an_empty_key_stands_at_its_equals_sign() {
        let source = b"ENV \\\n=b";
        let mut line = Logical::new(source, None, Span::new(0, 4));
        line.push(Span::new(6, 8));
        let found = pair(&line, 4..6);
        assert_eq!(
            (found.key.span, found.value.unwrap().span),
            (Span::empty(6), Span::new(7, 8))
        );
    }

    #[test]
    fn an_escape_at_the_end_is_no_word() {
        let text = "A \\";
        let line = Logical::new(text.as_bytes(), Some(text), Span::new(0, text.len()));
        let Args::Pairs(found) = names(&line, 0..text.len(), Escape::Backslash) else {
            panic!()
        };
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].key.span, Span::new(0, 1));
    }
}
