//! Near misses: which keyword an unknown one was meant to be.

use crate::inputs::dockerfile::syntax::Keyword;

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
        None => format!("unknown instruction `{}`", clip(word)),
    }
}

fn nearest(word: &str) -> Option<Keyword> {
    let word = word.to_ascii_uppercase();
    if word.len() > LONGEST_QUOTE {
        return None;
    }
    // A third of the word may be wrong, a swap of two neighbours counting once.
    let allowed = (word.len() / 3).clamp(1, 3);
    Keyword::ALL
        .into_iter()
        .map(|keyword| {
            (
                distance(word.as_bytes(), keyword.as_str().as_bytes()),
                keyword,
            )
        })
        .filter(|&(distance, _)| distance <= allowed)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, keyword)| keyword)
}

/// Edits that turn `a` into `b`: insert, remove, replace, swap neighbours.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut last_a = None;
    for (i, &from) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        let mut last_b = None;
        for (j, &to) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let mut best = at(&row, j) + usize::from(from != to);
            best = best.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            if last_a == Some(to) && last_b == Some(from) {
                best = best.min(at(&before, j.wrapping_sub(1)) + 1);
            }
            next.push(best);
            last_b = Some(to);
        }
        before = std::mem::replace(&mut row, next);
        last_a = Some(from);
    }
    row.last().copied().unwrap_or_default()
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
