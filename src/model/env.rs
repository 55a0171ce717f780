//! The environment of a process, each variable with where it was set and what it was before.

use std::collections::BTreeMap;

use super::Via;
use crate::text::{Place, Traced};

/// So many earlier settings of a variable are kept; rules look at the last one.
const REMEMBERED: usize = 4;

/// The variables in the order in which they were first set.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    vars: Vec<EnvVar>,
    /// Where in `vars` a name stands.
    index: BTreeMap<String, usize>,
}

impl Environment {
    /// The variable `name`, if it is set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&EnvVar> {
        self.index.get(name).and_then(|&at| self.vars.get(at))
    }

    /// All variables in the order in which they were first set.
    pub fn iter(&self) -> impl Iterator<Item = &EnvVar> {
        self.vars.iter()
    }

    /// Takes `name` away.
    pub fn unset(&mut self, name: &str) {
        if let Some(at) = self.index.remove(name) {
            self.vars.remove(at);
            for later in self.index.values_mut().filter(|index| **index > at) {
                *later -= 1;
            }
        }
    }

    /// Sets `name`; what it was before goes to its history.
    pub fn set(&mut self, name: &str, setting: Setting) {
        if let Some(var) = self.index.get(name).and_then(|&at| self.vars.get_mut(at)) {
            let before = std::mem::replace(&mut var.now, setting);
            var.history.push(before);
            if var.history.len() > REMEMBERED {
                var.history.remove(0);
            }
            return;
        }
        self.index.insert(name.to_owned(), self.vars.len());
        self.vars.push(EnvVar {
            name: name.to_owned(),
            now: setting,
            history: Vec::new(),
        });
    }
}

/// One variable.
#[derive(Clone, Debug)]
pub struct EnvVar {
    /// Its name.
    pub name: String,
    /// The setting in force.
    pub now: Setting,
    /// The last few settings that it replaced, oldest first.
    pub history: Vec<Setting>,
}

/// One setting of a variable.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The value.
    pub value: Value,
    /// Where `NAME=value` stands.
    pub place: Place,
    /// Where the name alone stands.
    pub name_place: Place,
    /// The build step that sets it: steps of one unit only grow.
    pub step: usize,
    /// How the process gets it.
    pub via: Via,
}

impl Setting {
    /// Where `range` of the value stands; all of the setting where it has no place of its own.
    #[must_use]
    pub fn part(&self, range: std::ops::Range<usize>) -> Place {
        self.value
            .text
            .source(range)
            .map_or_else(|| self.place.clone(), |span| self.place.at(span))
    }

    /// Where the value stands; the whole setting where the value is empty.
    #[must_use]
    pub fn value_place(&self) -> Place {
        self.value
            .text
            .whole()
            .map_or_else(|| self.place.clone(), |span| self.place.at(span))
    }
}

/// A value as the process will see it.
#[derive(Clone, Debug, Default)]
pub struct Value {
    /// The text; a variable that cannot be known stands in it as `${NAME}`.
    pub text: Traced,
    /// The first variable in it whose value cannot be known.
    pub unknown: Option<String>,
    /// Variables that vanished from it because nothing sets them.
    pub erased: Vec<Erased>,
}

/// A variable that expanded to nothing because nothing sets it.
#[derive(Clone, Debug)]
pub struct Erased {
    /// The variable.
    pub name: String,
    /// Where the reference stands.
    pub place: Place,
    /// How far into the value's text it would have stood.
    pub at: usize,
}

impl Value {
    /// The text where all of it is known.
    #[must_use]
    pub fn known(&self) -> Option<&str> {
        self.unknown.is_none().then(|| self.text.as_str())
    }
}
