//! What holds of every reading of shell text, and of Python: what is found lies in the text, and in order.

use std::ops::Range;

use malloclint::internals::shell::effects::{self, EffectKind};
use malloclint::internals::shell::python;
use malloclint::internals::shell::syntax::{self, Word};

/// Reads `text` and panics where the result is not consistent.
pub(crate) fn check(text: &str) {
    let script = syntax::parse(text);
    let mut last = 0;
    for command in &script.commands {
        assert!(inside(text, &command.range) && command.range.start >= last);
        last = command.range.end;
        let assigned = command.assignments.iter().map(|one| &one.value);
        for word in command.words.iter().chain(assigned) {
            assert!(word_inside(text, word));
        }
        for redirect in &command.redirects {
            assert!(word_inside(text, &redirect.target));
            assert!(redirect.body.iter().all(|body| inside(text, body)));
        }
    }
    for effect in effects::read(text) {
        assert!(inside(text, &effect.range), "{effect:?}");
        assert!(effect_inside(text, &effect.kind), "{effect:?}");
    }
    for setting in &python::read(text).settings {
        assert!(inside(text, &setting.name) && inside(text, &setting.value));
    }
}

fn inside(text: &str, range: &Range<usize>) -> bool {
    text.get(range.clone()).is_some()
}

fn word_inside(text: &str, word: &Word) -> bool {
    inside(text, &word.range) && word.parts.iter().all(|part| inside(text, part.range()))
}

fn effect_inside(text: &str, kind: &EffectKind) -> bool {
    match kind {
        EffectKind::Install { packages, .. } | EffectKind::Uninstall { packages, .. } => {
            packages.iter().all(|package| inside(text, &package.range))
        }
        EffectKind::Place { from, to, .. } => word_inside(text, from) && word_inside(text, to),
        EffectKind::Export { value, .. } => value.iter().all(|value| word_inside(text, value)),
        EffectKind::Write { content, .. } => content.iter().all(|range| inside(text, range)),
        EffectKind::Remove { path: word }
        | EffectKind::Inline { value: word, .. }
        | EffectKind::Assign { value: word, .. }
        | EffectKind::Setcap { file: word }
        | EffectKind::AddNeeded { library: word } => word_inside(text, word),
        EffectKind::DropsEnvironment { command: words, .. }
        | EffectKind::Run { words, .. }
        | EffectKind::RunScript { words, .. } => words.iter().all(|word| word_inside(text, word)),
        _ => true,
    }
}
