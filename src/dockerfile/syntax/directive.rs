//! Parser directives: `# name=value` at the very top of the file.

use super::{Directive, Escape};
use crate::text::Span;

use super::runes;

/// Which directives the file has had, and whether more may come.
#[derive(Debug, Default)]
pub(super) struct Directives {
    closed: bool,
    seen: Vec<&'static str>,
}

/// A directive and what it does.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) directive: Directive,
    /// The escape character that it sets, or why BuildKit refuses the file.
    pub(super) verdict: Result<Option<Escape>, String>,
}

const KNOWN: [&str; 3] = ["syntax", "escape", "check"];

impl Directives {
    /// From here on `# name=value` is a comment.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Reads the comment line `text`, which starts at its `#`; what is no directive closes the
    /// block.
    pub(super) fn read(&mut self, source: &[u8], text: Span) -> Option<Found> {
        if self.closed {
            return None;
        }
        let found = split(source, text).and_then(|directive| {
            let name = directive.name.slice(source);
            let known = KNOWN
                .iter()
                .find(|known| known.as_bytes().eq_ignore_ascii_case(name))?;
            Some((*known, directive))
        });
        let Some((name, directive)) = found else {
            self.close();
            return None;
        };
        let verdict = self.judge(name, directive.value.slice(source));
        Some(Found { directive, verdict })
    }

    fn judge(&mut self, name: &'static str, value: &[u8]) -> Result<Option<Escape>, String> {
        if self.seen.contains(&name) {
            return Err(format!("only one `{name}` directive can be used"));
        }
        self.seen.push(name);
        match (name, value) {
            ("escape", b"\\") => Ok(Some(Escape::Backslash)),
            ("escape", b"`") => Ok(Some(Escape::Backtick)),
            ("escape", _) => Err("escape character is neither a backslash nor a backtick".into()),
            _ => Ok(None),
        }
    }
}

/// Name and value of `# name = value`. The value is never empty: a value of blanks alone is one
/// blank, as BuildKit's expression has it.
fn split(source: &[u8], text: Span) -> Option<Directive> {
    let content = runes::trim_start(source, text.start + 1..text.end);
    let bytes = source.get(content.clone())?;
    let name = bytes
        .iter()
        .position(|b| !b.is_ascii_alphanumeric())
        .unwrap_or(bytes.len());
    if !bytes.first()?.is_ascii_alphabetic() {
        return None;
    }
    let equals = name + bytes.get(name..)?.iter().position(|&b| !is_blank(b))?;
    if bytes.get(equals) != Some(&b'=') {
        return None;
    }
    let after = bytes.get(equals + 1..)?;
    let start = after.iter().position(|&b| !is_blank(b));
    let end = after.iter().rposition(|&b| !is_blank(b));
    let (start, end) = match (start, end) {
        (Some(start), Some(last)) => (start, last + 1),
        _ => (after.len().checked_sub(1)?, after.len()),
    };
    let value = content.start + equals + 1;
    Some(Directive {
        name: Span::new(content.start, content.start + name),
        value: Span::new(value + start, value + end),
    })
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_and_value(text: &str) -> Option<(&str, &str)> {
        let found = split(text.as_bytes(), Span::new(0, text.len()))?;
        Some((
            &text[found.name.start..found.name.end],
            &text[found.value.start..found.value.end],
        ))
    }

    #[test]
    fn blanks_around_name_and_value_go_unless_nothing_is_left() {
        assert_eq!(name_and_value("# escape = ` "), Some(("escape", "`")));
        assert_eq!(name_and_value("#a1=b c=d"), Some(("a1", "b c=d")));
        assert_eq!(name_and_value("#escape=  "), Some(("escape", " ")));
        for text in ["#escape=", "#1a=b", "#a", "#a b=c", "#=b", "#"] {
            assert_eq!(name_and_value(text), None, "{text}");
        }
    }
}
