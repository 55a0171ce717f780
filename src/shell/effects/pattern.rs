//! Patterns of `case` and `[[ ]]`.

use crate::shell::syntax::{Part, Word};

/// A piece of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Char(char),
    One,
    Any,
}

/// The pieces of a pattern without variables, brackets and `+(...)`.
pub(super) fn tokens(pattern: &Word) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    for part in &pattern.parts {
        let Part::Literal { text, quoted, .. } = part else {
            return None;
        };
        for c in text.chars() {
            found.push(match c {
                '*' if !quoted => Token::Any,
                '?' if !quoted => Token::One,
                '[' | '(' | '\\' if !quoted => return None,
                c => Token::Char(c),
            });
        }
    }
    Some(found)
}

/// Whether a pattern fits all of a text: in time of the product of their lengths at most.
pub(super) fn matches(pattern: &[Token], text: &str) -> bool {
    // `reached[at]`: the pieces before `at` fit the text read so far.
    let mut reached = vec![false; pattern.len() + 1];
    let through = |reached: &mut [bool]| {
        for (at, token) in pattern.iter().enumerate() {
            if *token == Token::Any
                && reached.get(at) == Some(&true)
                && let Some(next) = reached.get_mut(at + 1)
            {
                *next = true;
            }
        }
    };
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    through(&mut reached);
    for c in text.chars() {
        let mut next = vec![false; pattern.len() + 1];
        for (at, token) in pattern.iter().enumerate() {
            let (to, fits) = match token {
                Token::Any => (at, true),
                Token::One => (at + 1, true),
                Token::Char(own) => (at + 1, *own == c),
            };
            if fits
                && reached.get(at) == Some(&true)
                && let Some(slot) = next.get_mut(to)
            {
                *slot = true;
            }
        }
        through(&mut next);
        reached = next;
    }
    reached.last() == Some(&true)
}
