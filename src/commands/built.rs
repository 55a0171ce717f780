//! Bases that are stored as they were built: each is read once, however many Dockerfiles stand on it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::check::images;
use crate::image::{Reference, Sources};
use crate::project::Base;

/// Those that were read, by what they are called.
#[derive(Debug, Default)]
pub(super) struct BuiltBases(Mutex<BTreeMap<String, Option<Base>>>);

/// Of an index this one is taken, if it is there.
const USUAL: &str = "linux/amd64";

impl BuiltBases {
    /// The base at a reference; nothing where its layers cannot be read: then it is one that nobody knows.
    pub(super) fn of(&self, reference: &Reference) -> Option<Base> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = known.entry(reference.to_string());
        entry.or_insert_with(|| read(reference)).clone()
    }
}

fn read(reference: &Reference) -> Option<Base> {
    let found = Sources::default().find(reference, &[]).ok()?;
    let images = &found.images.images;
    let usual = images.iter().find(|image| image.platform.is(USUAL));
    let image = usual.or_else(|| images.first())?;
    images::base(&found.read(image, &reference.to_string()).ok()?)
}
