//! A kustomization and all that it names, read and put together in the order in which `kustomize` does.

use std::sync::Arc;

use super::images::{self, Renamed};
use super::joined::Joined;
use super::merge::Merge;
use super::ops;
use super::select::{Object, Target, word};
use super::trees::Texts;
use super::{NAMES, is_remote};
use crate::surroundings::{Surroundings, not_read};
use crate::text::SourceFile;
use crate::text::paths;
use crate::yaml::{Id, Kind};

/// Kustomizations stand on each other so many levels high at most.
const LEVELS: usize = 16;
/// So many files are read for one build.
const FILES: usize = 2_000;
/// So many levels a description nests.
const DEPTH: usize = 64;

/// Reads what takes part in a build.
pub(super) struct Loader<'a> {
    pub(super) joined: Joined,
    pub(super) around: &'a dyn Surroundings,
    /// The file that the build is made for: its bytes may be newer than the disk's.
    pub(super) focus: &'a Arc<SourceFile>,
    /// Whether a resource other than that file matters for it.
    pub(super) wanted: &'a dyn Fn(&SourceFile) -> bool,
    /// The file is one of the resources.
    pub(super) as_resource: bool,
    /// What cannot be followed, if there is something.
    pub(super) unseen: Option<String>,
    texts: &'a Texts<'a>,
    open: Vec<String>,
    files: usize,
}

impl<'a> Loader<'a> {
    pub(super) fn new(
        focus: &'a Arc<SourceFile>,
        around: &'a dyn Surroundings,
        wanted: &'a dyn Fn(&SourceFile) -> bool,
        texts: &'a Texts<'a>,
    ) -> Self {
        Self {
            joined: Joined::default(),
            around,
            focus,
            wanted,
            as_resource: false,
            unseen: None,
            texts,
            open: Vec::new(),
            files: 0,
        }
    }

    /// Joins a file; `None` where it is no YAML, or there is no room.
    fn join(&mut self, file: &Arc<SourceFile>) -> Option<usize> {
        let tree = self.texts.tree(file)?;
        self.joined.file(file, tree)
    }

    /// What the kustomization `file` builds; a component changes the `objects` that are there.
    pub(super) fn kustomization(&mut self, file: &Arc<SourceFile>, objects: &mut Vec<Object>) {
        if self.open.len() >= LEVELS || self.open.contains(&file.path) {
            return;
        }
        let Some(part) = self.join(file) else {
            return;
        };
        let Some(root) = self
            .joined
            .part(part)
            .and_then(|part| part.roots().first().copied())
        else {
            return;
        };
        self.open.push(file.path.clone());
        let component = word(&self.joined, root, &["kind"]).as_deref() == Some("Component");
        let mut own = if component {
            std::mem::take(objects)
        } else {
            Vec::new()
        };
        for key in ["resources", "bases"] {
            for path in self.words(root, key) {
                self.resource(part, &path, &mut own);
            }
        }
        for path in self.words(root, "components") {
            if let Some(file) = self.folder(part, &path) {
                self.kustomization(&file, &mut own);
            }
        }
        self.generate(part, root, &mut own);
        self.transform(part, root, &mut own);
        objects.append(&mut own);
        self.open.pop();
    }

    /// In the order of `kustomize` (api/internal/target, builtin transformers).
    fn transform(&mut self, part: usize, root: Id, own: &mut [Object]) {
        self.merges(part, root, own);
        self.patches(part, root, "patches", own);
        self.names(root, own);
        self.patches(part, root, "patchesJson6902", own);
        if let Some(list) = self.joined.tree.get(root, "images") {
            let renamed = Renamed::all(&self.joined, list);
            for object in own {
                object.id = images::rename(&mut self.joined, object.id, &renamed);
            }
        }
        let blind = ["replacements", "vars", "transformers"];
        let blind = blind
            .iter()
            .find(|key| self.joined.tree.get(root, key).is_some());
        if let Some(key) = blind {
            self.unseen.get_or_insert_with(|| {
                format!("the kustomization has `{key}`, which are not followed")
            });
        }
    }

    fn names(&mut self, root: Id, own: &mut [Object]) {
        let prefix = word(&self.joined, root, &["namePrefix"]).unwrap_or_default();
        let suffix = word(&self.joined, root, &["nameSuffix"]).unwrap_or_default();
        if prefix.is_empty() && suffix.is_empty() {
            return;
        }
        for object in own {
            let last = object
                .names
                .last()
                .map(|name| format!("{prefix}{name}{suffix}"));
            object.names.extend(last);
        }
    }

    fn resource(&mut self, part: usize, path: &str, objects: &mut Vec<Object>) {
        let Some(file) = self.beside(part, path) else {
            if let Some(file) = self.folder(part, path) {
                self.kustomization(&file, objects);
            }
            return;
        };
        let focus = file.path == self.focus.path;
        self.as_resource |= focus;
        if !focus && !(self.wanted)(&file) {
            return;
        }
        let Some(part) = self.join(&file) else {
            return;
        };
        let roots = self
            .joined
            .part(part)
            .map(super::joined::Part::roots)
            .unwrap_or_default();
        for root in roots {
            let list =
                word(&self.joined, root, &["kind"]).is_some_and(|kind| kind.ends_with("List"));
            let items = self.joined.tree.get(root, "items").filter(|_| list);
            let all = items.map_or(vec![root], |items| self.joined.tree.items(items).to_vec());
            objects.extend(
                all.into_iter()
                    .filter_map(|id| Object::of(&self.joined, id)),
            );
        }
    }

