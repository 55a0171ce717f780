//! Whether what an `if` tests holds: comparisons of texts and numbers.

use super::pattern::{matches, tokens};
use super::variables::Variables;
use crate::shell::syntax::{Arm, Branch, Part, Script, Word};

/// What is known of words while a test is read.
pub(super) struct Known<'v> {
    variables: &'v mut Variables,
    /// Variables that nobody sets count, too.
    usual: bool,
    /// A default was used that is written in the script.
    pub(super) by_default: bool,
}

impl<'v> Known<'v> {
    /// What is so whatever happens.
    pub(super) const fn certain(variables: &'v mut Variables) -> Self {
        Self {
            variables,
            usual: false,
            by_default: false,
        }
    }

    /// What is so where nobody sets the variables that the image does not set.
    pub(super) const fn usual(variables: &'v mut Variables) -> Self {
        Self {
            usual: true,
            ..Self::certain(variables)
        }
    }

    /// A word with what is known in place of its variables.
    fn word(&mut self, word: &Word) -> Word {
        let mut word = self.variables.expand(word);
        if !self.usual {
            return word;
        }
        for part in &mut word.parts {
            if let Some(unset) = self.variables.unset_gives(part) {
                self.by_default |= unset.by_default;
                *part = Part::Literal {
                    text: unset.text,
                    range: part.range().clone(),
                    quoted: true,
                };
            }
        }
        word
    }

    /// The text of a word, where it is known.
    pub(super) fn text(&mut self, word: &Word) -> Option<String> {
        self.word(word).literal()
    }
}

/// Whether what a branch tests holds, where that can be told: comparisons of texts that are known.
pub(super) fn holds(branch: &Branch, script: &Script, known: &mut Known<'_>) -> Option<bool> {
    if branch.otherwise {
        return Some(true);
    }
    let tests = script.commands.get(branch.condition.clone())?;
    let joins = tests.len().checked_sub(1)?;
    let all = match (branch.ands, branch.ors) {
        (ands, 0) if ands == joins => true,
        (0, ors) if ors == joins => false,
        _ => return None,
    };
    if joins > 0 && branch.negated {
        return None;
    }
    let results = tests.iter().map(|test| single(&test.words, known));
    Some(joined(results, all)? != branch.negated)
}

/// Of tests that `&&` (`all`) or `||` joins.
fn joined(results: impl Iterator<Item = Option<bool>>, all: bool) -> Option<bool> {
    let mut open = false;
    for result in results {
        match result {
            Some(holds) if holds != all => return Some(holds),
            Some(_) => {}
            None => open = true,
        }
    }
    (!open).then_some(all)
}

/// `[ ... ]`, `[[ ... ]]` or `test ...`.
fn single(words: &[Word], known: &mut Known<'_>) -> Option<bool> {
    let (name, words) = words.split_first()?;
    let name = name.literal()?;
    let words = match (name.as_str(), words.split_last()) {
        ("[", Some((end, words))) if is(end, "]") => words,
        ("[[", Some((end, words))) if is(end, "]]") => words,
        ("test", _) => words,
        _ => return None,
    };
    let patterns = name == "[[";
    for (operators, all) in [(["||", "-o"], false), (["&&", "-a"], true)] {
        let splits = |word: &Word| operators.iter().any(|operator| is(word, operator));
        if words.iter().any(splits) {
            let parts = words.split(splits);
            // Both kinds in one test bind by rules of their own.
            let mixed = !all && words.iter().any(|word| is(word, "&&") || is(word, "-a"));
            // `[ -a file ]`
            if mixed || parts.clone().any(<[_]>::is_empty) {
                return None;
            }
            return joined(parts.map(|part| compared(part, patterns, known)), all);
        }
    }
    compared(words, patterns, known)
}

/// One comparison.
fn compared(words: &[Word], patterns: bool, known: &mut Known<'_>) -> Option<bool> {
    let words_stay = |word: &Word, text: &str| patterns || !text.is_empty() || is_quoted(word);
    match words {
        [sign, words @ ..] if is(sign, "!") && !words.is_empty() => {
            Some(!compared(words, patterns, known)?)
        }
        [operator, word] => {
            let text = known.text(word)?;
            match operator.literal()?.as_str() {
                // `[ -n ]`, which is left of it, holds.
                "-n" => Some(!text.is_empty() || !words_stay(word, &text)),
                "-z" => Some(text.is_empty()),
                _ => None,
            }
        }
        [word] if !word.parts.is_empty() => Some(!known.text(word)?.is_empty()),
        [left, operator, right] => {
            let operator = operator.literal()?;
            let text = known.text(left)?;
            // `[ = x ]` is an error.
            if !words_stay(left, &text) {
                return Some(false);
            }
            let left = text;
            if let Some(holds) = numbers(&left, &operator, right, known) {
                return Some(holds);
            }
            let same = if patterns {
                matches(&tokens(&known.word(right))?, &left)
            } else {
                known.text(right)? == left
            };
            match operator.as_str() {
                "=" | "==" => Some(same),
                "!=" => Some(!same),
                _ => None,
            }
        }
        _ => None,
    }
}

/// `-eq` and the like.
fn numbers(left: &str, operator: &str, right: &Word, known: &mut Known<'_>) -> Option<bool> {
    let compare: fn(&i64, &i64) -> bool = match operator {
        "-eq" => i64::eq,
        "-ne" => i64::ne,
        "-gt" => i64::gt,
        "-ge" => i64::ge,
        "-lt" => i64::lt,
        "-le" => i64::le,
        _ => return None,
    };
    let right = known.text(right)?.trim().parse().ok()?;
    Some(compare(&left.trim().parse().ok()?, &right))
}

/// Whether one of a branch's patterns fits, where that can be told.
pub(super) fn fits(arm: &Arm, subject: &str) -> Option<bool> {
    let mut any = false;
    for pattern in &arm.patterns {
        any |= matches(&tokens(pattern)?, subject);
    }
    Some(any)
}

/// Whether a word stays one where it is empty.
fn is_quoted(word: &Word) -> bool {
    !matches!(word.parts.as_slice(), [Part::Variable { range, .. }] if *range == word.range)
}

fn is(word: &Word, text: &str) -> bool {
    word.literal().is_some_and(|literal| literal == text)
}
