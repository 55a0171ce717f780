//! What was worked out once, for all threads of a run.

use std::collections::BTreeMap;
use std::sync::Mutex;

/// Values by key.
#[derive(Debug)]
pub(super) struct Memory<K, T>(Mutex<BTreeMap<K, T>>);

impl<K, T> Default for Memory<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord, T: Clone> Memory<K, T> {
    /// All values so far.
    pub(super) fn values(&self) -> Vec<T> {
        let known = self.0.lock();
        known.map_or_else(|_| Vec::new(), |known| known.values().cloned().collect())
    }

    /// The value of `key`, made where nobody has asked for it before. Two threads may make it at the same time, as a
    /// lock held meanwhile would stop them all; all get the one that was first.
    pub(super) fn of(&self, key: K, make: impl FnOnce(&K) -> T) -> T {
        if let Ok(known) = self.0.lock()
            && let Some(value) = known.get(&key)
        {
            return value.clone();
        }
        let value = make(&key);
        match self.0.lock() {
            Ok(mut known) => known.entry(key).or_insert(value).clone(),
            Err(_) => value,
        }
    }
}
