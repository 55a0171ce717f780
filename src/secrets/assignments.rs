//! The values of a line that assigns: `ENV a=1 b=2`, `ENV a 1`, `a=1` alone, as in a file of variables or a script.

use std::ops::Range;

use super::value::{is_quote, is_reference, value_at};
use crate::facts::secrets::is_shown;

/// What begins such a line.
const KEYWORDS: [&str; 6] = ["ENV", "ARG", "LABEL", "export", "declare", "local"];

/// Whether an instruction or command begins a line that does nothing else.
pub(super) fn declares(line: &str) -> bool {
    let word = without_onbuild(line).split_whitespace().next();
    let word = word.unwrap_or_default();
    KEYWORDS
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known))
}

/// Whether a text is the words of a command: no other instruction begins it.
pub(super) fn is_a_command(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or_default();
    let instruction = word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase());
    !instruction && !word.ends_with(':') && !declares(line)
}

fn without_onbuild(line: &str) -> &str {
    let text = line.trim_start();
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or(("", text));
    if first.eq_ignore_ascii_case("ONBUILD") {
        rest.trim_start()
    } else {
        text
    }
}

pub(super) fn hidden(line: &str) -> Vec<Range<usize>> {
    let text = without_onbuild(line);
    let lead = line.len() - text.len();
    let (keyword, rest) = text.split_once(char::is_whitespace).unwrap_or(("", text));
    let declares = KEYWORDS
        .iter()
        .any(|known| keyword.eq_ignore_ascii_case(known));
    let (start, rest) = if declares {
        (lead + text.len() - rest.len(), rest)
    } else {
        (lead, text)
    };
    let first = rest
        .trim_start()
        .split(|c: char| c == '=' || c.is_whitespace())
        .next();
    let first = first.unwrap_or_default();
    let assigns = rest
        .trim_start()
        .get(first.len()..)
        .is_some_and(|rest| rest.starts_with('='));
    // A command of a supervisor's section is a command.
    if !(declares || assigns && is_name(first) && first != "command") {
        return Vec::new();
    }
    let old = ["ENV", "LABEL"]
        .iter()
        .any(|known| keyword.eq_ignore_ascii_case(known));
    if old && !assigns {
        return old_form(line, rest).into_iter().collect();
    }
    pairs(line, start)
}

/// What stands for a variable that is not set, or for one that is: `${DB:-value}`, `${DB:+value}`.
pub(super) fn defaults(line: &str) -> Vec<Range<usize>> {
    let of = |(at, _): (usize, &str)| {
        let inner = line.get(at + 2..)?;
        let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
        let (name, rest) = inner.split_at_checked(end)?;
        let value = rest.strip_prefix(':').unwrap_or(rest);
        let value = value.strip_prefix(['-', '=', '+', '?'])?;
        let length = value.find('}')?;
        let start = line.len() - value.len();
        let text = value.get(..length)?;
        (!is_shown(name) && !is_reference(text)).then_some(start..start + length)
    };
    line.match_indices("${").filter_map(of).collect()
}

/// `ENV a 1`: all the rest is the value.
fn old_form(line: &str, rest: &str) -> Option<Range<usize>> {
    let (name, value) = rest.trim_start().split_once(char::is_whitespace)?;
    let value = value.trim();
    if is_shown(name) || is_reference(value) {
        return None;
    }
    let at = line.rfind(value)?;
    Some(at..at + value.len())
}

/// One pair after the other: what stands in the value of one of ours is no other's name.
fn pairs(line: &str, start: usize) -> Vec<Range<usize>> {
    let mut hidden = Vec::new();
    let mut at = start;
    while let Some(found) = line.get(at..).and_then(|rest| rest.find('=')) {
        let sign = at + found;
        let before = line.get(at..sign).unwrap_or_default();
        let name = before
            .rsplit(|c: char| c.is_whitespace() || is_quote(c))
            .next()
            .unwrap_or_default();
        let quoted = line
            .get(sign + 1..)
            .is_some_and(|rest| rest.starts_with(is_quote));
        let name = name.strip_suffix('+').unwrap_or(name);
        let value = match is_shown(name) || quoted {
            true => value_at(line, sign + 1),
            false => to_next_pair(line, sign + 1),
        };
        let text = line.get(value.clone()).unwrap_or_default();
        if is_name(name) && !is_shown(name) && !is_reference(text) {
            hidden.push(value.clone());
        }
        at = value.end.max(sign + 1);
    }
    hidden
}

fn is_name(name: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    !name.is_empty() && name.chars().all(part)
}

/// The value that begins at `start`, to where the next pair begins: whatever quotes and escapes are in it.
fn to_next_pair(text: &str, start: usize) -> Range<usize> {
    let rest = text.get(start..).unwrap_or_default();
    let begins = |at: &usize| {
        let next = rest.get(*at..).unwrap_or_default().trim_start();
        let name =
            next.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')));
        name.is_some_and(|end| end > 0 && next.get(end..).is_some_and(|rest| rest.starts_with('=')))
    };
    let mut blanks = rest.match_indices([' ', '\t']).map(|(at, _)| at);
    let end = blanks.find(begins).unwrap_or(rest.len());
    let value = rest.get(..end).unwrap_or_default().trim_end();
    let value = value.strip_suffix('\\').unwrap_or(value).trim_end();
    start..start + value.len()
}
