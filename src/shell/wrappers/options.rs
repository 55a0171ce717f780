//! Reads the options of a command line up to its first operand.

use crate::shell::syntax::Word;
use crate::shell::tables::lists;

/// Options at the start of an argument list.
#[derive(Debug, Default)]
pub(super) struct Options {
    /// Name with dashes, and value.
    pub(super) given: Vec<(String, Option<Word>)>,
    /// The first word that is no option.
    pub(super) end: usize,
}

impl Options {
    pub(super) fn read(words: &[Word], start: usize, values: &str) -> Self {
        let mut options = Self {
            given: Vec::new(),
            end: start,
        };
        while let Some(text) = words.get(options.end).map(Word::shown) {
            if !text.starts_with('-') || text == "-" {
                break;
            }
            options.end += 1;
            if text == "--" {
                break;
            }
            let next = words.get(options.end);
            let separate = if text.starts_with("--") {
                options.long(&text, next, values)
            } else {
                options.short(&text, next, values)
            };
            options.end += usize::from(separate && next.is_some());
        }
        options
    }

    fn long(&mut self, text: &str, next: Option<&Word>, values: &str) -> bool {
        if let Some((name, value)) = text.split_once('=') {
            self.given
                .push((name.to_owned(), Some(Word::plain(value, 0..0))));
            return false;
        }
        let separate = lists(values, text);
        self.given
            .push((text.to_owned(), next.filter(|_| separate).cloned()));
        separate
    }

    /// `-abc`: letters up to the first that takes a value.
    fn short(&mut self, text: &str, next: Option<&Word>, values: &str) -> bool {
        let letters = text.get(1..).unwrap_or_default();
        for (at, letter) in letters.char_indices() {
            let name = format!("-{letter}");
            let rest = letters.get(at + letter.len_utf8()..).unwrap_or_default();
            if !lists(values, &name) {
                self.given.push((name, None));
                continue;
            }
            let separate = rest.is_empty();
            let value = if separate {
                next.cloned()
            } else {
                Some(Word::plain(rest, 0..0))
            };
            self.given.push((name, value));
            return separate;
        }
        false
    }

    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.given
            .iter()
            .any(|(given, _)| names.contains(&given.as_str()))
    }

    pub(super) fn value(&self, name: &str) -> Option<String> {
        self.given
            .iter()
            .find(|(given, _)| given == name)?
            .1
            .as_ref()
            .map(Word::shown)
    }

    pub(super) fn values_of(&self, names: &[&str]) -> Vec<String> {
        let of = self
            .given
            .iter()
            .filter(|(given, _)| names.contains(&given.as_str()));
        of.filter_map(|(_, value)| value.as_ref().map(Word::shown))
            .collect()
    }
}
