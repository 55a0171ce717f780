//! The values of a mapping's entries: `DB_PASSWORD: x`, and `value: x` beside `name: DB_PASSWORD`.

use std::ops::Range;

use super::value::{is_quote, is_reference, is_upper};
use crate::facts::secrets::{is_credential, is_shown};

/// Mappings whose keys are names of variables.
const VARIABLES: [&str; 5] = ["environment", "env", "data", "stringData", "args"];

pub(super) fn hidden(line: &str, beside: &[&str]) -> Vec<Range<usize>> {
    let mut hidden: Vec<Range<usize>> = item(line).into_iter().collect();
    // In a flow mapping, several stand on one line.
    let parts: Vec<&str> = match line.contains(['{', '[']) {
        true => line.split_inclusive(['{', ',', '}']).collect(),
        false => vec![line],
    };
    let (mut at, mut of_variables) = (0, false);
    let mut name_here = None;
    for part in parts {
        let entry = Entry::of(part, at);
        at += part.len();
        let Some(entry) = entry else {
            let key = part.trim_start_matches(['-', ' ', '\t']);
            let key = key.trim_end_matches(['{', ' ']);
            let key = key.strip_suffix(':').unwrap_or_default();
            of_variables |= VARIABLES.contains(&key.trim_matches(is_quote));
            of_variables &= !part.ends_with('}');
            continue;
        };
        let secret = match entry.key {
            "name" if !of_variables => {
                name_here = Some(entry.plain());
                false
            }
            "value" if !of_variables => {
                let named = name_here.or_else(|| beside.iter().find_map(|line| named(line)));
                named.is_none_or(|name| !is_shown(name))
            }
            key => (of_variables || is_upper(key)) && !is_shown(key) || is_credential(key),
        };
        if VARIABLES.contains(&entry.key) && entry.value == "{" {
            of_variables = true;
        } else if secret && entry.holds_a_value() {
            hidden.push(entry.range);
        }
        of_variables &= !part.ends_with('}');
    }
    hidden
}

/// `- NAME=value`: all behind the sign is the value.
fn item(line: &str) -> Option<Range<usize>> {
    let item = line.trim_start().strip_prefix("- ")?.trim_start();
    let (name, value) = item.trim_start_matches(is_quote).split_once('=')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name || is_shown(name) || is_reference(value.trim_matches(is_quote)) {
        return None;
    }
    let value = value.trim_end().trim_end_matches(is_quote);
    let start = line.rfind(value)?;
    Some(start..start + value.len())
}

/// `key: value`, and where the value stands in the line.
struct Entry<'l> {
    key: &'l str,
    value: &'l str,
    range: Range<usize>,
}

impl<'l> Entry<'l> {
    /// The entry in a part of a line that begins at `at`.
    fn of(part: &'l str, at: usize) -> Option<Self> {
        let entry = part.trim_start_matches(['-', ' ', '\t', '{']);
        let (key, value) = entry.split_once(": ")?;
        let key = key.trim_matches(|c| is_quote(c) || c == ' ');
        if key.is_empty() || key.contains(|c: char| c.is_whitespace() || c == '=') {
            return None;
        }
        let from = at + part.len() - value.len();
        let value = value.trim_end_matches([',', '}', '\n', '\r', ' ']);
        let blanks = value.len() - value.trim_start().len();
        Some(Self {
            key,
            value: value.trim_start(),
            range: from + blanks..from + value.len(),
        })
    }

    /// The value without its quotes.
    fn plain(&self) -> &'l str {
        self.value.trim_matches(is_quote)
    }

    /// More than the name of another, or the begin of what stands on other lines.
    fn holds_a_value(&self) -> bool {
        let plain = self.plain();
        !is_reference(plain) && !plain.starts_with(['|', '>', '&', '*', '{', '['])
    }
}

/// The name in a line `- name: X`, without anchor, tag and comment.
fn named(line: &str) -> Option<&str> {
    let entry = line.trim_start_matches(['-', ' ', '\t']);
    let (key, name) = entry.split_once(':')?;
    if key.trim_matches(is_quote) != "name" {
        return None;
    }
    let name = name.split(" #").next().unwrap_or_default();
    let mut words = name.split_whitespace();
    let word = words.find(|word| !word.starts_with(['&', '!']))?;
    Some(word.trim_matches(is_quote))
}
