//! Commands inside commands: `sh -c`, `eval`, `find -exec`, and the text that a shell reads.

use super::EffectKind;
use super::call::{Call, Walk};
use super::origin::Origin;
use crate::shell::syntax::{Part, Word};
use crate::shell::wrappers::{Shell, Stripped, base_name, strip};

impl Walk<'_> {
    /// Commands that hold commands: `eval`, `.`, `find -exec`.
    pub(super) fn nested(&mut self, call: &Call<'_>) -> bool {
        match call.name.as_str() {
            "eval" => {
                let words: Vec<Word> = call.arguments().to_vec();
                if words.iter().all(|word| {
                    word.parts
                        .iter()
                        .all(|part| matches!(part, Part::Command { .. }))
                }) {
                    return false;
                }
                self.inner(call, &Origin::of_words(&words), false);
            }
            "." | "source" => {
                if call.arguments().is_empty() {
                    return true;
                }
                let exports = self.variables.export_all;
                self.variables.sourced |= !call.context.subshell;
                self.emit(
                    call,
                    EffectKind::RunScript {
                        words: call.arguments().to_vec(),
                        sourced: true,
                        exports,
                    },
                );
            }
            "find" => return self.find(call),
            _ => return false,
        }
        true
    }

    fn find(&mut self, call: &Call<'_>) -> bool {
        let exec = |word: &Word| matches!(word.literal().as_deref(), Some("-exec" | "-execdir"));
        let Some(at) = call.words.iter().position(exec) else {
            return false;
        };
        let ends = |word: &&Word| !matches!(word.literal().as_deref(), Some(";" | "+"));
        let found = self.text.get(call.range.clone()).unwrap_or_default();
        let found = Part::Command {
            text: found.to_owned(),
            range: call.range.clone(),
        };
        let inner: Vec<Word> = call
            .words
            .iter()
            .skip(at + 1)
            .take_while(ends)
            .map(|word| fill(word, "{}", &found))
            .collect();
        let stripped = strip(inner);
        let inner = Call {
            name: stripped
                .words
                .first()
                .and_then(base_name)
                .unwrap_or_default(),
            words: &stripped.words,
            redirects: &[],
            assignments: &[],
            range: call.range.clone(),
            ..*call
        };
        self.files(&inner, None)
    }

    pub(super) fn shell(&mut self, call: &Call<'_>, shell: &Shell, stripped: &Stripped) {
        match shell {
            Shell::Text(word) => {
                self.inner(call, &Origin::of_words(std::slice::from_ref(word)), true);
            }
            Shell::File(words) => self.emit(
                call,
                EffectKind::RunScript {
                    words: words.clone(),
                    sourced: false,
                    exports: false,
                },
            ),
            Shell::Input => match call
                .redirects
                .iter()
                .rev()
                .find_map(|redirect| redirect.body.clone())
            {
                Some(body) => self.inner(call, &Origin::of_range(self.text, body), true),
                None => {
                    let kind = EffectKind::Run {
                        words: stripped.words.clone(),
                        exec: stripped.exec,
                    };
                    self.emit(call, kind);
                }
            },
        }
    }
}

/// The word with each `mark` in its literals replaced by `part`.
pub(super) fn fill(word: &Word, mark: &str, part: &Part) -> Word {
    let mut parts = Vec::with_capacity(word.parts.len());
    for piece in &word.parts {
        let Part::Literal {
            text,
            range,
            quoted,
        } = piece
        else {
            parts.push(piece.clone());
            continue;
        };
        for (index, literal) in text.split(mark).enumerate() {
            if index > 0 {
                parts.push(part.clone());
            }
            if !literal.is_empty() {
                parts.push(Part::Literal {
                    text: literal.to_owned(),
                    range: range.clone(),
                    quoted: *quoted,
                });
            }
        }
    }
    Word {
        range: word.range.clone(),
        parts,
    }
}
