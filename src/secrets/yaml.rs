//! The values of a mapping's entries: `DB_PASSWORD: x`, and `value: x` beside `name: DB_PASSWORD`.

use std::ops::Range;

use super::value::{is_quote, is_reference, is_upper};
use crate::facts::secrets::{is_credential, is_shown};

/// What holds variables: mappings whose keys are names of some, and lists of `NAME=value`.
const VARIABLES: [&str; 6] = [
    "environment",
    "env",
    "data",
    "stringData",
    "args",
    "literals",
];

pub(super) fn hidden(line: &str, beside: &[&str]) -> Vec<Range<usize>> {
    let mut hidden: Vec<Range<usize>> = item(line).into_iter().collect();
    let parts = parts(line);
    let named_here = name_on(&parts);
    // The end of a mapping that began on a line before.
    let mut of_variables = line
        .find('}')
        .is_some_and(|end| !line.get(..end).unwrap_or_default().contains('{'));
    for part in &parts {
        // A list of mappings: each names its own.
        of_variables &= part.text.trim() != "{";
        let entry = Entry::of(part.text, part.start);
        if let Some(entry) = entry {
            let secret = match entry.key {
                "name" if !of_variables => false,
                "value" if !of_variables => {
                    let named = named_here.or_else(|| beside.iter().find_map(|line| named(line)));
                    named.is_none_or(|name| !is_shown(name))
                }
                key => (of_variables || is_upper(key)) && !is_shown(key) || is_credential(key),
            };
            let opens = VARIABLES.contains(&entry.key) && matches!(entry.value, "" | "{" | "[");
            if opens {
                of_variables = true;
            } else if secret {
                hidden.extend(entry.shut());
            } else if let Some((start, inner)) = entry.inner() {
                let inner = self::hidden(inner, &[]).into_iter();
                hidden.extend(inner.map(|range| start + range.start..start + range.end));
            }
        } else if of_variables {
            hidden.extend(assigned(part));
        }
        of_variables &= !part.text.contains(['}', ']']);
    }
    hidden
}

/// A part of a line: an entry of a flow mapping, an item of a list, or the whole line.
struct Part<'l> {
    text: &'l str,
    start: usize,
}

/// In a flow mapping, several entries stand on one line; what is in quotes is one.
fn parts(line: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut start, mut quote) = (0, None);
    let flow = line.contains(['{', '[']);
    for (at, c) in line.char_indices().filter(|_| flow) {
        match quote {
            Some(open) if open == c => quote = None,
            Some(_) => {}
            None if is_quote(c) => quote = Some(c),
            None if matches!(c, '{' | '[' | ',' | '}' | ']') => {
                let text = line.get(start..=at).unwrap_or_default();
                parts.push(Part { text, start });
                start = at + 1;
            }
            None => {}
        }
    }
    let text = line.get(start..).unwrap_or_default();
    parts.push(Part { text, start });
    parts
}

/// The name of the only variable that a line tells of as `name: X`.
fn name_on<'l>(parts: &[Part<'l>]) -> Option<&'l str> {
    let entries = parts.iter().filter_map(|part| Entry::of(part.text, 0));
    let mut names = entries.filter(|entry| entry.key == "name");
    let name = names.next()?.plain();
    names.next().is_none().then_some(name)
}

/// `- NAME=value`: all behind the sign is the value.
fn item(line: &str) -> Option<Range<usize>> {
    let item = line.trim_start().strip_prefix("- ")?.trim_start();
    let text = item.trim_start_matches(is_quote);
    let start = line.len() - text.len();
    assignment(text.trim_end(), start)
}

/// The same as an item of a flow list.
fn assigned(part: &Part<'_>) -> Option<Range<usize>> {
    let text = part.text.trim_start().trim_start_matches(is_quote);
    let start = part.start + part.text.len() - text.len();
    assignment(text.trim_end_matches([',', ']', ' ']), start)
}

fn assignment(text: &str, start: usize) -> Option<Range<usize>> {
    let (name, value) = text.split_once('=')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let inner = value.trim_end_matches(is_quote);
    if !is_name || is_shown(name) || is_reference(inner) {
        return None;
    }
    let from = start + name.len() + 1;
    Some(from..from + inner.len())
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
        let entry = part.trim_start_matches(['-', ' ', '\t', '{', '[']);
        let colon = match entry.chars().next().filter(|c| is_quote(*c)) {
            // As in JSON: behind a key in quotes no blank is needed.
            Some(quote) => {
                let close = entry.get(1..)?.find(quote)? + 2;
                let behind = entry.get(close..)?;
                let blanks = behind.len() - behind.trim_start().len();
                behind
                    .trim_start()
                    .starts_with(':')
                    .then_some(close + blanks)?
            }
            None => match entry.find([':']) {
                Some(colon) if entry.get(colon + 1..)?.starts_with([' ', '\t']) => colon,
                Some(colon) if entry.get(colon + 1..)?.trim().is_empty() => colon,
                _ => entry.find(": ")?,
            },
        };
        let (key, value) = entry.split_at_checked(colon)?;
        let value = value.get(1..)?;
        let key = key.trim_matches(|c| is_quote(c) || c == ' ');
        if key.is_empty() || key.contains(|c: char| c.is_whitespace() || c == '=') {
            return None;
        }
        let from = at + part.len() - value.len();
        let end = value.trim_end_matches([',', '}', ']', '\n', '\r', ' ']);
        let blanks = end.len() - end.trim_start().len();
        Some(Self {
            key,
            value: end.trim_start(),
            range: from + blanks..from + end.len().max(blanks),
        })
    }

    /// The value without its quotes.
    fn plain(&self) -> &'l str {
        self.value.trim_matches(is_quote)
    }

    /// A mapping or list that is written as a text: `'[{"op": ...}]'`.
    fn inner(&self) -> Option<(usize, &'l str)> {
        let quote = self.value.chars().next().filter(|c| is_quote(*c))?;
        let inner = self.value.strip_prefix(quote)?;
        let inner = inner.strip_suffix(quote).unwrap_or(inner);
        let start = self.range.start + quote.len_utf8();
        inner.starts_with(['[', '{']).then_some((start, inner))
    }

    /// What of it is not shown: nothing of a name of another, and of what only begins here.
    fn shut(&self) -> Option<Range<usize>> {
        let (mut text, mut start) = (self.value, self.range.start);
        // Anchors and tags stand before a value.
        while text.starts_with(['&', '!']) {
            let blank = text.find(' ')?;
            let rest = text.get(blank..)?.trim_start();
            start += text.len() - rest.len();
            text = rest;
        }
        let begins = text.starts_with(['|', '>', '*']) || matches!(text, "{" | "[");
        (!begins && !is_reference(text.trim_matches(is_quote))).then_some(start..self.range.end)
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
