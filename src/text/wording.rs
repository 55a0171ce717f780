//! What all texts for people have in common.

/// `1 file`, `2 files`; advice has no plural.
#[must_use]
pub(crate) fn plural(count: usize, word: &str) -> String {
    let ending = if count == 1 || word == "advice" {
        ""
    } else {
        "s"
    };
    format!("{count} {word}{ending}")
}

/// Control characters, and those that change the direction of writing.
pub(crate) fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
        // Some readers end a line there.
        || matches!(c, '\u{2028}' | '\u{2029}')
}
