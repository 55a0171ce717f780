//! `configMapGenerator`: ConfigMaps made of literals and environment files.

use super::joined::Desk;
use super::load::Loader;
use super::select::{Object, word};
use crate::yaml::{Flow, Id, Kind};

impl Loader<'_> {
    /// The ConfigMaps that the kustomization at `root` makes, among `objects`.
    pub(super) fn generate(&mut self, part: usize, root: Id, objects: &mut Vec<Object>) {
        let Some(list) = self.desk.tree.get(root, "configMapGenerator") else {
            return;
        };
        for item in self.desk.tree.items(list).to_vec() {
            let Some(name) = self.desk.tree.get(item, "name") else {
                continue;
            };
            let mut data = literals(&mut self.desk, item);
            data.extend(self.env_files(part, item));
            let behavior = word(&self.desk, item, &["behavior"]);
            let before = behavior.and_then(|behavior| {
                let at = self.config_map(objects, name)?;
                Some((behavior, at))
            });
            match before {
                Some((behavior, at)) => {
                    let Some(object) = objects.get_mut(at) else {
                        continue;
                    };
                    let old = self.desk.tree.get(object.id, "data");
                    let old = old.filter(|_| behavior == "merge");
                    let old = old.map_or(&[][..], |old| self.desk.tree.entries(old));
                    let text = |(key, _): &(Id, Id)| self.desk.tree.text(*key).map(str::to_owned);
                    let again = |entry: &&(Id, Id)| data.iter().any(|new| text(new) == text(entry));
                    let mut all: Vec<_> =
                        old.iter().filter(|entry| !again(entry)).copied().collect();
                    all.append(&mut data);
                    object.id = config_map(&mut self.desk, name, all, item);
                }
                None => {
                    let id = config_map(&mut self.desk, name, data, item);
                    objects.extend(Object::of(&self.desk, id));
                }
            }
        }
    }

    fn config_map(&self, objects: &[Object], name: Id) -> Option<usize> {
        let name = self.desk.tree.word(name)?;
        objects.iter().position(|object| {
            word(&self.desk, object.id, &["kind"]).as_deref() == Some("ConfigMap")
                && object.names.iter().any(|other| other == name)
        })
    }

    /// `envs`: files of lines `NAME=value`.
    fn env_files(&mut self, part: usize, item: Id) -> Vec<(Id, Id)> {
        let listed = self.desk.tree.get(item, "envs");
        let mut paths = listed.map_or(Vec::new(), |list| self.desk.tree.items(list).to_vec());
        paths.extend(self.desk.tree.get(item, "env"));
        let mut found = Vec::new();
        for path in paths {
            let text = self.desk.tree.word(path).map(str::to_owned);
            let file = text.and_then(|text| self.beside(part, &text));
            let Some(file) = file else { continue };
            let text = String::from_utf8_lossy(&file.bytes).into_owned();
            let Some(start) = self.desk.plain(&file) else {
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
                        self.desk.literal(name, name_at),
                        self.desk.literal(value, value_at),
                    ));
                }
                at += line.len();
            }
        }
        found
    }
}

/// `literals`: `NAME=value`, the value with or without quotes.
fn literals(desk: &mut Desk, item: Id) -> Vec<(Id, Id)> {
    let Some(list) = desk.tree.get(item, "literals") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for literal in desk.tree.items(list).to_vec() {
        let Some(text) = desk.tree.text(literal).map(str::to_owned) else {
            continue;
        };
        let Some((name, value)) = text.split_once('=') else {
            continue;
        };
        let unquoted = ['"', '\'']
            .iter()
            .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
        let name = desk.word(name, literal);
        let value = desk.word(unquoted.unwrap_or(value), literal);
        found.push((name, value));
    }
    found
}

fn config_map(desk: &mut Desk, name: Id, data: Vec<(Id, Id)>, item: Id) -> Id {
    let span = desk.tree.span(item);
    let data = desk.forge(Kind::Mapping(data, Flow::Block), span, &[]);
    let metadata = desk.mapping(&[("name", name)], item);
    let version = desk.word("v1", item);
    let kind = desk.word("ConfigMap", item);
    let entries = [
        ("apiVersion", version),
        ("kind", kind),
        ("metadata", metadata),
        ("data", data),
    ];
    desk.mapping(&entries, item)
}
