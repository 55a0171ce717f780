//! Which of the commands of a start script is the service.

use super::words::{is_positional, plain};
use crate::model::{ProcessKind, recognise};
use crate::shell::effects::{Effect, EffectKind};
use crate::shell::syntax::Word;
use crate::text::paths::base_name;

/// So many variables with a default are looked at.
const DEFAULTS: usize = 8;

/// Where the branch begins that is taken by default: `${1:-web}` and `web)`, or `[ "$1" = web ]`.
fn default_branch(text: &str) -> Option<usize> {
    let mut defaults = text.match_indices(":-").filter_map(|(at, sign)| {
        let rest = text.get(at + sign.len()..)?;
        let word = rest.get(..rest.find('}')?)?.trim_matches(['"', '\'']);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        (!word.is_empty() && word.chars().all(plain)).then_some(word)
    });
    defaults.by_ref().take(DEFAULTS).find_map(|word| {
        let label = |at: &usize| {
            let before = text.get(..*at).and_then(|text| text.chars().next_back());
            before.is_none_or(|c| c.is_whitespace() || matches!(c, '"' | '\'' | '|' | '('))
        };
        let blank = ['"', '\'', ' '];
        let behind = |at: usize| {
            let rest = text.get(at + word.len()..).unwrap_or_default();
            rest.trim_start_matches(blank)
        };
        let compared = |at: usize| {
            let before = text.get(..at).unwrap_or_default();
            before.trim_end_matches(blank).ends_with('=') && behind(at).starts_with(']')
        };
        let mut found = text.match_indices(word).map(|(at, _)| at).filter(label);
        found.find(|at| behind(*at).starts_with([')', '|']) || compared(*at))
    })
}

/// Picks the command of a script that is the service, and where it stands among the effects: a
/// server that we know (of several branches the one that is taken by default), then what `exec` is given, then the last one.
pub(super) fn service<'e>(
    effects: &'e [Effect],
    text: &str,
    positional: &[String],
) -> Option<(usize, &'e [Word])> {
    let commands: Vec<(&[Word], bool, usize)> = effects
        .iter()
        .enumerate()
        // What reads another's output is a test or a filter, not the service.
        .filter(|(_, effect)| !effect.context.piped)
        .filter_map(|(at, effect)| match &effect.kind {
            EffectKind::Run { words, exec } => Some((words.as_slice(), *exec, at)),
            EffectKind::RunScript {
                path,
                sourced: false,
                ..
            } => Some((std::slice::from_ref(path), false, at)),
            _ => None,
        })
        .collect();
    let serves = |words: &[Word]| {
        let argv = plain(words);
        recognise(&argv).is_some_and(|found| found.kind != ProcessKind::OneShot)
    };
    let ends_at_once = |words: &[Word]| {
        recognise(&plain(words)).is_some_and(|found| found.kind == ProcessKind::OneShot)
    };
    // A script that can start several servers is told which one: `CMD ["celery-worker"]`.
    let asked = |words: &[Word]| {
        let program = plain(words.get(..1).unwrap_or_default()).concat();
        let first = positional.first();
        !program.is_empty() && first.is_some_and(|word| word.starts_with(base_name(&program)))
    };
    let mut servers = commands.iter().filter(|(words, ..)| serves(words));
    let chosen = servers.clone().find(|(words, ..)| asked(words));
    // Of several branches the one that a variable takes which nobody sets; never one for developers, where another serves.
    let usual = default_branch(text).filter(|_| positional.is_empty());
    let behind = |at: usize| {
        let mut branch = servers.clone();
        branch.find(|(.., index)| {
            effects
                .get(*index)
                .is_some_and(|effect| effect.range.start > at)
        })
    };
    let develops = |words: &[Word]| recognise(&plain(words)).is_some_and(|found| found.development);
    let chosen = chosen
        .or_else(|| usual.and_then(behind))
        .or_else(|| servers.clone().find(|(words, ..)| !develops(words)));
    // A program that a variable names tells nothing; what else the script runs may.
    let named = |words: &[Word]| {
        let program = plain(words.get(..1).unwrap_or_default()).concat();
        is_positional(words) || !program.is_empty() && !base_name(&program).contains('*')
    };
    let chosen = chosen
        .or_else(|| servers.next())
        .or_else(|| {
            commands
                .iter()
                .rev()
                .find(|(words, exec, _)| *exec && named(words))
        })
        .or_else(|| {
            commands
                .iter()
                .rev()
                .find(|(words, ..)| named(words) && !ends_at_once(words))
        });
    chosen.map(|(words, _, at)| (*at, *words))
}
