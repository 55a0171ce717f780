//! Words that a replaced variable parts into several.

use crate::shell::syntax::{Part, Word};

/// Splits a word at the blanks of its unquoted literals, which only replacements bring.
pub(super) fn split(word: &Word) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut open = false;
    for part in &word.parts {
        match part {
            Part::Literal {
                text,
                range,
                quoted: false,
            } if text.contains(|c: char| c.is_ascii_whitespace()) => {
                for (index, field) in text.split(|c: char| c.is_ascii_whitespace()).enumerate() {
                    open &= index == 0;
                    if field.is_empty() {
                        continue;
                    }
                    let literal = Part::Literal {
                        text: field.to_owned(),
                        range: range.clone(),
                        quoted: false,
                    };
                    add(&mut words, &mut open, literal, word);
                }
            }
            Part::Literal {
                text,
                quoted: false,
                ..
            } if text.is_empty() => {}
            _ => add(&mut words, &mut open, part.clone(), word),
        }
    }
    words
}

fn add(words: &mut Vec<Word>, open: &mut bool, part: Part, whole: &Word) {
    match words.last_mut() {
        Some(word) if *open => word.parts.push(part),
        _ => words.push(Word {
            range: whole.range.clone(),
            parts: vec![part],
        }),
    }
    *open = true;
}
