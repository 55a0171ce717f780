//! What was seen of services while they ran, by where they are written down.

use std::collections::BTreeMap;

use crate::model::{Seen, Unit};

/// What was seen of units.
#[derive(Debug, Default)]
pub(super) struct Witnesses {
    seen: BTreeMap<Key, Seen>,
    /// What is to be said about it.
    notes: Vec<String>,
}

/// The file of a unit, its line and its name.
type Key = (String, usize, String);

fn key(unit: &Unit) -> Key {
    let place = &unit.place;
    (place.file.path.clone(), place.line(), unit.name.clone())
}

impl Witnesses {
    /// Adds what was seen of a unit.
    pub(super) fn add(&mut self, unit: &Unit, seen: Seen) {
        self.seen.insert(key(unit), seen);
    }

    /// Adds what is to be said.
    pub(super) fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    /// What is to be said about it.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What was seen of a unit.
    pub(super) fn of(&self, unit: &Unit) -> Option<Seen> {
        if self.seen.is_empty() {
            return None;
        }
        self.seen.get(&key(unit)).cloned()
    }
}
