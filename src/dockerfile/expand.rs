//! Quotes off, variables in: a word as the builder's own expansion sees it.
//!
//! Semantics: BuildKit's `frontend/dockerfile/shell` lexer. Single quotes keep everything; double
//! quotes keep all but `"`, `$` and the escape character behind an escape; a variable that nothing
//! sets becomes nothing; `$(...)` is no syntax at all and stays.

use std::cell::Cell;
use std::ops::Range;

use super::syntax::Escape;
use crate::model::{Erased, Value};
use crate::text::{Place, Traced};

/// What a variable stands for where the word stands.
#[derive(Clone, Debug)]
pub(super) enum Lookup {
    /// Its value.
    Value(Value),
    /// Nothing sets it.
    Unset,
    /// Set at build time to something the file does not say.
    Unknown,
}

/// `${A:-${B:-...}}` is followed this deep; what lies deeper stays as written.
const DEPTH: usize = 16;

/// A value that grows past this, by expanding itself again and again, is not followed: in bytes.
const LONGEST: usize = 64 << 10;

/// How many bytes the values that are put in may still add: thousands of variables that double each
/// other would each grow to the longest.
#[derive(Debug)]
pub(super) struct Room(Cell<usize>);

impl Room {
    /// The room for a file of that many bytes.
    pub(super) const fn of(length: usize) -> Self {
        Self(Cell::new((1 << 20) + 8 * length))
    }

    /// Takes that much, if it is there.
    fn take(&self, bytes: usize) -> bool {
        let left = self.0.get().checked_sub(bytes);
        left.inspect(|&left| self.0.set(left)).is_some()
    }
}

/// Expands `raw`; `file` is the place that references are reported at.
#[must_use]
pub(super) fn expand(
    raw: &Traced,
    escape: Escape,
    file: &Place,
    room: &Room,
    lookup: &dyn Fn(&str) -> Lookup,
) -> Value {
    let mut expander = Expander {
        raw,
        text: raw.as_str(),
        escape: escape.byte() as char,
        file,
        room,
        lookup,
        value: Value::default(),
    };
    expander.run(0..raw.as_str().len(), 0);
    expander.value
}

struct Expander<'a> {
    raw: &'a Traced,
    text: &'a str,
    escape: char,
    file: &'a Place,
    room: &'a Room,
    lookup: &'a dyn Fn(&str) -> Lookup,
    value: Value,
}

