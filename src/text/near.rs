//! Words that are nearly the same.

/// How many single-character changes lie between two words.
#[must_use]
pub(crate) fn edits(one: &str, other: &str) -> usize {
    strsim::levenshtein(one, other)
}

/// The same, where two neighbours that are swapped count once.
#[must_use]
pub(crate) fn slips(one: &str, other: &str) -> usize {
    strsim::osa_distance(one, other)
}
