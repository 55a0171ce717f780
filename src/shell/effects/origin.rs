//! Ranges of a script inside a script (`sh -c "..."`) back to the text that holds it.

use std::ops::Range;

use super::{Effect, EffectKind, Package};
use crate::shell::syntax::{self, Part, Word};

/// An inner script with the place of each of its pieces.
#[derive(Debug, Default)]
pub(super) struct Origin {
    pub(super) text: String,
    /// Start in `text`, range in the outer text.
    pieces: Vec<(usize, Range<usize>)>,
}

impl Origin {
    /// The text of words, joined by blanks.
    pub(super) fn of_words(words: &[Word]) -> Self {
        let mut origin = Self::default();
        for (index, word) in words.iter().enumerate() {
            if index > 0 {
                origin.push(" ", word.range.start..word.range.start);
            }
            for part in &word.parts {
                match part {
                    Part::Literal { text, range, .. } => origin.push(text, range.clone()),
                    _ => {
                        let whole = Word {
                            range: part.range().clone(),
                            parts: vec![part.clone()],
                        };
                        origin.push(&whole.shown(), part.range().clone());
                    }
                }
            }
        }
        origin
    }

    /// A part of the outer text itself.
    pub(super) fn of_range(text: &str, range: Range<usize>) -> Self {
        Self {
            text: text.get(range.clone()).unwrap_or_default().to_owned(),
            pieces: vec![(0, range)],
        }
    }

    /// The words of the script's first command.
    pub(super) fn first_command(&self) -> Vec<Word> {
        let mut words = syntax::parse(&self.text)
            .commands
            .into_iter()
            .next()
            .unwrap_or_default()
            .words;
        for word in &mut words {
            self.word(word);
        }
        words
    }

    fn push(&mut self, text: &str, range: Range<usize>) {
        self.pieces.push((self.text.len(), range));
        self.text.push_str(text);
    }

    /// The piece that holds the inner offset: where it starts and ends inside, and its outer range.
    fn piece(&self, at: usize) -> Option<(usize, usize, &Range<usize>)> {
        let next = self.pieces.partition_point(|(start, _)| *start <= at);
        let (start, outer) = self.pieces.get(next.checked_sub(1)?)?;
        let end = self
            .pieces
            .get(next)
            .map_or(self.text.len(), |(start, _)| *start);
        Some((*start, end, outer))
    }

    /// The outer range: exact where the text is the outer one's, else that of the whole piece.
    fn range(&self, inner: &Range<usize>) -> Range<usize> {
        let start = self.piece(inner.start).map_or(0, |(start, end, outer)| {
            if end - start == outer.len() {
                outer.start + (inner.start - start)
            } else {
                outer.start
            }
        });
        let last = inner.end.saturating_sub(1).max(inner.start);
        let end = self.piece(last).map_or(start, |(start, end, outer)| {
            if end - start == outer.len() {
                outer.start + (inner.end - start)
            } else {
                outer.end
            }
        });
        start..end.max(start)
    }

    fn word(&self, word: &mut Word) {
        word.range = self.range(&word.range);
        for part in &mut word.parts {
            let (Part::Literal { range, .. }
            | Part::Variable { range, .. }
            | Part::Command { range, .. }) = part;
            *range = self.range(range);
        }
    }

    fn packages(&self, packages: &mut [Package]) {
        for package in packages {
            package.range = self.range(&package.range);
        }
    }

    /// Replaces all ranges of an effect.
    pub(super) fn bring_home(&self, effect: &mut Effect) {
        effect.range = self.range(&effect.range);
        match &mut effect.kind {
            EffectKind::Install { packages, .. } | EffectKind::Uninstall { packages, .. } => {
                self.packages(packages);
            }
            EffectKind::Place { from, to, .. } => {
                self.word(from);
                self.word(to);
            }
            EffectKind::Export { value, .. } => {
                if let Some(value) = value {
                    self.word(value);
                }
            }
            EffectKind::Write { content, .. } => {
                *content = content.as_ref().map(|range| self.range(range));
            }
            EffectKind::Remove { path: word }
            | EffectKind::Inline { value: word, .. }
            | EffectKind::Assign { value: word, .. }
            | EffectKind::Setcap { file: word }
            | EffectKind::AddNeeded { library: word } => self.word(word),
            EffectKind::DropsEnvironment { command: words, .. }
            | EffectKind::Run { words, .. }
            | EffectKind::RunScript { words, .. } => {
                for word in words {
                    self.word(word);
                }
            }
            EffectKind::BuildInstall { .. }
            | EffectKind::Ldconfig
            | EffectKind::Unset { .. }
            | EffectKind::MentionsAllocator => {}
        }
    }
}
