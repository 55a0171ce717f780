//! What a start script does to the settings of the service, as the shell that runs it.

use super::Follower;
use super::service::{Mentions, Script, Service};
use super::settings::{What, decides};
use super::words::plain;
use crate::dockerfile::copy;
use crate::dockerfile::run::pattern;
use crate::facts::{families_named, not_an_allocator};
use crate::model::{ProcessKind, Reach as Ends, Stray, Strip, Via, recognise};
use crate::shell;
use crate::shell::effects::{Called, Effect, EffectKind, Reach};
use crate::shell::syntax::{Context, Part, Word};
use crate::text::paths::base_name;
use crate::text::{Place, Traced};

/// Whether a list names libraries that are surely no allocators, and nothing else; what is put in stands as `*`.
fn names_others(list: &str) -> bool {
    let mut named = list
        .split([':', ' '])
        .filter(|entry| !matches!(*entry, "" | "*"))
        .peekable();
    named.peek().is_some() && named.all(|entry| not_an_allocator(base_name(entry)))
}

impl Follower<'_> {
    /// Notes what a script does to the settings of the service, which is its command at `at`, or what comes
    /// behind it where none of its commands is.
    pub(super) fn settings_for(&mut self, script: Script<'_>, at: Option<usize>, hops: usize) {
        let effects = &script.reading.effects;
        let service = Service::of(script, at);
        for (index, reach) in service.order() {
            let Some(effect) = effects.get(index) else {
                continue;
            };
            let around = service.is_inside(effect);
            match &effect.kind {
                EffectKind::Inline { name, value } if around => {
                    let how = (Via::Command, service.one_of_several);
                    self.made(script, effect, name, Some(value), how);
                }
                EffectKind::Inline { name, value } => {
                    self.inline_elsewhere(script, effect, name, value);
                }
                EffectKind::DropsEnvironment { by, .. } if around => {
                    self.dropped(script, index, effect, (by, service.among_others));
                }
                _ if reach == Reach::Never => {
                    // What a script is for of which no command is a service cannot be told.
                    if at.is_some() {
                        self.ends(script, index);
                    }
                }
                _ => {
                    let unsure = reach == Reach::Maybe || service.one_of_several;
                    let how = (reach == Reach::Maybe, unsure);
                    self.exported_by(script, effect, how, hops);
                }
            }
        }
    }

    /// The service starts without the environment, but for what it is given behind that.
    fn dropped(
        &mut self,
        script: Script<'_>,
        index: usize,
        effect: &Effect,
        (by, for_one_of_several): (&str, bool),
    ) {
        let place = script.place(&effect.range);
        self.started.settings.drop_all(by, &place);
        let gives = |other: &Effect| {
            let sets = matches!(&other.kind, EffectKind::Inline { name, value }
                if name == "LD_PRELOAD" && !value.parts.is_empty());
            sets && other.range == effect.range
        };
        let mut behind = script.reading.effects.iter().skip(index + 1);
        if !for_one_of_several && !behind.any(gives) {
            self.started.strips.push(Strip {
                by: by.to_owned(),
                launcher: None,
                only_non_root: false,
                place,
            });
        }
    }

    /// What an effect does to the commands behind it: whether it may not do so, and whether it is only then that it
    /// ends `LD_PRELOAD`.
    fn exported_by(
        &mut self,
        script: Script<'_>,
        effect: &Effect,
        (conditional, unsure): (bool, bool),
        hops: usize,
    ) {
        let ends = match &effect.kind {
            EffectKind::Unset { name } => name == "LD_PRELOAD",
            EffectKind::Export {
                name,
                value: Some(value),
            }
            | EffectKind::Assign { name, value } => {
                let list = pattern(self.build, self.state, value);
                name == "LD_PRELOAD" && families_named(&list).is_empty()
            }
            _ => false,
        };
        let how = (Via::Script, conditional || ends && unsure);
        match &effect.kind {
            EffectKind::Export {
                name,
                value: Some(value),
            } => self.made(script, effect, name, Some(value), how),
            EffectKind::Assign { name, value } if self.is_exported(name) => {
                self.made(script, effect, name, Some(value), how);
            }
            EffectKind::Assign { name, value } if name == "LD_PRELOAD" => {
                self.stray(script, effect, value, Ends::Unexported);
            }
            EffectKind::Unset { name } => self.made(script, effect, name, None, how),
            EffectKind::RunScript {
                words,
                sourced: true,
                exports,
            } if hops > 0 => {
                let path = words.first();
                let path = path.map(|path| pattern(self.build, self.state, path));
                let path = path.unwrap_or_default();
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
                            let maybe = reach == Reach::Maybe;
                            let how = (conditional || maybe, unsure || maybe);
                            self.exported_by(inner, effect, how, hops - 1);
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
            Some(value) if name == "LD_PRELOAD" => {
                let list = pattern(self.build, self.state, value);
                self.started.others += usize::from(names_others(&list));
                let Some(what) = self.preload(script, value) else {
                    return;
                };
                if matches!(what, What::Set(None)) {
                    let path = &script.file.file.path;
                    self.started.unseen.get_or_insert_with(|| {
                        format!("`{path}` sets up an allocator when it starts")
                    });
                }
                what
            }
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

    /// What a value does to the list of `LD_PRELOAD`; nothing where it keeps what was there.
    fn preload(&self, script: Script<'_>, value: &Word) -> Option<What> {
        let set = match self.started.settings.last("LD_PRELOAD") {
            Some(made) => !matches!(made.what, What::Unset),
            None => {
                let var = self.state.env.get("LD_PRELOAD");
                var.is_some_and(|var| !var.now.value.text.as_str().is_empty())
            }
        };
        let mut keeps = false;
        let mut parts = Vec::with_capacity(value.parts.len());
        for part in &value.parts {
            let own = Own::of(part);
            keeps |= own.as_ref().is_some_and(|own| own.keeps(set));
            match own.map_or(Some(None), |own| own.text(set)) {
                // Another's part, or one that stays as it is.
                Some(None) => parts.push(part.clone()),
                Some(Some(text)) => parts.push(Part::Literal {
                    text,
                    range: part.range().clone(),
                    quoted: true,
                }),
                None => {}
            }
        }
        let value = Word {
            range: value.range.clone(),
            parts,
        };
        let list = pattern(self.build, self.state, &value);
        let written = script.text.as_str().get(value.range.clone());
        // What comes of a variable is nothing only as far as we know.
        let nothing = list.is_empty() && !written.is_some_and(|text| text.contains(['$', '`']));
        match What::preload(list, keeps, value.literal().is_some()) {
            Some(What::Unset) if !nothing => (!keeps).then_some(What::Set(None)),
            Some(what) => Some(what),
            None => (!keeps).then_some(What::Set(None)),
        }
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
    fn ends(&mut self, script: Script<'_>, index: usize) {
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
        let mentions = Mentions::of(script);
        let uncalled = functions.find(|(name, _)| mentions.never_calls(name));
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
            None if subshell.is_some() && !effects.iter().skip(index + 1).any(runs) => {
                Ends::Subshell
            }
            // It is meant for what runs in there.
            None => Ends::Command,
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
            conditional: effect.context.conditional,
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

    /// Whether a variable is in the environment for sure.
    fn is_exported(&self, name: &str) -> bool {
        match self.started.settings.last(name).map(|made| &made.what) {
            Some(what) => !matches!(what, What::Unset),
            None => self.state.env.get(name).is_some(),
        }
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
        let (text, file) = self.open(readable)?;
        self.started.followed.push(file.file.path.clone());
        Some((text, file))
    }
}

/// A part of a value that is about `LD_PRELOAD` itself.
enum Own<'p> {
    /// `$LD_PRELOAD`, and what is cut off it.
    Whole,
    /// `${LD_PRELOAD:-text}`: a text where it is not set.
    Default(&'p str),
    /// `${LD_PRELOAD:+text}`: a text where it is.
    Instead(&'p str),
}

impl<'p> Own<'p> {
    fn of(part: &'p Part) -> Option<Self> {
        let Part::Variable {
            name, operation, ..
        } = part
        else {
            return None;
        };
        if name != "LD_PRELOAD" {
            return None;
        }
        let operation = operation.strip_prefix(':').unwrap_or(operation);
        let plain = |text: &str| !text.contains(['$', '`', '"', '\'', '\\']);
        let default = operation.strip_prefix(['-', '=']);
        Some(match (default, operation.strip_prefix('+')) {
            (Some(text), _) if plain(text) => Self::Default(text),
            (None, Some(text)) => Self::Instead(text),
            _ => Self::Whole,
        })
    }

    /// Whether what was there is in the value.
    fn keeps(&self, set: bool) -> bool {
        match self {
            Self::Whole => true,
            Self::Default(_) => set,
            Self::Instead(text) => set && text.contains("LD_PRELOAD"),
        }
    }

    /// What stands there: nothing, a text, or the part as it is (`Some(None)`).
    fn text(&self, set: bool) -> Option<Option<String>> {
        match self {
            Self::Default(text) if !set => Some(Some((*text).to_owned())),
            Self::Instead(text) if set && !text.contains("LD_PRELOAD") => {
                Some(Some((*text).to_owned()))
            }
            Self::Instead(_) => None,
            Self::Whole | Self::Default(_) => Some(None),
        }
    }
}

enum Evaluated {
    /// It is what the variable holds already.
    PassedOn,
    Text(String),
    Unknown,
}
