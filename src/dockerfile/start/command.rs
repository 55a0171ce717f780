//! Which of the commands of a start script is the service.

use std::collections::HashMap;

use super::words::{is_positional, plain};
use crate::facts::roles;
use crate::model::{ProcessKind, is_python, recognise};
use crate::shell::effects::{Effect, EffectKind, Reading, Usually};
use crate::shell::syntax::Word;
use crate::text::paths::base_name;

/// A command that a script runs.
struct Candidate<'e> {
    /// Where it stands among the effects.
    at: usize,
    words: &'e [Word],
    exec: bool,
    usually: Usually,
    kind: Option<ProcessKind>,
    /// It is a server for developers, or might be.
    develops: bool,
}

impl<'e> Candidate<'e> {
    fn of(at: usize, effect: &'e Effect, usually: Usually) -> Option<Self> {
        let (words, exec) = match &effect.kind {
            EffectKind::Run { words, exec } => (words.as_slice(), *exec),
            EffectKind::RunScript {
                words,
                sourced: false,
                ..
            } => (words.as_slice(), false),
            _ => return None,
        };
        let plain = plain(words);
        let found = recognise(&plain);
        Some(Self {
            at,
            words,
            exec,
            usually,
            develops: found
                .as_ref()
                .is_some_and(|found| found.development || found.second_choice)
                || plain.iter().any(|word| names_developers(word)),
            kind: found.map(|found| found.kind),
        })
    }

    fn program(&self) -> String {
        plain(self.words.get(..1).unwrap_or_default()).concat()
    }

    fn serves(&self) -> bool {
        self.kind
            .as_ref()
            .is_some_and(|kind| *kind != ProcessKind::OneShot)
    }

    /// A script that can start several servers is told which one: `CMD ["celery-worker"]`.
    fn is_asked_for(&self, positional: &[String]) -> bool {
        let program = self.program();
        let first = positional.first();
        !program.is_empty() && first.is_some_and(|word| word.starts_with(base_name(&program)))
    }

    fn passes_on(&self) -> bool {
        is_positional(self.words)
    }

    /// A program that a variable names tells nothing; what else the script runs may.
    fn is_named(&self) -> bool {
        let program = self.program();
        self.passes_on() || !program.is_empty() && !base_name(&program).contains('*')
    }

    /// A Python program in the branch that is taken where nobody says otherwise.
    fn is_own_program(&self) -> bool {
        let taken = matches!(self.usually, Usually::Runs | Usually::ByDefault);
        taken && self.kind.is_none() && is_python(base_name(&self.program()))
    }

    fn runs(&self) -> bool {
        self.usually != Usually::Skipped
    }
}

/// Picks the command of a script that is the service, and where it stands among the effects: a server that we know (of
/// several branches the one that is taken by default), then what `exec` is given, then the last one.
pub(super) fn service<'e>(
    reading: &'e Reading,
    positional: &[String],
) -> Option<(usize, &'e [Word])> {
    let calls = calls(&reading.effects);
    // What stands in a function runs where that is called.
    let usually = |effect: &Effect| {
        let functions = reading.scopes.functions(effect.context);
        let called = functions.filter_map(|(name, _)| calls.get(name));
        called.copied().fold(effect.usually, Usually::max)
    };
    let effects = reading.effects.iter().enumerate();
    let commands: Vec<Candidate<'_>> = effects
        // What reads another's output is a test or a filter, not the service.
        .filter(|(_, effect)| !effect.context.piped)
        .filter_map(|(at, effect)| Candidate::of(at, effect, usually(effect)))
        .collect();
    let servers = || commands.iter().filter(|command| command.serves());
    let first = |wanted: &dyn Fn(&Candidate<'_>) -> bool| servers().find(|server| wanted(server));
    let last = |wanted: &dyn Fn(&Candidate<'_>) -> bool| {
        let mut named = commands.iter().rev().filter(|command| command.is_named());
        named.find(|command| wanted(command))
    };
    let ends_at_once = |command: &Candidate<'_>| command.kind == Some(ProcessKind::OneShot);
    // A branch that a written default takes may be for developers; else none is, where another serves.
    let chosen = first(&|server| server.is_asked_for(positional) && server.runs())
        .or_else(|| first(&|server| server.is_asked_for(positional)))
        .or_else(|| first(&|server| !server.develops && server.usually == Usually::ByDefault))
        .or_else(|| first(&|server| server.usually == Usually::ByDefault))
        .or_else(|| first(&|server| !server.develops && server.runs()))
        .or_else(|| {
            // What `exec` is given comes after it, and stays.
            let replaced = commands
                .iter()
                .any(|command| command.exec && command.runs());
            last(&|command| command.is_own_program()).filter(|_| !replaced)
        })
        .or_else(|| first(&|server| !server.develops))
        .or_else(|| first(&|server| server.runs()))
        .or_else(|| last(&|command| command.exec && command.runs() && !command.passes_on()))
        .or_else(|| servers().next())
        .or_else(|| last(&|command| command.exec && command.runs()))
        .or_else(|| last(&|command| command.exec))
        .or_else(|| last(&|command| command.runs() && !ends_at_once(command)))
        .or_else(|| last(&|command| !ends_at_once(command)));
    chosen.map(|command| (command.at, command.words))
}

/// Whether a word names settings for developers: `gunicorn.dev.conf.py`, `--settings=shop.settings.local`.
fn names_developers(word: &str) -> bool {
    let name = word.rsplit(['/', '=']).next().unwrap_or_default();
    let mut parts = name.split(['.', '-', '_']);
    parts.any(roles::is_developer_folder) && !name.contains(':')
}

/// For each function that is called whether it is where nobody sets the variables that the script looks at.
fn calls(effects: &[Effect]) -> HashMap<String, Usually> {
    let mut calls = HashMap::new();
    for effect in effects {
        let EffectKind::Run { words, .. } = &effect.kind else {
            continue;
        };
        if let Some(name) = words.first().and_then(Word::literal) {
            // One call that is not skipped is enough.
            let known = calls.entry(name).or_insert(effect.usually);
            *known = (*known).min(effect.usually);
        }
    }
    calls
}