    /// `patchesStrategicMerge`: paths, or patches themselves.
    fn merges(&mut self, part: usize, root: Id, own: &mut [Object]) {
        let Some(list) = self.joined.tree.get(root, "patchesStrategicMerge") else {
            return;
        };
        for item in self.joined.tree.items(list).to_vec() {
            let Some(text) = self.joined.tree.word(item).map(str::to_owned) else {
                continue;
            };
            let patch = if text.contains('\n') {
                self.joined.inner(part, item)
            } else {
                self.beside(part, &text).and_then(|file| self.join(&file))
            };
            self.apply(patch, None, own);
        }
    }

    /// `patches` and `patchesJson6902`: a path or a text, for a target or for what it names.
    fn patches(&mut self, part: usize, root: Id, key: &str, own: &mut [Object]) {
        let Some(list) = self.joined.tree.get(root, key) else {
            return;
        };
        for item in self.joined.tree.items(list).to_vec() {
            let target = self.joined.tree.get(item, "target");
            let target = target.map(|target| Target::of(&self.joined, target));
            let patch = match (
                self.joined.tree.get(item, "patch"),
                word(&self.joined, item, &["path"]),
            ) {
                (Some(patch), _) => self.joined.inner(part, patch),
                (None, Some(path)) => self.beside(part, &path).and_then(|file| self.join(&file)),
                (None, None) => None,
            };
            self.apply(patch, target.as_ref(), own);
        }
    }

    fn apply(&mut self, patch: Option<usize>, target: Option<&Target>, own: &mut [Object]) {
        let documents = patch
            .and_then(|patch| self.joined.part(patch))
            .map(super::joined::Part::roots);
        for document in documents.unwrap_or_default() {
            let operations = ops::is_patch(&self.joined, document);
            for object in own.iter_mut() {
                let meant = match target {
                    Some(target) => target.selects(&self.joined, object),
                    None => !operations && object.is_named_by(&self.joined, document),
                };
                if !meant {
                    continue;
                }
                if operations {
                    object.id = ops::apply(&mut self.joined, object.id, document);
                    continue;
                }
                let typed = object.is_typed(&self.joined);
                let document = self.unnamed(document);
                let mut merge = Merge {
                    joined: &mut self.joined,
                    typed,
                    levels: DEPTH,
                };
                // An object that is deleted is one that nobody asks about.
                object.id = merge.node("", object.id, document).unwrap_or(document);
            }
        }
    }

    /// A patch without the names that it is found by: with a target they need not be the object's.
    fn unnamed(&mut self, patch: Id) -> Id {
        let without = |joined: &Joined, id: Id, keys: &[&str]| {
            let mut entries = joined.tree.entries(id).to_vec();
            entries.retain(|(key, _)| {
                !joined
                    .tree
                    .text(*key)
                    .is_some_and(|key| keys.contains(&key))
            });
            entries
        };
        let mut entries = without(&self.joined, patch, &["apiVersion", "kind"]);
        for (key, value) in &mut entries {
            if self.joined.tree.text(*key) == Some("metadata")
                && self.joined.tree.is_mapping(*value)
            {
                let rest = without(&self.joined, *value, &["name", "namespace"]);
                let span = self.joined.tree.span(*value);
                let kind = Kind::Mapping(rest, crate::yaml::Flow::Block);
                *value = self.joined.derive(kind, span, &[*value]);
            }
        }
        let span = self.joined.tree.span(patch);
        let kind = Kind::Mapping(entries, crate::yaml::Flow::Block);
        self.joined.derive(kind, span, &[patch])
    }

    fn words(&self, root: Id, key: &str) -> Vec<String> {
        let list = self.joined.tree.get(root, key);
        let items = list
            .map_or(&[][..], |list| self.joined.tree.items(list))
            .iter();
        items
            .filter_map(|item| self.joined.tree.word(*item).map(str::to_owned))
            .collect()
    }

    /// The file that one of the texts names.
    pub(super) fn beside(&mut self, part: usize, path: &str) -> Option<Arc<SourceFile>> {
        if is_remote(path) || self.files >= FILES {
            return None;
        }
        let near = self.joined.part(part)?.file.path.clone();
        let named = self.around.called(&paths::join(paths::folder(&near), path));
        let file = if named == self.focus.path {
            Arc::clone(self.focus)
        } else {
            match self.around.beside(&near, path) {
                Some(file) => file,
                None => {
                    if self.around.is_outside(&near, path) {
                        self.unseen.get_or_insert_with(|| not_read(path));
                    }
                    return None;
                }
            }
        };
        self.files += 1;
        Some(file)
    }

    /// The kustomization in the folder that one of the texts names.
    fn folder(&mut self, part: usize, path: &str) -> Option<Arc<SourceFile>> {
        NAMES
            .iter()
            .find_map(|name| self.beside(part, &format!("{path}/{name}")))
    }
}
