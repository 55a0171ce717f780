//! `configMapGenerator`: ConfigMaps made of literals and environment files.

use super::joined::Joined;
use super::load::Loader;
use super::select::{Object, word};
use crate::yaml::{Flow, Id, Kind};

impl Loader<'_> {
    /// The ConfigMaps that the kustomization at `root` makes, among `objects`.
    pub(super) fn generate(&mut self, part: usize, root: Id, objects: &mut Vec<Object>) {
        let Some(list) = self.joined.tree.get(root, "configMapGenerator") else {
            return;
        };
        for item in self.joined.tree.items(list).to_vec() {
            let Some(name) = self.joined.tree.get(item, "name") else {
                continue;
            };
            let mut data = literals(&mut self.joined, item);
            data.extend(self.env_files(part, item));
            let behavior = word(&self.joined, item, &["behavior"]);
            let before = behavior.and_then(|behavior| {
                let at = self.config_map(objects, name)?;
                Some((behavior, at))
            });
            match before {
                Some((behavior, at)) => {
                    let Some(object) = objects.get_mut(at) else {
                        continue;
                    };
                    let old = self.joined.tree.get(object.id, "data");
                    let old = old.filter(|_| behavior == "merge");
                    let old = old.map_or(&[][..], |old| self.joined.tree.entries(old));
                    let text = |(key, _): &(Id, Id)| self.joined.tree.text(*key).map(str::to_owned);
                    let again = |entry: &&(Id, Id)| data.iter().any(|new| text(new) == text(entry));
                    let mut all: Vec<_> =
                        old.iter().filter(|entry| !again(entry)).copied().collect();
                    all.append(&mut data);
                    object.id = config_map(&mut self.joined, name, all, item);
                }
                None => {
                    let id = config_map(&mut self.joined, name, data, item);
                    objects.extend(Object::of(&self.joined, id));
                }
            }
        }
    }

    fn config_map(&self, objects: &[Object], name: Id) -> Option<usize> {
        let name = self.joined.tree.word(name)?;
        objects.iter().position(|object| {
            word(&self.joined, object.id, &["kind"]).as_deref() == Some("ConfigMap")
                && object.names.iter().any(|other| other == name)
        })
    }

    /// `envs`: files of lines `NAME=value`.
    fn env_files(&mut self, part: usize, item: Id) -> Vec<(Id, Id)> {
        let listed = self.joined.tree.get(item, "envs");
        let mut paths = listed.map_or(Vec::new(), |list| self.joined.tree.items(list).to_vec());
        paths.extend(self.joined.tree.get(item, "env"));
        let mut found = Vec::new();
        for path in paths {
            let text = self.joined.tree.word(path).map(str::to_owned);
            let file = text.and_then(|text| self.beside(part, &text));
            let Some(file) = file else { continue };
            let text = String::from_utf8_lossy(&file.bytes).into_owned();
            let Some(start) = self.joined.plain(&file) else {
                continue;
            };
            let mut at = start;
            for line in text.split_inclusive('\n') {
                let pair = line
                    .trim()
                    .split_once('=')
                    .filter(|(name, _)| !name.starts_with('#'));
                if let Some((name, value)) = pair {
                    let lead = line.len() - line.trim_start().len();
                    let name_at = at + lead;
                    let value_at = name_at + name.len() + 1;
                    found.push((
                        self.joined.literal(name, name_at),
                        self.joined.literal(value, value_at),
                    ));
                }
                at += line.len();
            }
        }
        found
    }
}

/// `literals`: `NAME=value`, the value with or without quotes.
fn literals(joined: &mut Joined, item: Id) -> Vec<(Id, Id)> {
    let Some(list) = joined.tree.get(item, "literals") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for literal in joined.tree.items(list).to_vec() {
        let Some(text) = joined.tree.text(literal).map(str::to_owned) else {
            continue;
        };
        let Some((name, value)) = text.split_once('=') else {
            continue;
        };
        let unquoted = ['"', '\'']
            .iter()
            .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
        let name = joined.word(name, literal);
        let value = joined.word(unquoted.unwrap_or(value), literal);
        found.push((name, value));
    }
    found
}

fn config_map(joined: &mut Joined, name: Id, data: Vec<(Id, Id)>, item: Id) -> Id {
    let span = joined.tree.span(item);
    let data = joined.derive(Kind::Mapping(data, Flow::Block), span, &[]);
    let metadata = joined.mapping(&[("name", name)], item);
    let version = joined.word("v1", item);
    let kind = joined.word("ConfigMap", item);
    let entries = [
        ("apiVersion", version),
        ("kind", kind),
        ("metadata", metadata),
        ("data", data),
    ];
    joined.mapping(&entries, item)
}
