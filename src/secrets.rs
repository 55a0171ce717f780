//! Nothing secret in what is printed: values of variables that are none of ours, credentials in addresses and options.

use std::borrow::Cow;
use std::ops::Range;

use crate::facts::secrets::{is_credential, is_scheme, is_shown, is_token};

/// What stands in place of what is not shown.
pub(crate) const MASK: &str = "…";

/// A text of ours, in which words of a file may stand.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    let hidden = in_words(text);
    if hidden.is_empty() {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for range in hidden {
        shown.push_str(text.get(at..range.start).unwrap_or_default());
        shown.push_str(MASK);
        at = range.end;
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    shown.into()
}

/// The words of a command, each by itself.
pub(crate) fn masked_words(words: &[String]) -> Vec<String> {
    let shown = masked(&words.join("\n")).into_owned();
    let parts: Vec<String> = shown.split('\n').map(str::to_owned).collect();
    if parts.len() == words.len() {
        return parts;
    }
    // A word holds lines of its own.
    words.iter().map(|word| masked(word).into_owned()).collect()
}

/// What is not shown of a line of a file, as ranges of its bytes in order. `beside` are the lines around it in the same item of
/// a list: the name of a `value:` stands on one of them.
pub(crate) fn in_line(line: &str, beside: &[&str]) -> Vec<Range<usize>> {
    let mut hidden = in_words(line);
    hidden.extend(in_assignments(line));
    hidden.extend(in_yaml(line, beside));
    ordered(hidden)
}

/// Ranges in order, without those inside others.
fn ordered(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| (range.start, usize::MAX - range.end));
    let mut kept: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match kept.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => kept.push(range),
        }
    }
    kept
}

/// A word, parted from others by blanks, quotes and brackets, and where it stands.
#[derive(Clone, Copy)]
struct Word<'t> {
    text: &'t str,
    start: usize,
}

impl Word<'_> {
    /// A part of it from there on, as a range of the whole text.
    const fn from(&self, at: usize) -> Range<usize> {
        self.start + at..self.start + self.text.len()
    }
}

fn words(text: &str) -> Vec<Word<'_>> {
    let parts = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | '\'' | '`' | ',' | ';' | '(' | ')' | '[' | ']' | '{' | '}'
            )
    };
    let mut words = Vec::new();
    let mut start = 0;
    for part in text.split(parts) {
        if !part.is_empty() {
            words.push(Word { text: part, start });
        }
        start += part.len();
        start += text
            .get(start..)
            .and_then(|rest| rest.chars().next())
            .map_or(0, char::len_utf8);
    }
    words
}

/// Credentials in single words, wherever they stand.
fn in_words(text: &str) -> Vec<Range<usize>> {
    let words = words(text);
    let mut hidden = Vec::new();
    for (at, word) in words.iter().enumerate() {
        hidden.extend(user_info(word));
        let option = word
            .text
            .starts_with('-')
            .then(|| word.text.trim_start_matches('-'));
        let before = at.checked_sub(1).and_then(|before| words.get(before));
        let announced = before.is_some_and(|before| {
            let option = before.text.strip_prefix("--");
            option.is_some_and(is_credential) || is_scheme(before.text) && word.text.len() > 6
        });
        if announced && option.is_none() || is_token(word.text) {
            hidden.push(word.from(0));
        }
        let Some((name, value)) = word.text.split_once('=') else {
            continue;
        };
        let variable = name.len() > 1
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && name
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        let secret = match option {
            Some(_) => is_credential(name.trim_start_matches('-')),
            None => variable && !is_shown(name) || is_credential(name),
        };
        if secret && !value.starts_with('=') {
            hidden.extend(value_behind(text, word.start + name.len() + 1));
        }
    }
    ordered(hidden)
}