impl Expander<'_> {
    fn run(&mut self, range: Range<usize>, depth: usize) {
        let mut at = range.start;
        let mut double = false;
        while at < range.end {
            let Some(char) = self.char(at) else { return };
            let next = at + char.len_utf8();
            match char {
                '\'' if !double => {
                    let close = self.find(next..range.end, '\'');
                    self.value.text.push_traced(self.raw, next..close);
                    at = (close + 1).min(range.end);
                }
                '"' => {
                    double = !double;
                    at = next;
                }
                '$' => at = self.dollar(at, range.end, depth),
                _ if char == self.escape => at = self.escaped(at, range.end, double),
                _ => {
                    let end = self.plain(at, range.end);
                    self.value.text.push_traced(self.raw, at..end);
                    at = end;
                }
            }
        }
    }

    fn char(&self, at: usize) -> Option<char> {
        self.text.get(at..)?.chars().next()
    }

    fn find(&self, range: Range<usize>, char: char) -> usize {
        let text = self.text.get(range.clone()).unwrap_or_default();
        text.find(char).map_or(range.end, |at| range.start + at)
    }

    /// The end of the run of ordinary characters that starts at `at`, which is one itself.
    fn plain(&self, at: usize, end: usize) -> usize {
        let text = self.text.get(at..end).unwrap_or_default();
        let special = |c: char| matches!(c, '\'' | '"' | '$') || c == self.escape;
        let first = text.chars().next().map_or(1, char::len_utf8);
        text.get(first..)
            .and_then(|rest| rest.find(special))
            .map_or(end, |found| at + first + found)
    }

    fn escaped(&mut self, at: usize, end: usize, double: bool) -> usize {
        let next = at + self.escape.len_utf8();
        let Some(char) = self.char(next).filter(|_| next < end) else {
            return end;
        };
        let after = next + char.len_utf8();
        let keeps_escape = double && char != '"' && char != '$' && char != self.escape;
        let from = if keeps_escape { at } else { next };
        self.value.text.push_traced(self.raw, from..after);
        after
    }

    /// Handles what follows a `$` at `at`; gives where to go on.
    fn dollar(&mut self, at: usize, end: usize, depth: usize) -> usize {
        let next = at + 1;
        match self.char(next).filter(|_| next < end) {
            Some('{') => self.braces(at, end, depth),
            Some(char) if char == '_' || char.is_ascii_alphabetic() => {
                let text = self.text.get(next..end).unwrap_or_default();
                let length = text
                    .find(|c: char| c != '_' && !c.is_ascii_alphanumeric())
                    .unwrap_or(text.len());
                self.variable(at..next + length, next..next + length, None, depth);
                next + length
            }
            Some(char)
                if char.is_ascii_digit() || matches!(char, '@' | '*' | '#' | '?' | '-' | '!') =>
            {
                next + 1
            }
            _ => {
                self.value.text.push_traced(self.raw, at..next);
                next
            }
        }
    }

    fn braces(&mut self, at: usize, end: usize, depth: usize) -> usize {
        let start = at + 2;
        let close = self.closing(start, end);
        let inner = self.text.get(start..close).unwrap_or_default();
        let length = inner
            .find(|c: char| c != '_' && !c.is_ascii_alphanumeric())
            .unwrap_or(inner.len());
        let name = start..start + length;
        let operation = (name.end < close).then_some(name.end..close);
        let after = (close + 1).min(end);
        self.variable(at..after, name, operation, depth);
        after
    }

    /// Where the brace that was opened before `start` closes.
    fn closing(&self, start: usize, end: usize) -> usize {
        let mut depth = 0usize;
        for (at, char) in self.text.get(start..end).unwrap_or_default().char_indices() {
            match char {
                '{' => depth += 1,
                '}' if depth == 0 => return start + at,
                '}' => depth -= 1,
                _ => {}
            }
        }
        end
    }

    fn variable(
        &mut self,
        whole: Range<usize>,
        name: Range<usize>,
        operation: Option<Range<usize>>,
        depth: usize,
    ) {
        let name = self.text.get(name).unwrap_or_default().to_owned();
        let found = (self.lookup)(&name);
        let Some(operation) = operation else {
            return self.insert(&name, found, &whole);
        };
        let text = self.text.get(operation.clone()).unwrap_or_default();
        let colon = usize::from(text.starts_with(':'));
        let sign = text.get(colon..).and_then(|rest| rest.chars().next());
        let word = operation.start + colon + sign.map_or(0, char::len_utf8)..operation.end;
        let set = match &found {
            Lookup::Value(value) => colon == 0 || !value.text.is_empty() || value.unknown.is_some(),
            Lookup::Unset => false,
            Lookup::Unknown => return self.insert(&name, found, &whole),
        };
        match sign {
            Some('+') if set && depth < DEPTH => self.run(word, depth + 1),
            Some('+') => {}
            Some('-') if !set && depth < DEPTH => self.run(word, depth + 1),
            Some('-' | '?') | None => self.insert(&name, found, &whole),
            // Pattern removal and replacement: what comes out is not worth guessing.
            Some(_) => self.insert(&name, Lookup::Unknown, &whole),
        }
    }

    fn insert(&mut self, name: &str, found: Lookup, whole: &Range<usize>) {
        let Some(source) = self.raw.source(whole.clone()) else {
            return;
        };
        match found {
            Lookup::Value(value)
                if self.value.text.as_str().len() + value.text.as_str().len() > LONGEST
                    || !self.room.take(value.text.as_str().len()) =>
            {
                self.value.unknown.get_or_insert_with(|| name.to_owned());
            }
            Lookup::Value(value) => {
                self.value.text.push_from(value.text.as_str(), source);
                self.value.unknown = self.value.unknown.take().or(value.unknown);
            }
            Lookup::Unset => {
                let at = self.value.text.as_str().len();
                self.value.erased.push(Erased {
                    name: name.to_owned(),
                    place: self.file.at(source),
                    at,
                });
            }
            Lookup::Unknown => {
                self.value.text.push_from(&format!("${{{name}}}"), source);
                self.value.unknown.get_or_insert_with(|| name.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{SourceFile, Span};

    fn expanded(text: &str) -> (String, Option<String>, Vec<String>) {
        let file = SourceFile::new("Dockerfile", text.as_bytes().to_vec());
        let raw = Traced::verbatim(text.as_bytes(), Span::new(0, text.len()));
        let lookup = |name: &str| match name {
            "A" => Lookup::Value(Value {
                text: Traced::verbatim(b"x y", Span::new(0, 3)),
                ..Value::default()
            }),
            "EMPTY" => Lookup::Value(Value::default()),
            "ARG" => Lookup::Unknown,
            _ => Lookup::Unset,
        };
        let value = expand(
            &raw,
            Escape::Backslash,
            &Place::new(&file, Span::default()),
            &Room::of(0),
            &lookup,
        );
        let erased = value
            .erased
            .iter()
            .map(|erased| erased.name.clone())
            .collect();
        (value.text.as_str().to_owned(), value.unknown, erased)
    }

    #[test]
    fn words_expand_as_the_builder_expands_them() {
        for (word, text) in [
            ("plain", "plain"),
            ("'$A'", "$A"),
            ("\"$A\"", "x y"),
            (r"\$A", "$A"),
            (r#""a\b\"\$""#, "a\\b\"$"),
            ("/usr/$A/lib", "/usr/x y/lib"),
            ("${A}b", "x yb"),
            ("${NO:-d}", "d"),
            ("${NO:-${A}}", "x y"),
            ("${A:-d}", "x y"),
            ("${EMPTY:-d}", "d"),
            ("${EMPTY-d}", ""),
            ("${A:+:${A}}", ":x y"),
            ("${EMPTY:+z}", ""),
            ("\"$(uname -m)\"", "$(uname -m)"),
            ("a$", "a$"),
            ("$1x", "x"),
            ("${A", "x y"),
            ("caf\u{e9}\\", "caf\u{e9}"),
        ] {
            assert_eq!(expanded(word).0, text, "{word}");
        }
    }

    #[test]
    fn what_cannot_be_known_is_marked_and_what_vanishes_is_named() {
        assert_eq!(
            expanded("/usr/$LIB/x"),
            ("/usr//x".into(), None, vec!["LIB".into()])
        );
        assert_eq!(
            expanded("/a/${ARG}/x"),
            ("/a/${ARG}/x".into(), Some("ARG".into()), vec![])
        );
        assert_eq!(expanded("${ARG#*/}").1, Some("ARG".into()));
    }

    #[test]
    fn deep_nesting_ends() {
        let deep = "${A:+".repeat(100_000);
        assert!(expanded(&deep).0.len() < 10);
    }
}
