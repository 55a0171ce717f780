//! Where settings begin and end in the string, and what ends the reading: the same in every version.

use std::ops::Range;

/// The string, taken apart.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// Name and value of each setting that is read.
    pub(super) pairs: Vec<(Range<usize>, Range<usize>)>,
    pub(super) broken: Option<Break>,
    pub(super) final_comma: bool,
}

/// What ends the reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// How.
    pub kind: BreakKind,
    /// Where the setting begins that is no more read; all from here on is lost.
    pub from: usize,
    /// The byte at which jemalloc gives up.
    pub at: usize,
}

/// How a reading ends before the string does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakKind {
    /// `Malformed conf string`: a character that no name has.
    Character(char),
    /// `Conf string ends with key`: no colon and no value.
    NoValue,
}

/// Takes a string apart as `malloc_conf_next` does.
pub(super) fn split(text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    let mut from = 0;
    while from < text.len() {
        let rest = text.get(from..).unwrap_or_default();
        let stop = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let at = from + stop.unwrap_or(rest.len());
        match text.get(at..).and_then(|tail| tail.chars().next()) {
            Some(':') => {}
            Some(c) => {
                let kind = BreakKind::Character(c);
                parsed.broken = Some(Break { kind, from, at });
                return parsed;
            }
            None => {
                let kind = BreakKind::NoValue;
                parsed.broken = Some(Break { kind, from, at });
                return parsed;
            }
        }
        let value = at + 1;
        let comma = text.get(value..).and_then(|tail| tail.find(','));
        let end = comma.map_or(text.len(), |comma| value + comma);
        parsed.pairs.push((from..at, value..end));
        parsed.final_comma = comma.is_some() && end + 1 == text.len();
        from = end + 1;
    }
    parsed
}
