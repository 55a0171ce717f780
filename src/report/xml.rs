//! Text as it stands in XML 1.0.

use crate::text::wording::is_harmful;

/// Text in an element or in a value between double quotes. What may not stand there at all, or would turn a reader's line around, is
/// U+FFFD.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // In a value a line would become a blank.
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\r' => out.push_str("&#13;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if is_harmful(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    // Orders to a runner that reads the log.
    out.replace("##[", "##&#91;")
        .replace("##vso[", "##vso&#91;")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_ends_a_value_or_begins_an_element() {
        assert_eq!(
            escaped("<a b=\"c\">&'\u{1b}\n\u{202e}é"),
            "&lt;a b=&quot;c&quot;&gt;&amp;&apos;\u{fffd}&#10;\u{fffd}é"
        );
    }
}
