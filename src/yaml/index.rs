//! Look-ups in large collections: by what their keys or items are called, without a walk through all of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Id, Tree};

/// From so many entries or items on a look-up is worth an order of its own.
const LARGE: usize = 32;

/// The items of a list that have the same `name`, in the order of the text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Named {
    /// The items.
    pub items: Arc<[Id]>,
    /// Whether one of them stands elsewhere.
    pub has_alias: bool,
}

/// Of large collections that were asked for before: the entries of a mapping by key and then as they stand, the items of a list
/// by name.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: Made<[(Id, Id)]>,
    items: Made<BTreeMap<String, Named>>,
}

type Made<T> = Mutex<BTreeMap<Id, Arc<T>>>;

/// The order of a collection, made at its first use.
fn made<T: ?Sized>(known: &Made<T>, of: Id, make: impl FnOnce() -> Arc<T>) -> Arc<T> {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(known.entry(of).or_insert_with(make))
}

impl Tree {
    /// The entry of a mapping, its own only. Of several with the same key the last one counts.
    #[must_use]
    pub fn own(&self, map: Id, key: &str) -> Option<(Id, Id)> {
        let entries = self.entries(map);
        if entries.len() < LARGE {
            let mut entries = entries.iter().rev().copied();
            return entries.find(|(name, _)| self.text(*name) == Some(key));
        }
        let name = |(name, _): &(Id, Id)| self.text(*name);
        let sorted = made(&self.index.entries, self.resolve(map), || {
            let mut all = entries.to_vec();
            all.sort_by_key(name);
            all.into()
        });
        let behind = sorted.partition_point(|entry| name(entry) <= Some(key));
        let last = sorted.get(behind.checked_sub(1)?).copied();
        last.filter(|entry| name(entry) == Some(key))
    }

    /// The items of a list that are called so by their `name`.
    #[must_use]
    pub(crate) fn named(&self, list: Id, name: &str) -> Named {
        let items = self.items(list);
        if items.len() < LARGE {
            let called = |item: &&Id| self.name_of(**item) == Some(name);
            return self.as_named(items.iter().filter(called).copied().collect());
        }
        let by_name = made(&self.index.items, self.resolve(list), || {
            let mut all: BTreeMap<String, Vec<Id>> = BTreeMap::new();
            for item in items {
                if let Some(name) = self.name_of(*item) {
                    all.entry(name.to_owned()).or_default().push(*item);
                }
            }
            let named = all.into_iter();
            Arc::new(
                named
                    .map(|(name, items)| (name, self.as_named(items)))
                    .collect(),
            )
        });
        by_name.get(name).cloned().unwrap_or_default()
    }

    fn name_of(&self, item: Id) -> Option<&str> {
        self.get(item, "name").and_then(|id| self.word(id))
    }

    fn as_named(&self, items: Vec<Id>) -> Named {
        Named {
            has_alias: items.iter().any(|item| self.is_alias(*item)),
            items: items.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;

    #[test]
    fn large_collections_answer_as_small_ones() {
        let mut text = String::from("a: 1\na: 2\nlist:\n- &x {name: n, at: 0}\n- {at: 1}\n");
        for at in 0..100 {
            text.push_str(&format!("- {{name: n{}, at: {at}}}\n", at % 7));
        }
        text.push_str("- *x\n");
        for key in 0..100 {
            text.push_str(&format!("k{key}: {key}\nk3: last\n"));
        }
        let tree = read(&text).unwrap();
        let root = tree.documents[0];
        let of = |key: &str| tree.get(root, key).and_then(|id| tree.text(id));
        assert_eq!(
            (of("a"), of("k99"), of("k3")),
            (Some("2"), Some("99"), Some("last"))
        );
        assert_eq!((of("k100"), of("")), (None, None));
        let list = tree.get(root, "list").unwrap();
        let places = |name: &str| -> Vec<_> {
            let named = tree.named(list, name);
            let all = named.items.iter().map(|id| tree.get(*id, "at").unwrap());
            all.map(|id| tree.text(id).unwrap().to_owned()).collect()
        };
        assert_eq!(places("n"), ["0", "0"]);
        assert!(tree.named(list, "n").has_alias && !tree.named(list, "n3").has_alias);
        assert_eq!(places("n3").first().map(String::as_str), Some("3"));
        assert_eq!((places("n3").len(), places("n9").len()), (14, 0));
    }
}
