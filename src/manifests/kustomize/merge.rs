//! Strategic merge patches: a description laid over another.
//!
//! Semantics: Kubernetes' `strategic-merge-patch.md` (sig-api-machinery) as `kustomize` has them: lists
//! with a merge key are merged item by item and the patch's items come first, other lists are replaced, `null`
//! removes, `$patch` directs.

use std::collections::BTreeMap;

use super::joined::Joined;
use crate::text::Span;
use crate::yaml::{Flow, Id, Kind};

/// The keys by which items of a list are told apart (`patchMergeKey` in the API's types).
const KEYS: [(&str, &str); 11] = [
    ("containers", "name"),
    ("initContainers", "name"),
    ("ephemeralContainers", "name"),
    ("env", "name"),
    ("volumes", "name"),
    ("imagePullSecrets", "name"),
    ("volumeMounts", "mountPath"),
    ("volumeDevices", "devicePath"),
    ("ports", "containerPort"),
    ("hostAliases", "ip"),
    ("topologySpreadConstraints", "topologyKey"),
];

/// A patch and what it is laid over; both nest no deeper than a text may.
pub(super) struct Merge<'d> {
    pub(super) joined: &'d mut Joined,
    /// The lists of the object are known to have merge keys.
    pub(super) typed: bool,
    /// How much deeper it may go: an alias may lead to what it stands in.
    pub(super) levels: usize,
}

impl Merge<'_> {
    /// `base` with `patch` laid over it; nothing where that deletes it.
    pub(super) fn node(&mut self, key: &str, base: Id, patch: Id) -> Option<Id> {
        let tree = &self.joined.tree;
        let (base, patch) = (tree.resolve(base), tree.resolve(patch));
        // Aliases that lead back double the work at every level.
        let spent = self.joined.spend(1);
        let Some(levels) = self.levels.checked_sub(1).filter(|_| !spent) else {
            return Some(patch);
        };
        self.levels = levels;
        let merged = self.whole(key, base, patch);
        self.levels += 1;
        merged
    }

    fn whole(&mut self, key: &str, base: Id, patch: Id) -> Option<Id> {
        let tree = &self.joined.tree;
        if tree.is_mapping(base) && tree.is_mapping(patch) {
            return match self.directive(patch).as_deref() {
                Some("delete") => None,
                Some("replace") => Some(self.without_directive(patch)),
                _ => Some(self.mapping(key, base, patch)),
            };
        }
        let is_list = |id: Id| {
            matches!(
                tree.node(id).map(|node| &node.kind),
                Some(Kind::Sequence(..))
            )
        };
        let by = KEYS
            .iter()
            .find(|(list, _)| *list == key)
            .map(|(_, by)| *by);
        match by.filter(|_| self.typed && is_list(base) && is_list(patch)) {
            Some(by) => Some(self.list(key, by, base, patch)),
            None => Some(patch),
        }
    }

    fn mapping(&mut self, key: &str, base: Id, patch: Id) -> Id {
        // What the patch changes moves behind the rest; the order of keys says nothing.
        let mut entries: Vec<Option<(Id, Id)>> = self.flat(base).into_iter().map(Some).collect();
        let text = |name: Id| self.joined.tree.text(name).map(str::to_owned);
        let known = entries.iter().enumerate();
        let known: BTreeMap<String, usize> = known
            .filter_map(|(at, entry)| Some((text(entry.as_ref()?.0)?, at)))
            .collect();
        for (name, value) in self.flat(patch) {
            let Some(text) = self.joined.tree.text(name).map(str::to_owned) else {
                continue;
            };
            if text == "$patch" {
                continue;
            }
            let before = known.get(&text).and_then(|at| entries.get_mut(*at)?.take());
            if self.joined.tree.is_null(value) {
                continue;
            }
            let value = match before {
                None => Some(value),
                Some((_, before)) => self.node(&text, before, value),
            };
            entries.push(value.map(|value| (name, value)));
        }
        // A variable stands where the value does that is in force.
        let span = self
            .joined
            .tree
            .span(if key == "env" { patch } else { base });
        let entries = entries.into_iter().flatten().collect();
        self.joined
            .derive(Kind::Mapping(entries, Flow::Block), span, &[base, patch])
    }

    /// The entries of a mapping, with those that it merges in with `<<`.
    fn flat(&self, map: Id) -> Vec<(Id, Id)> {
        let tree = &self.joined.tree;
        let mut entries: Vec<(Id, Id)> = Vec::new();
        let mut below = Vec::new();
        for &(key, value) in tree.entries(map) {
            if tree.text(key) == Some("<<") {
                below.push(value);
            } else {
                entries.push((key, value));
            }
        }
        for source in below {
            let several = tree.items(source);
            let sources = if several.is_empty() {
                vec![source]
            } else {
                several.to_vec()
            };
            for &(key, value) in sources.iter().flat_map(|source| tree.entries(*source)) {
                let known = |(other, _): &(Id, Id)| tree.text(*other) == tree.text(key);
                if !entries.iter().any(known) {
                    entries.push((key, value));
                }
            }
        }
        entries
    }

    fn list(&mut self, key: &str, by: &str, base: Id, patch: Id) -> Id {
        let patches = self.joined.tree.items(patch).to_vec();
        let replaces = |item: &Id| {
            self.directive(*item).as_deref() == Some("replace") && self.named(*item, by).is_none()
        };
        let mut items: Vec<Option<Id>> = if patches.iter().any(replaces) {
            Vec::new()
        } else {
            self.joined
                .tree
                .items(base)
                .iter()
                .copied()
                .map(Some)
                .collect()
        };
        // Of several items with one name the first is meant.
        let names = items.iter().enumerate().rev();
        let known: BTreeMap<String, usize> = names
            .filter_map(|(at, item)| Some((self.named((*item)?, by)?, at)))
            .collect();
        let mut new = Vec::new();
        for item in patches {
            let Some(name) = self.named(item, by) else {
                continue;
            };
            let before = known.get(&name).and_then(|at| items.get_mut(*at)?.take());
            match before {
                Some(before) => new.extend(self.node(key, before, item)),
                None if self.directive(item).as_deref() == Some("delete") => {}
                None => new.push(item),
            }
        }
        new.extend(items.into_iter().flatten());
        let span = self.joined.tree.span(base);
        self.joined
            .derive(Kind::Sequence(new, Flow::Block), span, &[base, patch])
    }

    fn named(&self, item: Id, by: &str) -> Option<String> {
        let tree = &self.joined.tree;
        tree.get(item, by)
            .and_then(|id| tree.word(id))
            .map(str::to_owned)
    }

    fn directive(&self, map: Id) -> Option<String> {
        self.named(map, "$patch")
    }

    fn without_directive(&mut self, map: Id) -> Id {
        let mut entries = self.flat(map);
        entries.retain(|(key, _)| self.joined.tree.text(*key) != Some("$patch"));
        let span: Span = self.joined.tree.span(map);
        self.joined
            .derive(Kind::Mapping(entries, Flow::Block), span, &[map])
    }
}
