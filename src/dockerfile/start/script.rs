//! What a start script does to the settings of the service, as the shell that runs it.

use std::collections::HashMap;
use std::ops::Range;

use super::Follower;
use super::settings::{What, decides};
use super::words::{is_positional, plain};
use crate::dockerfile::copy;
use crate::dockerfile::run::pattern;
use crate::facts::families_named;
use crate::model::{ProcessKind, Reach as Ends, Stray, Strip, Via, recognise};
use crate::shell;
use crate::shell::effects::{Called, Effect, EffectKind, Reach, Reading};
use crate::shell::syntax::{Context, Part, Word};
use crate::text::{Place, Traced};

/// A script that is being followed.
#[derive(Clone, Copy)]
pub(super) struct Script<'a> {
    pub(super) reading: &'a Reading,
    pub(super) text: &'a Traced,
    pub(super) file: &'a Place,
    /// What it was started with; nothing where that is not known.
    pub(super) positional: &'a [String],
}

impl Script<'_> {
    fn place(&self, range: &Range<usize>) -> Place {
        let span = self.text.source(range.clone());
        span.map_or_else(|| self.file.clone(), |span| self.file.at(span))
    }
}

impl Follower<'_> {
    /// Notes what a script does to the settings of the service, which is its command at `at`, or what comes
    /// behind it where none of its commands is.
    pub(super) fn settings_for(&mut self, script: Script<'_>, at: Option<usize>, hops: usize) {
        let (effects, scopes) = (&script.reading.effects, &script.reading.scopes);
        let service = at.and_then(|at| effects.get(at));
        let end = at.unwrap_or(effects.len());
        let (context, range) = service
            .map_or((Context::default(), usize::MAX..usize::MAX), |effect| {
                (effect.context, effect.range.clone())
            });
        // A service inside a function runs where that is called.
        let calls = calls(effects, effects.len(), &|_| true);
        let call = scopes.functions(context).find_map(|(name, scope)| {
            let call = calls.get(name).filter(|call| **call > end)?;
            Some((*call, scope))
        });
        let until = call.map_or(end, |(call, _)| call);
        let surely = self::calls(effects, until, &|effect| !effect.context.conditional);
        for (index, effect) in effects.iter().enumerate() {
            let behind = index > end;
            if index >= until
                || behind && call.is_some_and(|(_, scope)| scopes.is_in(effect.context, scope))
            {
                continue;
            }
            let around = effect.range.start <= range.start && range.end <= effect.range.end;
            match &effect.kind {
                EffectKind::Inline { name, value } if around => {
                    let how = (Via::Command, false);
                    self.made(script, effect, name, Some(value), how);
                }
                EffectKind::Inline { name, value } => {
                    self.inline_elsewhere(script, effect, name, value);
                }
                EffectKind::DropsEnvironment { by, .. } if around => {
                    let place = script.place(&effect.range);
                    self.started.settings.drop_all(by, &place);
                    self.started.strips.push(Strip {
                        by: by.clone(),
                        only_non_root: false,
                        place,
                    });
                }
                _ => {
                    let called = |name: &str| match surely.get(name) {
                        Some(call) if *call > index => Called::Surely,
                        _ if never_called(script, name) => Called::Never,
                        _ => Called::Maybe,
                    };
                    match scopes.reach(effect.context, context, &called) {
                        Reach::Never => self.ends(script, index, &called),
                        reach => self.exported_by(script, effect, reach == Reach::Maybe, hops),
                    }
                }
            }
        }
    }

    /// What an effect does to the commands behind it.
    fn exported_by(&mut self, script: Script<'_>, effect: &Effect, conditional: bool, hops: usize) {
        let how = (Via::Script, conditional);
        match &effect.kind {
            EffectKind::Export {
                name,
                value: Some(value),
            } => self.made(script, effect, name, Some(value), how),
            EffectKind::Unset { name } => self.made(script, effect, name, None, how),
            EffectKind::RunScript {
                path,
                sourced: true,
                exports,
            } if hops > 0 => {
                let path = pattern(self.build, self.state, path);
                let Some((text, file)) = self.next_script(&path) else {
                    return;
                };
                let exported = self.exported();
                let start = shell::effects::Start {
                    exported: &exported,
                    all: *exports,
                    ..shell::effects::Start::default()
                };
                let reading = shell::effects::read_with(text.as_str(), &start);
                let inner = Script {
                    reading: &reading,
                    text: &text,
                    file: &file,
                    positional: &[],
                };
                // Who reads it may call its functions.
                let perhaps = |_: &str| Called::Maybe;
                for effect in &reading.effects {
                    let end = Context::default();
                    match reading.scopes.reach(effect.context, end, &perhaps) {
                        Reach::Never => {}
                        reach => {
                            let conditional = conditional || reach == Reach::Maybe;
                            self.exported_by(inner, effect, conditional, hops - 1);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// A variable gets a value, or is taken away where there is none.
    fn made(
        &mut self,
        script: Script<'_>,
        effect: &Effect,
        name: &str,
        value: Option<&Word>,
        (via, conditional): (Via, bool),
    ) {
        if !decides(name) {
            return;
        }
        let what = match value {
            None => What::Unset,
            Some(value) if name == "LD_PRELOAD" => match self.preload(value) {
                Some(what) => what,
                None => return,
            },
            Some(value) if value.parts.is_empty() && via == Via::Command => What::Unset,
            Some(value) => match self.evaluated(name, value) {
                Evaluated::PassedOn => return,
                Evaluated::Text(text) => What::Set(Some(text)),
                Evaluated::Unknown => What::Set(None),
            },
        };
        let mut places = vec![script.place(&effect.range)];
        places.extend(value.map(|value| script.place(&value.range)));
        self.started
            .settings
            .note(name, what, via, conditional, places);
    }

    /// What a value does to the list of `LD_PRELOAD`.
    fn preload(&self, value: &Word) -> Option<What> {
        let set = match self.started.settings.last("LD_PRELOAD") {
            Some(made) => !matches!(made.what, What::Unset),
            None => {
                let var = self.state.env.get("LD_PRELOAD");
                var.is_some_and(|var| !var.now.value.text.as_str().is_empty())
            }
        };
        let parts = value.parts.iter().map(|part| match default(part) {
            Some(default) if !set => Part::Literal {
                text: default.to_owned(),
                range: part.range().clone(),
                quoted: true,
            },
            _ => part.clone(),
        });
        let value = Word {
            range: value.range.clone(),
            parts: parts.collect(),
        };
        let own = |part: &Part| matches!(part, Part::Variable { name, .. } if name == "LD_PRELOAD");
        let keeps = value.parts.iter().any(own);
        let list = pattern(self.build, self.state, &value);
        What::preload(list, keeps, value.literal().is_some())
    }

    /// A variable is set for one command, which is not the one that was taken for the service. Where that stands in a
    /// branch and may serve, too, the setting counts as a branch; else it has ended before the service starts.
    fn inline_elsewhere(&mut self, script: Script<'_>, effect: &Effect, name: &str, value: &Word) {
        if name != "LD_PRELOAD" {
            return;
        }
        let inside = |other: &&Effect| {
            effect.range.start <= other.range.start && other.range.end <= effect.range.end
        };
        let mut run = script.reading.effects.iter().filter(inside);
        let serves = run.any(|other| match &other.kind {
            EffectKind::Run { words, .. } => {
                recognise(&plain(words)).is_none_or(|found| found.kind != ProcessKind::OneShot)
            }
            EffectKind::RunScript { .. } => true,
            _ => false,
        });
        if serves && effect.context.conditional {
            self.made(script, effect, name, Some(value), (Via::Command, true));
        } else {
            self.stray(script, effect, value, Ends::Command);
        }
    }

    /// What the effect at `index` sets ends before the service starts.
    fn ends(&mut self, script: Script<'_>, index: usize, called: &dyn Fn(&str) -> Called) {
        let (effects, scopes) = (&script.reading.effects, &script.reading.scopes);
        let Some(effect) = effects.get(index) else {
            return;
        };
        let EffectKind::Export {
            name,
            value: Some(value),
        } = &effect.kind
        else {
            return;
        };
        if name != "LD_PRELOAD" {
            return;
        }
        let mut functions = scopes.functions(effect.context);
        let uncalled = functions.find(|(name, _)| called(name) == Called::Never);
        let subshell = scopes.subshell(effect.context);
        let runs = |other: &Effect| {
            let kind = matches!(
                other.kind,
                EffectKind::Run { .. } | EffectKind::RunScript { .. }
            );
            kind && subshell.is_some_and(|scope| scopes.is_in(other.context, scope))
        };
        let ends = match uncalled {
            Some((name, _)) => Ends::Uncalled(name.to_owned()),
            // It is meant for what runs in there.
            None if effects.iter().skip(index + 1).any(runs) => Ends::Command,
            None => Ends::Subshell,
        };
        self.stray(script, effect, value, ends);
    }

    fn stray(&mut self, script: Script<'_>, effect: &Effect, value: &Word, reach: Ends) {
        let list = pattern(self.build, self.state, value);
        let Some(family) = families_named(&list).first().copied() else {
            return;
        };
        self.started.strays.push(Stray {
            variable: Some("LD_PRELOAD".into()),
            value: list,
            family: Some(family),
            reach,
            place: script.place(&effect.range),
        });
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
        let made = self.started.settings.names();
        let mut names: Vec<String> = own
            .chain(made)
            .filter(|name| decides(name))
            .map(str::to_owned)
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The text of a script that is started or read, as long as there are not too many.
    pub(super) fn next_script(&mut self, path: &str) -> Option<(Traced, Place)> {
        self.scripts = self.scripts.checked_sub(1)?;
        let readable = copy::find(self.build, self.state, path)?;
        let (text, file) = self.open(readable);
        self.started.followed.push(file.file.path.clone());
        Some((text, file))
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

/// Whether nothing calls a function of the script: its name stands nowhere but where it is declared, and no command's
/// name is put together when it runs.
fn never_called(script: Script<'_>, name: &str) -> bool {
    let text = script.text.as_str();
    let part =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let bytes = text.as_bytes();
    let named = text.match_indices(name).filter(|(at, _)| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        !part(before) && !part(bytes.get(at + name.len()))
    });
    // What `exec` is given is a program.
    let computed = script
        .reading
        .effects
        .iter()
        .any(|effect| match &effect.kind {
            EffectKind::Run { exec: true, .. } => false,
            EffectKind::Run { words, .. } if is_positional(words) => {
                script.positional.first().is_none_or(|first| first == name)
            }
            EffectKind::Run { words, .. } => {
                words.first().is_some_and(|word| word.literal().is_none())
            }
            _ => false,
        });
    named.count() == 1 && !computed
}

/// The text that stands for `LD_PRELOAD` where that is not set: `${LD_PRELOAD:-text}`.
fn default(part: &Part) -> Option<&str> {
    let Part::Variable {
        name, operation, ..
    } = part
    else {
        return None;
    };
    let operation = operation.strip_prefix(':').unwrap_or(operation);
    let default = operation.strip_prefix(['-', '='])?;
    let plain = !default.contains(['$', '`', '"', '\'', '\\']);
    (name == "LD_PRELOAD" && plain).then_some(default)
}

enum Evaluated {
    /// It is what the variable holds already.
    PassedOn,
    Text(String),
    Unknown,
}
