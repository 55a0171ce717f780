//! A manifest that no kustomization uses, with the ConfigMaps of other files.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::joined::Joined;
use super::trees::Texts;
use super::{Build, parts};
use crate::text::SourceFile;
use crate::text::paths;

/// What `focus` is together with the ConfigMaps that it refers to and does not hold.
pub(super) fn build(
    focus: &Arc<SourceFile>,
    config_maps: &dyn Fn() -> Arc<[Arc<SourceFile>]>,
    texts: &Texts<'_>,
) -> Option<Build> {
    let mentions = |text: &str| memchr::memmem::find(&focus.bytes, text.as_bytes()).is_some();
    if !mentions("configMapRef") {
        return None;
    }
    let mut joined = Joined::default();
    let own = joined.file(focus, texts.tree(focus)?)?;
    let mut documents = joined.part(own)?.roots();
    // By name: those of the same folder, and all.
    let mut found: BTreeMap<String, [Vec<_>; 2]> = BTreeMap::new();
    for file in config_maps().iter() {
        let Some(part) = (file.path != focus.path)
            .then(|| joined.file(file, texts.tree(file)?))
            .flatten()
        else {
            continue;
        };
        let near = paths::folder(&file.path) == paths::folder(&focus.path);
        for root in joined.part(part)?.roots() {
            let word = |path: &[&str]| super::select::word(&joined, root, path);
            if word(&["kind"]).as_deref() != Some("ConfigMap") {
                continue;
            }
            let Some(name) = word(&["metadata", "name"]).filter(|name| mentions(name)) else {
                continue;
            };
            let [beside, all] = found.entry(name).or_default();
            all.push(root);
            beside.extend(near.then_some(root));
        }
    }
    let before = documents.len();
    for [beside, all] in found.into_values() {
        let among = if beside.is_empty() { all } else { beside };
        // Of several with one name it cannot be told which one is applied.
        if let [only] = *among {
            documents.push(only);
        }
    }
    if documents.len() == before {
        return None;
    }
    let (joined, read) = joined.read(documents);
    Some(Build {
        root: focus.path.clone(),
        containers: parts(&joined, read, focus),
        as_resource: true,
        joined,
    })
}
