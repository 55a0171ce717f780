//! Near misses: which keyword an unknown one was meant to be.

use super::Keyword;

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
    // A third of the word may be wrong, a swap of two neighbours counting once.
    let allowed = (word.len() / 3).clamp(1, 3);
    let word = word.as_bytes();
    Keyword::ALL
        .into_iter()
        .filter(|keyword| keyword.as_str().len().abs_diff(word.len()) <= allowed)
        .map(|keyword| (distance(word, keyword.as_str().as_bytes()), keyword))
        .filter(|&(distance, _)| distance <= allowed)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, keyword)| keyword)
}

/// One row of the table of distances; no keyword is longer than 11 letters.
type Row = [usize; 12];

/// Edits that turn `word` into `keyword`, case apart: insert, remove, replace, swap neighbours.
fn distance(word: &[u8], keyword: &[u8]) -> usize {
    let mut before = Row::default();
    let mut row = Row::default();
    row.iter_mut()
        .enumerate()
        .for_each(|(length, cell)| *cell = length);
    let mut last = None;
    for (i, &from) in word.iter().enumerate() {
        let from = from.to_ascii_uppercase();
        let next = next_row((i, from, last), keyword, &before, &row);
        before = std::mem::replace(&mut row, next);
        last = Some(from);
    }
    cell(&row, keyword.len())
}

/// The row for byte `from` at `i`, which comes after `last`.
fn next_row(
    (i, from, last): (usize, u8, Option<u8>),
    keyword: &[u8],
    before: &Row,
    row: &Row,
) -> Row {
    let mut next = Row::default();
    let mut left = i + 1;
    let mut last_to = None;
    next.iter_mut().take(1).for_each(|cell| *cell = left);
    for ((j, &to), found) in keyword.iter().enumerate().zip(next.iter_mut().skip(1)) {
        let replace = cell(row, j) + usize::from(from != to);
        left = replace.min(cell(row, j + 1) + 1).min(left + 1);
        if last == Some(to) && last_to == Some(from) {
            left = left.min(cell(before, j.saturating_sub(1)) + 1);
        }
        *found = left;
        last_to = Some(to);
    }
    next
}

fn cell(row: &Row, at: usize) -> usize {
    row.get(at).copied().unwrap_or(usize::MAX / 2)
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
