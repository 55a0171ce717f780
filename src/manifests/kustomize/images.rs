//! `images`: other names, tags and digests for the images of a build.

use super::joined::Joined;
use super::select::word;
use crate::yaml::{Flow, Id, Kind};

/// What an entry of `images` changes.
pub(super) struct Renamed {
    name: String,
    new_name: Option<String>,
    tag: Option<String>,
    digest: Option<String>,
}

impl Renamed {
    /// The entries of a list.
    pub(super) fn all(joined: &Joined, list: Id) -> Vec<Self> {
        let one = |item: &Id| {
            let of = |key: &str| word(joined, *item, &[key]);
            Some(Self {
                name: of("name")?,
                new_name: of("newName"),
                tag: of("newTag"),
                digest: of("digest"),
            })
        };
        joined.tree.items(list).iter().filter_map(one).collect()
    }

    /// The image under its new name, if it is this one.
    fn of(&self, image: &str) -> Option<String> {
        let (rest, digest) = match image.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (image, None),
        };
        let colon = rest
            .rfind(':')
            .filter(|at| !rest.get(*at..).is_some_and(|end| end.contains('/')));
        let (name, tag) = colon.map_or((rest, None), |at| {
            (rest.get(..at).unwrap_or(rest), rest.get(at + 1..))
        });
        if name != self.name {
            return None;
        }
        let mut new = self.new_name.clone().unwrap_or_else(|| name.to_owned());
        match (&self.tag, &self.digest) {
            (None, None) => {
                new.extend(tag.map(|tag| format!(":{tag}")));
                new.extend(digest.map(|digest| format!("@{digest}")));
            }
            (tag, digest) => {
                new.extend(tag.as_ref().map(|tag| format!(":{tag}")));
                new.extend(digest.as_ref().map(|digest| format!("@{digest}")));
            }
        }
        Some(new)
    }
}

/// `node` with the images of all its containers renamed.
pub(super) fn rename(joined: &mut Joined, node: Id, renamed: &[Renamed]) -> Id {
    // What an alias stands for is changed where it stands itself.
    let span = joined.tree.span(node);
    let kind = match joined.tree.node(node).map(|node| node.kind.clone()) {
        Some(Kind::Mapping(mut entries, flow)) => {
            let mut changed = false;
            for (key, value) in &mut entries {
                let lists = ["containers", "initContainers"];
                let listed = joined
                    .tree
                    .text(*key)
                    .is_some_and(|key| lists.contains(&key));
                let new = if listed {
                    containers(joined, *value, renamed)
                } else {
                    rename(joined, *value, renamed)
                };
                changed |= new != *value;
                *value = new;
            }
            changed.then_some(Kind::Mapping(entries, flow))
        }
        Some(Kind::Sequence(mut items, flow)) => {
            let mut changed = false;
            for item in &mut items {
                let new = rename(joined, *item, renamed);
                changed |= new != *item;
                *item = new;
            }
            changed.then_some(Kind::Sequence(items, flow))
        }
        _ => None,
    };
    kind.map_or(node, |kind| joined.derive(kind, span, &[node]))
}

fn containers(joined: &mut Joined, list: Id, renamed: &[Renamed]) -> Id {
    let mut items = joined.tree.items(list).to_vec();
    let mut changed = false;
    for item in &mut items {
        let Some(image) = joined.tree.get(*item, "image") else {
            continue;
        };
        let Some(text) = joined.tree.word(image).map(str::to_owned) else {
            continue;
        };
        let new = renamed.iter().fold(text.clone(), |name, renamed| {
            renamed.of(&name).unwrap_or(name)
        });
        if new == text {
            continue;
        }
        // It is reported where the container names it.
        let word = joined.word(&new, image);
        let mut entries = joined.tree.entries(*item).to_vec();
        for (key, value) in &mut entries {
            if joined.tree.text(*key) == Some("image") {
                *value = word;
            }
        }
        let (span, from) = (joined.tree.span(*item), joined.tree.resolve(*item));
        *item = joined.derive(Kind::Mapping(entries, Flow::Block), span, &[from]);
        changed = true;
    }
    if !changed {
        return list;
    }
    let (span, from) = (joined.tree.span(list), joined.tree.resolve(list));
    joined.derive(Kind::Sequence(items, Flow::Block), span, &[from])
}