/// `user:password@` of an address, or what is left of it where a list was parted at its colons: `password@host/`.
fn user_info(word: &Word<'_>) -> Option<Range<usize>> {
    let start = word.text.find("://").map_or(0, |at| at + 3);
    let rest = word.text.get(start..)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (user, host) = rest.get(..end)?.rsplit_once('@')?;
    // `image:tag@sha256:...` is no user, and `git@host` no password.
    let address = start > 0 || end < rest.len();
    let secret = user.contains(':') || address && !matches!(user, "" | "git");
    let digest = host
        .split_once(':')
        .is_some_and(|(name, _)| name.starts_with("sha"));
    let whole = word.start + start..word.start + start + user.len();
    (secret && !digest && !host.is_empty()).then_some(whole)
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

/// The value that begins at `start`: up to its closing quote, else to the next blank.
fn value_at(text: &str, start: usize) -> Range<usize> {
    let rest = text.get(start..).unwrap_or_default();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
    match quote {
        Some(quote) => {
            let inner = rest.get(1..).unwrap_or_default();
            let length = inner.find(quote).unwrap_or(inner.len());
            start + 1..start + 1 + length
        }
        None => {
            let ends =
                |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ')' | ']');
            start..start + rest.find(ends).unwrap_or(rest.len())
        }
    }
}

/// The same, where it is more than the name of another.
fn value_behind(text: &str, start: usize) -> Option<Range<usize>> {
    let range = value_at(text, start);
    (!is_reference(text.get(range.clone())?)).then_some(range)
}

/// Whether a value says nothing but which other is taken.
fn is_reference(value: &str) -> bool {
    let name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let inner = value
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'));
    value.is_empty() || inner.or_else(|| value.strip_prefix('$')).is_some_and(name)
}

/// The values of a line that assigns: `ENV a=1 b=2`, `ENV a 1`, `a=1` alone, as in a file of variables or a script.
fn in_assignments(line: &str) -> Vec<Range<usize>> {
    let lead = line.len() - line.trim_start().len();
    let text = line.trim_start();
    let (keyword, rest) = text.split_once(char::is_whitespace).unwrap_or(("", text));
    let declares = ["ENV", "ARG", "export", "declare", "local"]
        .iter()
        .any(|known| keyword.eq_ignore_ascii_case(known));
    let (start, rest) = if declares {
        (lead + text.len() - rest.len(), rest)
    } else {
        (lead, text)
    };
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
    };
    let mut hidden = Vec::new();
    let first = rest
        .trim_start()
        .split(|c: char| c == '=' || c.is_whitespace())
        .next();
    let first = first.unwrap_or_default();
    let assigns = rest
        .trim_start()
        .get(first.len()..)
        .is_some_and(|rest| rest.starts_with('='));
    if !(declares || assigns && is_name(first)) {
        return hidden;
    }
    if keyword.eq_ignore_ascii_case("ENV") && !assigns {
        // The old form: all the rest is the value.
        if let Some((name, value)) = rest.trim_start().split_once(char::is_whitespace)
            && !is_shown(name)
            && !is_reference(value.trim())
        {
            let value = value.trim();
            let at = line.rfind(value).unwrap_or(line.len());
            hidden.push(at..at + value.len());
        }
        return hidden;
    }
    let mut at = start;
    // One pair after the other: what stands in the value of one of ours is no other's name.
    while let Some(found) = line.get(at..).and_then(|rest| rest.find('=')) {
        let sign = at + found;
        let before = line.get(at..sign).unwrap_or_default();
        let name = before
            .rsplit(|c: char| c.is_whitespace() || matches!(c, '"' | '\''))
            .next()
            .unwrap_or_default();
        let value = match is_shown(name) {
            true => value_at(line, sign + 1),
            false => to_next_pair(line, sign + 1),
        };
        if is_name(name)
            && !is_shown(name)
            && !is_reference(line.get(value.clone()).unwrap_or_default())
        {
            hidden.push(value.clone());
        }
        at = value.end.max(sign + 1);
    }
    hidden
}

