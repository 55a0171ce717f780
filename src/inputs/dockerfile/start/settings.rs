//! The variables that decide about allocators, other than by what the loader loads, on the way from the
//! start of the container to the service: `CMD env MALLOC_CONF=... app`, a script's `export`.
//!
//! They are noted in order while the start is followed; what is in force in the end is worked out
//! once, and only that is looked for in the text.

use super::Follower;
use super::environment::placed;
use super::written::setting;
use crate::facts;
use crate::inputs::dockerfile::effects::pattern;
use crate::inputs::dockerfile::state::State;
use crate::inputs::shell;
use crate::inputs::shell::effects::{Effect, EffectKind};
use crate::inputs::shell::script::{Part, Word};
use crate::model::{Environment, Setting, Value, Via};
use crate::text::{Place, Traced};

/// So many variables are looked for in the text.
const MOST: usize = 64;
/// The variable that is taken to be there, though not known, where the environment is dropped.
const CONF: &str = "MALLOC_CONF";

/// What the start does to them, in order.
#[derive(Default)]
pub(in crate::inputs::dockerfile) struct Settings(Vec<Made>);

struct Made {
    name: String,
    what: What,
    via: Via,
    /// A test decides about it.
    conditional: bool,
    /// Where it stands, the closest place first.
    places: Vec<Place>,
}

enum What {
    /// It has this value; none where that cannot be told.
    Set(Option<String>),
    /// It is taken away.
    Unset,
    /// The whole environment is.
    Drop,
}

/// Whether a variable decides about allocators, other than by what the loader loads.
pub(super) fn decides(name: &str) -> bool {
    matches!(name, "PYTHONMALLOC" | "GLIBC_TUNABLES")
        || facts::allocator_variable(name).is_some()
        || facts::tunable(name).is_some()
        || facts::near_miss(name).is_some()
}

impl Settings {
    /// A wrapper of the exec form sets a variable: no shell reads the value.
    pub(super) fn set_by_command(&mut self, name: &str, value: &str, place: &Place) {
        let what = match value {
            "" => What::Unset,
            value => What::Set(Some(value.to_owned())),
        };
        self.note(name, what, Via::Command, false, vec![place.clone()]);
    }

    /// Something takes the environment away.
    pub(super) fn drop_all(&mut self, by: &str, place: &Place) {
        self.0.push(Made {
            name: by.to_owned(),
            what: What::Drop,
            via: Via::Command,
            conditional: false,
            places: vec![place.clone()],
        });
    }

    fn note(&mut self, name: &str, what: What, via: Via, conditional: bool, places: Vec<Place>) {
        if decides(name) {
            self.0.push(Made {
                name: name.to_owned(),
                what,
                via,
                conditional,
                places,
            });
        }
    }

    /// What was done last to a variable for certain.
    fn last(&self, name: &str) -> Option<&Made> {
        let certain = |made: &&Made| made.name == name && !made.conditional;
        self.0.iter().rfind(certain)
    }

    /// The environment of the service: the image's, and over it what the start sets.
    pub(in crate::inputs::dockerfile) fn over(&self, state: &State) -> Environment {
        let mut env = state.env.clone();
        let mut last: Vec<Last<'_>> = Vec::new();
        for made in &self.0 {
            if matches!(made.what, What::Drop) {
                last.clear();
                hide_all(&mut env, made);
                continue;
            }
            let before = last.iter().position(|before| before.made.name == made.name);
            let room = last.len() < MOST;
            let branches = usize::from(made.conditional);
            match before.and_then(|at| last.get_mut(at)) {
                Some(before) if made.conditional => before.branches += 1,
                Some(before) => *before = Last { made, branches },
                None if room => last.push(Last { made, branches }),
                None => {}
            }
        }
        for Last { made, branches } in last {
            made.apply(state, &mut env, branches);
        }
        env
    }
}

/// What was done to a variable last, and in how many branches something else.
struct Last<'s> {
    made: &'s Made,
    branches: usize,
}

impl Made {
    /// One branch leaves what is in force where its condition does not hold; of several, one is
    /// likely to be taken.
    fn apply(&self, state: &State, env: &mut Environment, branches: usize) {
        let now = env.get(&self.name).map(|var| &var.now.value);
        let unsure = self.conditional || branches > 1;
        if self.conditional && branches == 1 && now.is_some() {
            return;
        }
        let value = match &self.what {
            What::Set(value) => value.as_deref().filter(|_| !unsure),
            What::Unset if unsure => None,
            What::Unset | What::Drop => return env.unset(&self.name),
        };
        if value.is_some() && now.and_then(Value::known) == value {
            return;
        }
        if value == Some("") {
            return env.unset(&self.name);
        }
        let places: Vec<&Place> = self.places.iter().collect();
        let text = value.unwrap_or("*");
        let mut setting = setting(state, &self.name, text, &places, self.via);
        if value.is_none() || text.contains('*') {
            setting.value.unknown = Some(self.name.clone());
        }
        env.set(&self.name, setting);
    }
}

/// Where the environment is dropped, what is left of it cannot be told: some wrappers keep a part.
fn hide_all(env: &mut Environment, made: &Made) {
    let names: Vec<String> = env
        .iter()
        .map(|var| var.name.clone())
        .filter(|name| decides(name))
        .chain([CONF.to_owned()])
        .collect();
    let Some(place) = made.places.first() else {
        return;
    };
    for name in names {
        let value = Value {
            unknown: Some(name.clone()),
            ..Value::default()
        };
        let setting = Setting {
            value,
            place: place.clone(),
            name_place: place.clone(),
            step: 0,
            via: Via::Command,
        };
        env.set(&name, setting);
    }
}

impl Follower<'_> {
    /// Notes what a script does to the settings before its command at `at`, which is the service.
    pub(super) fn settings_for(
        &mut self,
        effects: &[Effect],
        at: usize,
        text: (&Traced, &Place),
        hops: usize,
    ) {
        let Some(service) = effects.get(at) else {
            return;
        };
        for effect in effects.iter().take(at) {
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
                // What happens in a subshell stays there.
                _ if effect.context.subshell && !service.context.subshell => {}
                _ => {
                    let uncalled = effect.context.function && !service.context.function;
                    self.exported_by(effect, text, effect.context.conditional || uncalled, hops);
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
            } if hops > 0 => {
                let path = pattern(self.walker, self.state, path);
                let Some((inner, file)) = self.next_script(&path) else {
                    return;
                };
                for effect in shell::effects::read(inner.as_str()) {
                    let conditional =
                        conditional || effect.context.conditional || effect.context.function;
                    self.exported_by(&effect, (&inner, &file), conditional, hops - 1);
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
        if !decides(name) {
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
            .filter(|name| *name == "LD_PRELOAD" || decides(name))
            .map(str::to_owned)
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

enum Evaluated {
    /// It is what the variable holds already.
    PassedOn,
    Text(String),
    Unknown,
}
