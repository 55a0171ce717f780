//! What was seen of services while they ran, by where they are written down.

use std::collections::BTreeMap;

use crate::model::{Seen, Unit};

/// What was seen of units.
#[derive(Debug, Default)]
pub(super) struct Witnesses(BTreeMap<Key, Seen>);

/// The file of a unit, its line and its name.
type Key = (String, usize, String);

fn key(unit: &Unit) -> Key {
    let place = &unit.place;
    (place.file.path.clone(), place.line(), unit.name.clone())
}

impl Witnesses {
    /// Adds what was seen of a unit.
    pub(super) fn add(&mut self, unit: &Unit, seen: Seen) {
        self.0.insert(key(unit), seen);
    }

    /// What was seen of a unit.
    pub(super) fn of(&self, unit: &Unit) -> Option<Seen> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&key(unit)).cloned()
    }
}