/// The values of a mapping's entries: `DB_PASSWORD: x`, and `value: x` beside `name: DB_PASSWORD`.
fn in_yaml(line: &str, beside: &[&str]) -> Vec<Range<usize>> {
    let mut hidden = Vec::new();
    // `- NAME=value`: all behind the sign is the value.
    let item = line.trim_start().strip_prefix("- ").map(str::trim_start);
    let item = item.map(|item| item.trim_start_matches(['"', '\'']));
    if let Some((name, value)) = item.and_then(|item| item.split_once('='))
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !is_shown(name)
        && !is_reference(value.trim_matches(['"', '\'']))
    {
        let value = value.trim_end().trim_end_matches(['"', '\'']);
        let start = line.rfind(value).unwrap_or(line.len());
        hidden.push(start..start + value.len());
    }
    let flow = line.contains(['{', '[']);
    let mut name_here = None;
    let mut at = 0;
    // In a flow mapping, several stand on one line.
    let parts: Vec<&str> = match flow {
        true => line.split_inclusive(['{', ',', '}']).collect(),
        false => vec![line],
    };
    for part in parts {
        let entry = part.trim_start_matches(['-', ' ', '\t', '{']);
        let start = at + part.len() - entry.len();
        at += part.len();
        let Some((key, value)) = entry.split_once(": ") else {
            continue;
        };
        let key = key.trim_matches(['"', '\'', ' ']);
        if key.is_empty() || key.contains(|c: char| c.is_whitespace() || c == '=') {
            continue;
        }
        let from = start + entry.len() - value.len();
        let value = value.trim_end_matches([',', '}', '\n', '\r', ' ']);
        let blanks = value.len() - value.trim_start().len();
        let range = from + blanks..from + value.len();
        let plain = value.trim().trim_matches(['"', '\'']);
        let variable = key.starts_with(|c: char| c.is_ascii_uppercase())
            && key
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        let secret = match key {
            "name" => {
                name_here = Some(plain);
                false
            }
            "value" => {
                let named = name_here.or_else(|| beside.iter().find_map(|line| named(line)));
                named.is_none_or(|name| !is_shown(name))
            }
            _ => variable && !is_shown(key) || is_credential(key),
        };
        if secret && !is_reference(plain) && !plain.starts_with(['|', '>', '&', '*', '{', '[']) {
            hidden.push(range);
        }
    }
    hidden
}

