//! `$VAR` and `${VAR:-default}` in a Compose file, with the values of the `.env` file beside it.

use std::collections::BTreeMap;

use crate::facts::secrets::is_shown;
use crate::manifests::{Room, Sheet, dotenv};
use crate::model::{Expanded, Value};
use crate::surroundings::{Surroundings, not_read};
use crate::text::Traced;

/// Where they stand.
const FILE: &str = ".env";

/// A value that grows past this is not followed: in bytes.
const LONGEST: usize = 64 << 10;

/// The variables that Compose itself knows.
#[derive(Debug)]
pub(super) struct Variables {
    known: BTreeMap<String, String>,
    /// There are others, in a file that is not read.
    more: bool,
    /// What the services of the file may still hold.
    pub(super) room: Room,
}

impl Variables {
    /// Those of the `.env` file beside a Compose file.
    pub(super) fn of(sheet: Sheet<'_>, around: &dyn Surroundings) -> Self {
        let room = Room::of(sheet.file.bytes.len());
        let file = around.beside(&sheet.file.path, FILE);
        let text = file.map_or_else(String::new, |file| {
            String::from_utf8_lossy(&file.bytes).into_owned()
        });
        let pairs = dotenv::lines(&text);
        Self {
            known: pairs
                .map(|(name, value, _)| (name.to_owned(), value.to_owned()))
                .collect(),
            more: around.is_outside(&sheet.file.path, FILE),
            room,
        }
    }

    /// A text with its variables; what nothing here sets cannot be known.
    pub(super) fn expand(&self, raw: &Traced) -> Value {
        let text = raw.as_str().to_owned();
        if !text.contains('$') {
            return Value {
                text: raw.clone(),
                ..Value::default()
            };
        }
        let mut value = Value::default();
        let mut at = 0;
        while let Some(start) = text
            .get(at..)
            .filter(|_| value.text.as_str().len() <= LONGEST)
            .and_then(|rest| rest.find('$'))
            .map(|off| at + off)
        {
            value.text.push_traced(raw, at..start);
            let Some(found) = reference(&text, start) else {
                value.text.push_traced(raw, start..start + 1);
                at = start + 1;
                continue;
            };
            at = found.end;
            let source = raw.source(start..at).unwrap_or_default();
            match found.what {
                What::Dollar => value.text.push_from("$", source),
                What::Variable(name, default) => {
                    let default = default.filter(|_| !self.more);
                    match self.known.get(name).map(String::as_str).or(default) {
                        Some(known) => value.text.push_from(known, source),
                        None => {
                            value.text.push_from(&format!("${{{name}}}"), source);
                            value.unknown.get_or_insert_with(|| name.to_owned());
                        }
                    }
                }
            }
        }
        value.text.push_traced(raw, at..text.len());
        value
    }

    /// Why there may be others, if there may.
    pub(super) fn unseen(&self) -> Option<String> {
        self.more.then(|| not_read(FILE))
    }

    /// The same of a plain text.
    pub(super) fn expand_text(&self, text: &str) -> Expanded {
        let mut raw = Traced::new();
        raw.push_from(text, crate::text::Span::default());
        let text = self.expand(&raw).text.as_str().to_owned();
        let hidden = self.hidden(raw.as_str());
        Expanded { text, hidden }
    }

    /// What variables of a text have for values that are not shown.
    fn hidden(&self, text: &str) -> Vec<String> {
        let (mut hidden, mut at) = (Vec::new(), 0);
        while let Some(start) = text.get(at..).and_then(|rest| rest.find('$')) {
            let found = reference(text, at + start);
            at = found.as_ref().map_or(at + start + 1, |found| found.end);
            if let Some(What::Variable(name, default)) = found.map(|found| found.what)
                && !is_shown(name)
            {
                let known = self.known.get(name).map(String::as_str);
                hidden.extend(known.or(default).map(str::to_owned));
            }
        }
        hidden
    }
}

struct Reference<'t> {
    end: usize,
    what: What<'t>,
}

enum What<'t> {
    /// `$$`.
    Dollar,
    /// A variable, and what stands for it where it is not set.
    Variable(&'t str, Option<&'t str>),
}

/// The reference at `start`, where there is one.
fn reference(text: &str, start: usize) -> Option<Reference<'_>> {
    let rest = text.get(start + 1..)?;
    if rest.starts_with('$') {
        return Some(Reference {
            end: start + 2,
            what: What::Dollar,
        });
    }
    let (inner, end) = match rest.strip_prefix('{') {
        Some(inner) => {
            let close = closing(inner)?;
            (inner.get(..close)?, start + 2 + close + 1)
        }
        None => {
            let length = name_of(rest).len();
            (rest.get(..length)?, start + 1 + length)
        }
    };
    let name = name_of(inner);
    if name.is_empty() {
        return None;
    }
    let after = inner.get(name.len()..)?;
    let default = after.strip_prefix(":-").or_else(|| after.strip_prefix('-'));
    Some(Reference {
        end,
        what: What::Variable(name, default),
    })
}

fn name_of(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let name = text.get(..end).unwrap_or_default();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        ""
    } else {
        name
    }
}

/// Where the brace closes that is open before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_those_of_the_file_beside() {
        let variables = Variables {
            known: BTreeMap::from([("A".to_owned(), "1".to_owned())]),
            more: false,
            room: Room::of(0),
        };
        let expand = |text: &str| {
            let mut raw = Traced::new();
            raw.push_from(text, crate::text::Span::default());
            let value = variables.expand(&raw);
            (value.text.as_str().to_owned(), value.unknown)
        };
        assert_eq!(expand("x$A-${A}y"), ("x1-1y".into(), None));
        assert_eq!(expand("${B:-two}${B-3}"), ("two3".into(), None));
        assert_eq!(expand("$$A ${B}"), ("$A ${B}".into(), Some("B".into())));
        assert_eq!(expand("$(uname -m) $"), ("$(uname -m) $".into(), None));
        assert_eq!(expand("${A").0, "${A");
    }
}
