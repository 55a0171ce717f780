//! The variables that decide about allocators, other than by what the loader loads, on the way from the
//! start of the container to the service: `CMD env MALLOC_CONF=... app`, a script's `export`.
//!
//! They are noted in order while the start is followed; what is in force in the end is worked out
//! once, and only that is looked for in the text.

use super::places::setting;
use crate::dockerfile::image::State;
use crate::facts::is_allocator_setting;
use crate::model::{Environment, Setting, Value, Via};
use crate::text::Place;

/// So many variables are looked for in the text.
const MOST: usize = 64;
/// The variable that is taken to be there, though not known, where the environment is dropped.
const CONF: &str = "MALLOC_CONF";

/// What the start does to them, in order.
#[derive(Default)]
pub(in crate::dockerfile) struct Settings(pub(super) Vec<Made>);

pub(super) struct Made {
    pub(super) name: String,
    pub(super) what: What,
    via: Via,
    /// A test decides about it.
    conditional: bool,
    /// Where it stands, the closest place first.
    places: Vec<Place>,
}

pub(super) enum What {
    /// It has this value; none where that cannot be told.
    Set(Option<String>),
    /// It is taken away.
    Unset,
    /// The whole environment is.
    Drop,
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

    pub(super) fn note(
        &mut self,
        name: &str,
        what: What,
        via: Via,
        conditional: bool,
        places: Vec<Place>,
    ) {
        if is_allocator_setting(name) {
            self.0.push(Made {
                name: name.to_owned(),
                what,
                via,
                conditional,
                places,
            });
        }
    }

    /// How much has been noted.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What was done last to a variable for certain.
    pub(super) fn last(&self, name: &str) -> Option<&Made> {
        let certain = |made: &&Made| made.name == name && !made.conditional;
        self.0.iter().rfind(certain)
    }

    /// The environment of the service: the image's, and over it what the start sets.
    pub(in crate::dockerfile) fn over(&self, state: &State) -> Environment {
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
            What::Unset | What::Drop => return self.take(env),
        };
        let same = value.is_some() && now.and_then(Value::known) == value;
        if value == Some("") {
            return self.take(env);
        }
        let places: Vec<&Place> = self.places.iter().collect();
        let text = value.unwrap_or("*");
        let mut setting = setting(state, &self.name, text, &places, self.via);
        if same && !setting.value.text.is_verbatim(0..text.len()) {
            // It is what was there already, handed on.
            return;
        }
        if value.is_none() || text.contains('*') {
            setting.value.unknown = Some(self.name.clone());
        }
        env.set(&self.name, setting);
    }
}

impl Made {
    /// The variable is gone. Who takes jemalloc's own away wants its defaults: that is a setting.
    fn take(&self, env: &mut Environment) {
        env.unset(&self.name);
        if let Some(place) = self.places.first().filter(|_| self.name == CONF) {
            let value = Value::default();
            env.set(CONF, hidden(value, place));
        }
    }
}

fn hidden(value: Value, place: &Place) -> Setting {
    Setting {
        value,
        place: place.clone(),
        name_place: place.clone(),
        step: 0,
        via: Via::Command,
    }
}

/// Where the environment is dropped, what is left of it cannot be told: some wrappers keep a part.
fn hide_all(env: &mut Environment, made: &Made) {
    let names: Vec<String> = env
        .iter()
        .map(|var| var.name.clone())
        .filter(|name| is_allocator_setting(name))
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
        env.set(&name, hidden(value, place));
    }
}
