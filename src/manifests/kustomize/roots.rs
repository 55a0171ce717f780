//! Which kustomizations use a file.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{is_kustomization, is_remote};
use crate::surroundings::Surroundings;
use crate::text::SourceFile;
use crate::text::paths;
use crate::yaml::{self, Id, Tree};

/// So many builds of one file are looked at.
const BUILDS: usize = 8;

/// The files and folders that a kustomization names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct References {
    /// What it builds upon.
    resources: Vec<String>,
    /// What it lays over that.
    patches: Vec<String>,
}

/// A kustomization of a project.
#[derive(Debug)]
pub(crate) struct Kustomization {
    pub file: Arc<SourceFile>,
    references: References,
}

impl Kustomization {
    /// A kustomization with what it names.
    #[must_use]
    pub(crate) fn of(file: &Arc<SourceFile>, around: &dyn Surroundings) -> Self {
        Self {
            file: Arc::clone(file),
            references: references(file, around),
        }
    }
}

/// What a kustomization names, as seen from where the tool runs.
fn references(file: &SourceFile, around: &dyn Surroundings) -> References {
    let tree = std::str::from_utf8(&file.bytes)
        .ok()
        .and_then(|text| yaml::read(text).ok());
    let Some(tree) = tree else {
        return References::default();
    };
    let Some(&root) = tree.documents.first() else {
        return References::default();
    };
    let folder = paths::folder(&file.path);
    let local = |path: &&str| !is_remote(path) && !path.contains('\n');
    let words = |key: &str| {
        let items = items(&tree, root, key);
        items
            .filter_map(|item| tree.word(*item))
            .collect::<Vec<_>>()
    };
    let named = |key: &str| {
        let paths = items(&tree, root, key).filter_map(|item| tree.get(*item, "path"));
        paths.filter_map(|path| tree.word(path)).collect::<Vec<_>>()
    };
    let joined = |all: Vec<&str>| {
        let local = all.into_iter().filter(local);
        let name = |path| around.called(&paths::join(folder, path));
        local.map(name).collect()
    };
    let resources = ["resources", "bases", "components"];
    let mut patches: Vec<&str> = words("patchesStrategicMerge");
    patches.extend(named("patches"));
    patches.extend(named("patchesJson6902"));
    References {
        resources: joined(resources.iter().flat_map(|key| words(key)).collect()),
        patches: joined(patches),
    }
}

fn items<'t>(tree: &'t Tree, root: Id, key: &str) -> impl Iterator<Item = &'t Id> {
    let list = tree.get(root, key);
    list.map_or(&[][..], |list| tree.items(list)).iter()
}

impl References {
    fn names(&self, path: &String) -> bool {
        self.resources.contains(path) || self.patches.contains(path)
    }
}

/// The kustomizations that build `file` and that no other one uses.
pub(super) fn of(file: &Arc<SourceFile>, all: &[Kustomization]) -> Vec<Arc<SourceFile>> {
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    let mut open: Vec<usize> = all
        .iter()
        .enumerate()
        .filter(|(_, one)| one.file.path == file.path || one.references.names(&file.path))
        .map(|(index, _)| index)
        .collect();
    let mut roots = BTreeSet::new();
    while let Some(index) = open.pop() {
        if !seen.insert(index) {
            continue;
        }
        let Some(one) = all.get(index) else { continue };
        let folder = paths::folder(&one.file.path).to_owned();
        let above = all.iter().enumerate();
        let above = above
            .filter(|(other, one)| *other != index && one.references.resources.contains(&folder));
        let before = open.len();
        open.extend(above.map(|(index, _)| index));
        if open.len() == before {
            roots.insert(index);
        }
    }
    let roots = roots.into_iter().filter_map(|index| all.get(index));
    roots
        .map(|one| {
            if one.file.path == file.path {
                Arc::clone(file)
            } else {
                Arc::clone(&one.file)
            }
        })
        .take(BUILDS)
        .collect()
}

/// Whether a resource other than `focus` matters for it: what it may patch, and what brings variables.
pub(super) fn wanted(
    focus: &SourceFile,
    all: &[Kustomization],
) -> impl Fn(&SourceFile) -> bool + use<> {
    let has = |bytes: &[u8], word: &str| memchr::memmem::find(bytes, word.as_bytes()).is_some();
    let lays = |one: &Kustomization| one.references.patches.contains(&focus.path);
    let lies_over = is_kustomization(&focus.path) || all.iter().any(lays);
    let refers = has(&focus.bytes, "configMapRef");
    move |other: &SourceFile| {
        let bytes = &other.bytes;
        lies_over && has(bytes, "ontainers") || (refers || lies_over) && has(bytes, "ConfigMap")
    }
}
