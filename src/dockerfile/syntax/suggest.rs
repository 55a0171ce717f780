//! Near misses: which keyword an unknown one was meant to be.

use super::Keyword;
use crate::text::near;

/// Longest piece of the file that a message quotes, in characters.
const LONGEST_QUOTE: usize = 32;

/// `text`, cut short where it is long.
pub(super) fn clip(text: &str) -> String {
    let mut kept: String = text.chars().take(LONGEST_QUOTE).collect();
    if kept.len() < text.len() {
        kept.push('…');
    }
    kept
}

/// The message for a keyword that BuildKit does not know.
pub(super) fn unknown_instruction(word: &str) -> String {
    if word.is_empty() {
        return "a line continuation without an instruction".to_owned();
    }
    match nearest(word) {
        Some(keyword) => {
            let known = keyword.as_str();
            format!(
                "unknown instruction `{}`, did you mean `{known}`?",
                clip(word)
            )
        }
        // A line that lost the backslash above it may hold anything.
        None if !is_a_word(word) => "a line that begins with no instruction".to_owned(),
        None => format!("unknown instruction `{}`", clip(word)),
    }
}

fn is_a_word(word: &str) -> bool {
    const LONGEST: usize = 12;
    word.len() <= LONGEST
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.&|+$".contains(c))
}

fn nearest(word: &str) -> Option<Keyword> {
    // A third of the word may be wrong, a swap of two neighbours counting once.
    let allowed = (word.len() / 3).clamp(1, 3);
    let word = word.to_ascii_uppercase();
    Keyword::ALL
        .into_iter()
        .filter(|keyword| keyword.as_str().len().abs_diff(word.len()) <= allowed)
        .map(|keyword| (near::slips(&word, keyword.as_str()), keyword))
        .filter(|&(slips, _)| slips <= allowed)
        .min_by_key(|&(slips, _)| slips)
        .map(|(_, keyword)| keyword)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_a_foreign_word_is_not() {
        let cases = [
            ("FORM", Some("FROM")),
            ("ENTRYPIONT", Some("ENTRYPOINT")),
            ("cop", Some("COPY")),
            ("RUNN", Some("RUN")),
            ("EOF", None),
            ("HEALTCHEK", Some("HEALTHCHECK")),
            ("&&", None),
            ("echo", None),
        ];
        for (word, expected) in cases {
            assert_eq!(nearest(word).map(Keyword::as_str), expected, "{word}");
        }
    }
}