/// The name in a line `- name: X`, without anchor, tag and comment.
fn named(line: &str) -> Option<&str> {
    let entry = line.trim_start_matches(['-', ' ', '\t']);
    let (key, name) = entry.split_once(':')?;
    if key.trim_matches(['"', '\'']) != "name" {
        return None;
    }
    let name = name.split(" #").next().unwrap_or_default();
    let words = name.split_whitespace();
    let word = words
        .into_iter()
        .find(|word| !word.starts_with(['&', '!']))?;
    Some(word.trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        with_neighbours(line, &[])
    }

    fn with_neighbours(line: &str, beside: &[&str]) -> String {
        let mut text = line.to_owned();
        for range in in_line(line, beside).into_iter().rev() {
            text.replace_range(range, MASK);
        }
        text
    }

    #[test]
    fn values_of_others_are_not_shown() {
        for (line, expected) in [
            ("DB_PASSWORD=hunter2", "DB_PASSWORD=…"),
            (
                "ENV DB_PASSWORD=hunter2 MALLOC_CONF=narenas:1",
                "ENV DB_PASSWORD=… MALLOC_CONF=narenas:1",
            ),
            ("ENV db_password=\"hunter two\" \\", "ENV db_password=… \\"),
            ("ENV db_password hunter two", "ENV db_password …"),
            (
                "ENV LD_PRELOAD libjemalloc.so.2",
                "ENV LD_PRELOAD libjemalloc.so.2",
            ),
            ("    secret=hunter2 \\", "    secret=… \\"),
            ("export API_KEY='a b'", "export API_KEY=…"),
            ("ENV A=$B C=${D}", "ENV A=$B C=${D}"),
            (
                "ENV MALLOC_CONF=\"narenas=2,tcach=3\" b=c",
                "ENV MALLOC_CONF=\"narenas=2,tcach=3\" b=…",
            ),
            ("ENV DB={\"a\": \"s\"}", "ENV DB=…"),
            (
                "ENV DB=a,s\\ s X=a\"s\" MALLOC_CONF=a",
                "ENV DB=… X=… MALLOC_CONF=a",
            ),
            ("      - DB_CONN=a s", "      - DB_CONN=…"),
            ("      - \"DB_CONN=a, s\"", "      - \"DB_CONN=…\""),
            ("      DB_CONN: \"a, b: c, s\"", "      DB_CONN: …"),
            ("      DB_CONN: a} s", "      DB_CONN: …"),
            ("ARG PYTHON_VERSION=3.12", "ARG PYTHON_VERSION=3.12"),
            (
                "RUN curl -H \"Authorization: Bearer abcdefgh\" x",
                "RUN curl -H \"Authorization: Bearer …\" x",
            ),
            (
                "CMD [\"app\", \"--password\", \"hunter2\", \"--port\", \"80\"]",
                "CMD [\"app\", \"--password\", \"…\", \"--port\", \"80\"]",
            ),
            (
                "CMD app --db-password=hunter2 --workers=4",
                "CMD app --db-password=… --workers=4",
            ),
            (
                "FROM registry.example.com/a:1@sha256:0123",
                "FROM registry.example.com/a:1@sha256:0123",
            ),
            (
                "RUN pip install git+https://user:pw@host/x git+ssh://git@host/y",
                "RUN pip install git+https://…@host/x git+ssh://git@host/y",
            ),
            (
                "RUN apt-get install -y libjemalloc2=5.3.0-1 flask==2.0",
                "RUN apt-get install -y libjemalloc2=5.3.0-1 flask==2.0",
            ),
            ("RUN echo ghp_0123456789abcdefghij", "RUN echo …"),
            ("      DB_PASSWORD: hunter2", "      DB_PASSWORD: …"),
            ("      - DB_PASSWORD=hunter2", "      - DB_PASSWORD=…"),
            ("      db_password: \"hunter2\"", "      db_password: …"),
            ("  - {name: DB, value: hunter2}", "  - {name: DB, value: …}"),
            (
                "  - {name: MALLOC_CONF, value: \"narenas:1\"}",
                "  - {name: MALLOC_CONF, value: \"narenas:1\"}",
            ),
            ("        image: shop/api:1", "        image: shop/api:1"),
            ("        memory: 512Mi", "        memory: 512Mi"),
            ("kind: Deployment", "kind: Deployment"),
        ] {
            assert_eq!(shown(line), expected);
        }
        let value = "  value: hunter2";
        assert_eq!(with_neighbours(value, &["- name: DB"]), "  value: …");
        assert_eq!(
            with_neighbours(value, &["# c", "- \"name\": &a \"MALLOC_CONF\" # d"]),
            value
        );
        assert_eq!(
            with_neighbours("- value: x", &["  name: LD_PRELOAD"]),
            "- value: x"
        );
    }

    #[test]
    fn our_own_texts_stay() {
        for text in [
            "set `LD_PRELOAD=libjemalloc.so.2`",
            "`MALLOC_CONF=narenas:1` is what jemalloc reads",
            "FROM python:3.12-slim@sha256:0123",
            "`gunicorn` runs on glibc's default malloc: freed memory is given back late or never",
        ] {
            assert_eq!(masked(text), text);
        }
        assert_eq!(masked("`A_TOKEN=x` runs"), "`A_TOKEN=…` runs");
    }
}
