//! Bases that are stored as they were built: each is read once, however many Dockerfiles stand on it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::check::images;
use crate::image::{Reference, Sources};
use crate::project::{Base, Failure};

/// Those that were read, by what they are called, or why they could not be.
#[derive(Debug, Default)]
pub(super) struct BuiltBases(Mutex<BTreeMap<String, Result<Option<Base>, String>>>);

/// Of an index this one is taken, if it is there.
const USUAL: &str = "linux/amd64";

impl BuiltBases {
    /// The base at a reference; nothing where it cannot be read: then it is one that nobody knows, and a failure.
    pub(super) fn of(&self, reference: &Reference) -> Option<Base> {
        let mut known = self.known();
        let entry = known.entry(reference.to_string());
        let read = entry.or_insert_with(|| read(reference));
        read.as_ref().ok()?.clone()
    }

    /// Those that could not be read.
    pub(super) fn failures(&self) -> Vec<Failure> {
        let known = self.known();
        let failed = known.iter().filter_map(|(name, read)| {
            let reason = read.as_ref().err()?.clone();
            let path = name.clone();
            Some(Failure { path, reason })
        });
        failed.collect()
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Result<Option<Base>, String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(reference: &Reference) -> Result<Option<Base>, String> {
    let found = Sources::default().find(reference, &[]);
    let found = found.map_err(|refused| refused.to_string())?;
    let images = &found.images.images;
    let usual = images.iter().find(|image| image.platform.is(USUAL));
    let Some(image) = usual.or_else(|| images.first()) else {
        return Ok(None);
    };
    let read = found.read(image, &reference.to_string());
    Ok(images::base(&read.map_err(|refused| refused.to_string())?))
}
