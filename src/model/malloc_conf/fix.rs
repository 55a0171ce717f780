//! What the writer of a broken `MALLOC_CONF` meant, where that is clear.

use super::grammar::split;
use super::{Effect, Jemalloc, Verdict, read};
use crate::facts::{JemallocOption, OptionKind, jemalloc_near};

/// A text that is read as it was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fixed {
    pub text: String,
    /// A name in it is a guess.
    pub guessed: bool,
}

/// The whole string, where all of it can be fixed: separators, stray quotes and blanks, and what
/// [`fix_pair`] fixes.
#[must_use]
pub(crate) fn fix(text: &str, readers: &[Jemalloc]) -> Option<Fixed> {
    let mut parts = Vec::new();
    let mut guessed = false;
    for part in parts_of(text) {
        let (key, value) = part.split_once([':', '='])?;
        let fixed = fix_pair(key, value.trim_matches(QUOTES), readers)?;
        guessed |= fixed.guessed;
        parts.push(fixed.text);
    }
    let text = parts.join(",");
    (!text.is_empty() && is_read(&text, readers)).then_some(Fixed { text, guessed })
}

/// The string with right separators and nothing around them, so that jemalloc gets to see every setting;
/// whether it takes them is another matter.
#[must_use]
pub(crate) fn separate(text: &str) -> Option<String> {
    let pair = |part: String| {
        let (key, value) = part.split_once([':', '='])?;
        Some(format!("{key}:{}", value.trim_matches(QUOTES)))
    };
    let text = parts_of(text)
        .map(pair)
        .collect::<Option<Vec<_>>>()?
        .join(",");
    let parsed = split(&text);
    (!text.is_empty() && parsed.broken.is_none()).then_some(text)
}

/// What stands between separators of any kind.
fn parts_of(text: &str) -> impl Iterator<Item = String> {
    let bare = text.trim().trim_matches(QUOTES).trim();
    let parts: Vec<String> = joined(bare)
        .split([',', ';', ' '])
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    parts.into_iter()
}

const QUOTES: [char; 6] = ['"', '\'', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}'];

/// The string with its blanks as single ones, and none around separators.
fn joined(text: &str) -> String {
    let mut joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for separator in [',', ';', ':', '='] {
        joined = joined
            .split(separator)
            .map(str::trim)
            .collect::<Vec<_>>()
            .join(&separator.to_string());
    }
    joined
}

/// One setting: a name that is nearly one, and words and numbers that are written otherwise.
#[must_use]
pub(crate) fn fix_pair(key: &str, value: &str, readers: &[Jemalloc]) -> Option<Fixed> {
    let newest = readers.last()?;
    let (option, guessed) = match super::option_of(key, newest.version) {
        Some(option) => (option, false),
        None => (jemalloc_near(key, newest.version)?, true),
    };
    let key = if guessed { option.name.as_str() } else { key };
    let as_written = format!("{key}:{value}");
    if is_read(&as_written, readers) {
        return Some(Fixed {
            text: as_written,
            guessed,
        });
    }
    let text = format!("{key}:{}", meant(option, value.trim())?);
    is_read(&text, readers).then_some(Fixed { text, guessed })
}

/// Whether every reader takes all of it.
fn is_read(text: &str, readers: &[Jemalloc]) -> bool {
    readers.iter().all(|jemalloc| {
        let reading = read(text, *jemalloc);
        let whole = reading.broken.is_none() && !reading.final_comma;
        let taken = |verdict: &Verdict| {
            !verdict.is_rejection() && !matches!(verdict, Verdict::Taken(_, Effect::Clipped(_)))
        };
        whole
            && reading
                .settings
                .iter()
                .all(|setting| taken(&setting.verdict))
    })
}

/// The value that is surely meant.
fn meant(option: &JemallocOption, value: &str) -> Option<String> {
    let lower = value.to_ascii_lowercase();
    match option.kind {
        OptionKind::Bool => truth(&lower).map(str::to_owned),
        OptionKind::Words | OptionKind::Starts => {
            let word = option.words().find(|word| *word == lower);
            let never = || {
                option
                    .words()
                    .find(|word| matches!(*word, "disabled" | "never" | "false"))
                    .filter(|_| truth(&lower) == Some("false"))
            };
            word.or_else(never).map(str::to_owned)
        }
        OptionKind::Unsigned | OptionKind::Signed => number(option, &lower),
        OptionKind::Ratio | OptionKind::Letters | OptionKind::Text | OptionKind::Sizes => None,
    }
}

fn truth(word: &str) -> Option<&'static str> {
    match word {
        "1" | "yes" | "y" | "on" | "true" | "t" | "enable" | "enabled" => Some("true"),
        "0" | "no" | "n" | "off" | "false" | "f" | "disable" | "disabled" => Some("false"),
        _ => None,
    }
}

/// Digits with a unit: of time where the option counts milliseconds. Sizes are left alone: what is a
/// size and what a number of things, the names do not say.
fn number(option: &JemallocOption, text: &str) -> Option<String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.get(digits.len()..).unwrap_or_default();
    let number: u64 = digits.trim().replace('_', "").parse().ok()?;
    let factor = match unit {
        "" => 1,
        "ms" if option.name.ends_with("_ms") => 1,
        "s" | "sec" if option.name.ends_with("_ms") => 1000,
        "m" | "min" if option.name.ends_with("_ms") => 60_000,
        _ => return None,
    };
    Some(number.checked_mul(factor)?.to_string())
}
