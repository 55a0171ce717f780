//! Where a value ends, and whether it is one.

use std::ops::Range;

/// The value that begins at `start`: up to its closing quote, else to the next blank.
pub(super) fn value_at(text: &str, start: usize) -> Range<usize> {
    let rest = text.get(start..).unwrap_or_default();
    match rest.chars().next().filter(|c| is_quote(*c)) {
        Some(quote) => {
            let inner = rest.get(1..).unwrap_or_default();
            start + 1..start + 1 + closing(inner, quote)
        }
        None => {
            let ends =
                |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ')' | ']');
            start..start + rest.find(ends).unwrap_or(rest.len())
        }
    }
}

/// The same, where it is more than the name of another.
pub(super) fn value_behind(text: &str, start: usize) -> Option<Range<usize>> {
    let range = value_at(text, start);
    (!is_reference(text.get(range.clone())?)).then_some(range)
}

/// The rest of what stands in quotes from `start` on; to the end of the text where nothing closes them.
pub(super) fn to_quote(text: &str, start: usize) -> Range<usize> {
    let rest = text.get(start..).unwrap_or_default();
    start..start + rest.find(['"', '\'', '`']).unwrap_or(rest.len())
}

/// Whether a value says nothing but which other is taken.
pub(super) fn is_reference(value: &str) -> bool {
    let name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let inner = value
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'));
    value.is_empty() || inner.or_else(|| value.strip_prefix('$')).is_some_and(name)
}

/// Whether it is spelled as variables of the environment are.
pub(super) fn is_upper(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

pub(super) const fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'')
}

/// How far it is to the quote that closes.
fn closing(inner: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = inner.char_indices().find(|&(_, c)| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped && quote == '"';
        ends
    });
    end.map_or(inner.len(), |(at, _)| at)
}
