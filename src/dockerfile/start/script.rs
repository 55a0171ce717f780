//! What a start script does to the settings of the service, as the shell that runs it.

use std::collections::HashMap;

use super::Follower;
use super::environment::placed;
use super::settings::What;
use crate::dockerfile::run::pattern;
use crate::facts::is_allocator_setting;
use crate::model::Via;
use crate::shell;
use crate::shell::effects::{Effect, EffectKind, Reach, Reading};
use crate::shell::syntax::{Context, Part, Word};
use crate::text::{Place, Traced};

impl Follower<'_> {
    /// Notes what a script does to the settings of its command at `at`, which is the service.
    pub(super) fn settings_for(
        &mut self,
        reading: &Reading,
        at: usize,
        text: (&Traced, &Place),
        hops: usize,
    ) {
        let (effects, scopes) = (&reading.effects, &reading.scopes);
        let Some(service) = effects.get(at) else {
            return;
        };
        // A service inside a function runs where that is called.
        let calls = calls(effects, effects.len(), &|_| true);
        let call = scopes.functions(service.context).find_map(|(name, scope)| {
            let call = calls.get(name).filter(|call| **call > at)?;
            Some((*call, scope))
        });
        let until = call.map_or(at, |(call, _)| call);
        let surely = self::calls(effects, until, &|effect| !effect.context.conditional);
        for (index, effect) in effects.iter().enumerate().take(until) {
            let behind = index > at;
            if behind && call.is_some_and(|(_, scope)| scopes.is_in(effect.context, scope)) {
                continue;
            }
            let around =
                effect.range.start <= service.range.start && service.range.end <= effect.range.end;
            match &effect.kind {
                EffectKind::Inline { name, value } if around => {
                    let what = if value.parts.is_empty() {
                        What::Unset
                    } else {
                        What::Set(None)
                    };
                    self.made(name, what, Some(value), text, effect, (Via::Command, false));
                }
                EffectKind::DropsEnvironment { by, .. } if around => {
                    let place = placed(text.0, text.1, &effect.range);
                    self.started.settings.drop_all(by, &place);
                }
                _ => {
                    let called = |name: &str| surely.get(name).is_some_and(|call| *call > index);
                    match scopes.reach(effect.context, service.context, &called) {
                        Reach::Never => {}
                        reach => self.exported_by(effect, text, reach == Reach::Maybe, hops),
                    }
                }
            }
        }
    }

    /// What an effect does to the commands behind it.
    fn exported_by(
        &mut self,
        effect: &Effect,
        text: (&Traced, &Place),
        conditional: bool,
        hops: usize,
    ) {
        match &effect.kind {
            EffectKind::Export {
                name,
                value: Some(value),
            } => self.made(
                name,
                What::Set(None),
                Some(value),
                text,
                effect,
                (Via::Script, conditional),
            ),
            EffectKind::Unset { name } => {
                self.made(
                    name,
                    What::Unset,
                    None,
                    text,
                    effect,
                    (Via::Script, conditional),
                );
            }
            EffectKind::RunScript {
                path,
                sourced: true,
                exports,
            } if hops > 0 => {
                let path = pattern(self.walker, self.state, path);
                let Some((inner, file)) = self.next_script(&path) else {
                    return;
                };
                let exported = self.exported();
                let start = shell::effects::Start {
                    exported: &exported,
                    all: *exports,
                    ..shell::effects::Start::default()
                };
                let reading = shell::effects::read_with(inner.as_str(), &start);
                let uncalled = |_: &str| false;
                for effect in &reading.effects {
                    let end = Context::default();
                    match reading.scopes.reach(effect.context, end, &uncalled) {
                        Reach::Never => {}
                        reach => {
                            let conditional = conditional || reach == Reach::Maybe;
                            self.exported_by(effect, (&inner, &file), conditional, hops - 1);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn made(
        &mut self,
        name: &str,
        what: What,
        value: Option<&Word>,
        text: (&Traced, &Place),
        effect: &Effect,
        how: (Via, bool),
    ) {
        if !is_allocator_setting(name) {
            return;
        }
        let what = match (what, value) {
            (What::Set(_), Some(value)) => match self.evaluated(name, value) {
                Evaluated::PassedOn => return,
                Evaluated::Text(text) => What::Set(Some(text)),
                Evaluated::Unknown => What::Set(None),
            },
            (what, _) => what,
        };
        let place = |range| placed(text.0, text.1, range);
        let mut places = vec![place(&effect.range)];
        places.extend(value.map(|value| place(&value.range)));
        let (via, conditional) = how;
        self.started
            .settings
            .note(name, what, via, conditional, places);
    }

    /// What a shell makes of a value when the container starts. Build arguments are gone then.
    fn evaluated(&self, name: &str, word: &Word) -> Evaluated {
        let mut text = String::new();
        for part in &word.parts {
            match part {
                Part::Literal { text: literal, .. } => text.push_str(literal),
                Part::Command { .. } => return Evaluated::Unknown,
                Part::Variable {
                    name: other,
                    operation,
                    ..
                } => {
                    let var = self.state.env.get(other).map(|var| var.now.value.known());
                    let var = match self.started.settings.last(other).map(|made| &made.what) {
                        None => var,
                        Some(What::Unset) => None,
                        Some(_) => Some(None),
                    };
                    let default = operation
                        .strip_prefix(':')
                        .unwrap_or(operation)
                        .strip_prefix(['-', '=']);
                    match (var, default) {
                        // What is added to a known value is not worth losing that for.
                        (Some(_), _) if other == name => return Evaluated::PassedOn,
                        (Some(Some(value)), _) if operation.is_empty() || default.is_some() => {
                            text.push_str(value);
                        }
                        (None, Some(default)) if !default.contains(['$', '`', '"', '\'', '\\']) => {
                            text.push_str(default);
                        }
                        // Who runs the image may set it: then something else comes of a longer text.
                        (None, None)
                            if word.parts.len() == 1 && other == name && operation.is_empty() => {}
                        _ => return Evaluated::Unknown,
                    }
                }
            }
        }
        Evaluated::Text(text)
    }

    /// The variables of interest that are in the environment so far, by name.
    pub(super) fn exported(&self) -> Vec<String> {
        let own = self.state.env.iter().map(|var| var.name.as_str());
        let made = self
            .started
            .settings
            .0
            .iter()
            .map(|made| made.name.as_str());
        let mut names: Vec<String> = own
            .chain(made)
            .filter(|name| *name == "LD_PRELOAD" || is_allocator_setting(name))
            .map(str::to_owned)
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Where each command that may be a function is run last, of the first `until` effects.
fn calls(
    effects: &[Effect],
    until: usize,
    counts: &dyn Fn(&Effect) -> bool,
) -> HashMap<String, usize> {
    let name = |effect: &Effect| match &effect.kind {
        EffectKind::Run { words, .. } => words.first().and_then(Word::literal),
        _ => None,
    };
    let all = effects.iter().enumerate().take(until);
    let counted = all.filter(|(_, effect)| counts(effect));
    counted
        .filter_map(|(at, effect)| Some((name(effect)?, at)))
        .collect()
}

enum Evaluated {
    /// It is what the variable holds already.
    PassedOn,
    Text(String),
    Unknown,
}
