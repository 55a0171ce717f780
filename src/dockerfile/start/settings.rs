//! The variables that decide about allocators, on the way from the start of the container to the service:
//! `CMD env MALLOC_CONF=... app`, a script's `export`.
//!
//! They are noted in order while the start is followed; what is in force in the end is worked out
//! once, and only that is looked for in the text. `LD_PRELOAD` is a list: what names no allocator, and
//! keeps what was there, changes nothing for us.

use super::places::setting;
use crate::dockerfile::image::{ImageState, Preloading};
use crate::dockerfile::run::stars;
use crate::facts::families_named;
use crate::facts::is_allocator_setting;
use crate::model::{Environment, Setting, Value, Via};
use crate::text::Place;

/// So many variables are looked for in the text.
const MOST: usize = 64;
/// The list of libraries that the loader loads first.
const PRELOAD: &str = "LD_PRELOAD";
/// The variable that is taken to be there, though not known, where the environment is dropped.
const CONF: &str = "MALLOC_CONF";

/// What the start does to them, in order.
#[derive(Default)]
pub(in crate::dockerfile) struct Settings(Vec<Made>);

pub(super) struct Made {
    name: String,
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
    /// This is put into the list, beside what is there.
    Joined(String),
    /// It is taken away.
    Unset,
    /// The whole environment is.
    Drop,
}

impl Settings {
    /// A wrapper of the exec form sets a variable: no shell reads the value.
    pub(super) fn set_by_command(&mut self, name: &str, value: &str, place: &Place) {
        let what = match value {
            "" => Some(What::Unset),
            value if name == PRELOAD => What::preload(stars(value), false, !value.contains('$')),
            value => Some(What::Set(Some(value.to_owned()))),
        };
        if let Some(what) = what {
            self.note(name, what, Via::Command, false, vec![place.clone()]);
        }
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

    /// How many lists name an allocator, or end one.
    pub(super) fn loading(&self) -> usize {
        let loads = |made: &&Made| match &made.what {
            What::Set(Some(list)) | What::Joined(list) => !families_named(list).is_empty(),
            What::Unset => true,
            What::Set(None) | What::Drop => false,
        };
        let preloads = self.0.iter().filter(|made| made.name == PRELOAD);
        preloads.filter(loads).count()
    }

    /// How much has been noted.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The names of all that is set.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|made| made.name.as_str())
    }

    /// What was done last to a variable for certain.
    pub(super) fn last(&self, name: &str) -> Option<&Made> {
        let certain = |made: &&Made| made.name == name && !made.conditional;
        self.0.iter().rfind(certain)
    }

    /// The environment of the service: the image's, and over it what the start sets.
    pub(in crate::dockerfile) fn over(&self, state: &ImageState) -> Environment {
        let mut env = Environment::clone(&state.env);
        let mut last: Vec<Last<'_>> = Vec::new();
        for made in self.0.iter().filter(|made| made.name != PRELOAD) {
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

/// What the start does to `LD_PRELOAD`.
#[derive(Default)]
pub(in crate::dockerfile) struct Preloads {
    /// The lists that are in force in the end.
    pub(in crate::dockerfile) made: Vec<Preloading>,
    /// The image's own list is not among them.
    pub(in crate::dockerfile) anew: bool,
    /// What ended those before.
    pub(in crate::dockerfile) ended: Option<Ended>,
}

/// `LD_PRELOAD` as it was before is no more.
pub(in crate::dockerfile) struct Ended {
    /// By what.
    pub(in crate::dockerfile) why: String,
    /// Where it is taken away, and nothing set in its place.
    pub(in crate::dockerfile) taken_at: Option<Place>,
    /// What the start itself had set.
    pub(in crate::dockerfile) lost: Vec<Preloading>,
}

impl Settings {
    /// The lists of libraries that the service is started with, other than the image's own.
    pub(in crate::dockerfile) fn preloads(&self, state: &ImageState) -> Preloads {
        let mut found = Preloads::default();
        // Nobody sets it so often; then where it stands is not worth the search.
        let mut few = MOST;
        for made in &self.0 {
            let list = match &made.what {
                What::Drop => None,
                _ if made.name != PRELOAD => continue,
                What::Set(Some(list)) | What::Joined(list) => Some(list),
                What::Unset | What::Set(None) => None,
            };
            let allocator = list.filter(|list| !families_named(list).is_empty());
            let ends = !matches!(made.what, What::Joined(_)) && !made.conditional;
            match allocator {
                Some(list) => {
                    if ends {
                        found = Preloads {
                            anew: true,
                            ..Preloads::default()
                        };
                    }
                    // It may be the old one, put back.
                    found.ended = None;
                    few = few.saturating_sub(1);
                    found.made.push(made.preloading(state, list, few > 0));
                }
                None if matches!(made.what, What::Set(None)) => found.ended = None,
                None if ends => found.end(made, list.is_none()),
                None => {}
            }
        }
        found
    }
}

impl Preloads {
    /// What was in force until here is so no longer. The image's own is another's business where the whole
    /// environment goes.
    fn end(&mut self, made: &Made, taken: bool) {
        let lost = std::mem::take(&mut self.made);
        let dropped = matches!(made.what, What::Drop);
        if dropped && lost.is_empty() {
            return;
        }
        self.anew |= !dropped;
        let place = made.places.first();
        let line = place.map_or(0, Place::line);
        let path = place.map_or("", |place| place.file.path.as_str());
        let why = match (&made.what, made.via) {
            (What::Drop, _) => format!("`{}` drops it in line {line} of `{path}`", made.name),
            (What::Unset, Via::Script) => format!("`{path}` unsets it in line {line}"),
            (What::Unset, _) => format!("`{path}` drops it for the service in line {line}"),
            _ => format!("`{path}` sets it anew in line {line}"),
        };
        self.ended = Some(Ended {
            why,
            taken_at: place.filter(|_| taken).cloned(),
            lost,
        });
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
    fn apply(&self, state: &ImageState, env: &mut Environment, branches: usize) {
        let now = env.get(&self.name).map(|var| &var.now.value);
        let unsure = self.conditional || branches > 1;
        if self.conditional && branches == 1 && now.is_some() {
            return;
        }
        let value = match &self.what {
            What::Set(value) => value.as_deref().filter(|_| !unsure),
            What::Unset if unsure => None,
            What::Unset | What::Drop => return self.take(env),
            // Only lists are joined.
            What::Joined(_) => return,
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
    /// The list as a setting; `placed` says whether its place is looked for.
    fn preloading(&self, state: &ImageState, list: &str, placed: bool) -> Preloading {
        let places = if placed { MOST } else { 1 };
        let places: Vec<&Place> = self.places.iter().take(places).collect();
        Preloading {
            setting: setting(state, PRELOAD, list, &places, self.via),
            conditional: self.conditional,
        }
    }

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

impl What {
    /// What a value does to `LD_PRELOAD`: `list` has `*` where something is put in when it is set; `keeps` says that
    /// the old value is in it. Nothing where that cannot be told, or does not matter.
    pub(super) fn preload(list: String, keeps: bool, literal: bool) -> Option<Self> {
        match (families_named(&list).is_empty(), keeps) {
            (false, true) => Some(Self::Joined(list)),
            (false, false) => Some(Self::Set(Some(list))),
            (true, _) if literal && list.is_empty() => Some(Self::Unset),
            (true, false) if literal => Some(Self::Set(Some(list))),
            (true, _) => None,
        }
    }
}

/// Whether a variable is noted.
pub(super) fn decides(name: &str) -> bool {
    name == PRELOAD || is_allocator_setting(name)
}
