//! What a fix may change in a manifest, and nothing else.

use crate::facts;
use crate::manifests::kubernetes;
use crate::text::SourceFile;
use crate::yaml::{self, Id, Kind, Style, Tree};

/// Whether two texts of the same manifest differ in nothing but the variables of containers.
///
/// # Errors
/// Where they differ elsewhere, or one is no YAML.
pub fn untouched(before: &SourceFile, after: &SourceFile) -> Result<(), String> {
    let read = |file: &SourceFile| {
        let text = std::str::from_utf8(&file.bytes).map_err(|error| error.to_string())?;
        yaml::read(text).map_err(|broken| format!("it would be no YAML any more: {broken}"))
    };
    same(&read(before)?, &read(after)?)
}

/// The same of their trees. (For other formats the units tell.)
pub(super) fn same(old: &Tree, new: &Tree) -> Result<(), String> {
    if same_documents(old, new) {
        Ok(())
    } else {
        Err("something else would change".into())
    }
}

fn same_documents(old: &Tree, new: &Tree) -> bool {
    let mut pairs = old.documents.iter().zip(&new.documents);
    old.documents.len() == new.documents.len() && pairs.all(|(a, b)| same_node(old, *a, new, *b))
}

const VARIABLES: [&str; 2] = ["env", "environment"];
/// The lists to which jemalloc from another image adds an item.
const INJECTED: [&str; 3] = ["initContainers", "volumes", "volumeMounts"];

fn same_node(old: &Tree, a: Id, new: &Tree, b: Id) -> bool {
    let (Some(before), Some(after)) = (old.node(a), new.node(b)) else {
        return false;
    };
    match (&before.kind, &after.kind) {
        (Kind::Scalar(a, Style::Block), Kind::Scalar(b, Style::Block)) => {
            a == b || same_text(a, b) || same_but_setting(a, b)
        }
        (Kind::Scalar(a, _), Kind::Scalar(b, _)) => a == b || same_but_setting(a, b),
        (Kind::Alias(_), Kind::Alias(_)) => true,
        (Kind::Sequence(a, _), Kind::Sequence(b, _)) => {
            let (a, b) = (not_injected(old, a), not_injected(new, b));
            a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| same_node(old, *a, new, *b))
        }
        (Kind::Mapping(a, _), Kind::Mapping(b, _)) => {
            let (a, b) = (rest(old, a), rest(new, b));
            a.len() == b.len()
                && a.iter()
                    .zip(&b)
                    .all(|(a, b)| same_node(old, a.0, new, b.0) && same_node(old, a.1, new, b.1))
        }
        _ => false,
    }
}

/// Whether two commands differ in nothing but what stands behind the name of an allocator's variable.
fn same_but_setting(before: &str, after: &str) -> bool {
    let pairs = before.char_indices().zip(after.chars());
    let from = pairs.take_while(|((_, a), b)| a == b).last();
    let from = from.map_or(0, |((at, c), _)| at + c.len_utf8());
    let (Some(head), Some(old), Some(new)) =
        (before.get(..from), before.get(from..), after.get(from..))
    else {
        return false;
    };
    let name = head.rsplit('=').nth(1).unwrap_or_default();
    let name = name
        .rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .next();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_:,.-".contains(c);
    let kept = old
        .chars()
        .rev()
        .zip(new.chars().rev())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8());
    let kept = kept.sum::<usize>().min(old.len()).min(new.len());
    let written = new.get(..new.len() - kept).unwrap_or_default();
    name.is_some_and(|name| facts::allocator_variable(name).is_some()) && written.chars().all(plain)
}

/// Whether two texts within a file, patches of a kustomization, differ in nothing but variables.
fn same_text(before: &str, after: &str) -> bool {
    let (Ok(old), Ok(new)) = (yaml::read(before), yaml::read(after)) else {
        return false;
    };
    same_documents(&old, &new)
}

/// The entries that no fix may touch. What a JSON patch puts into `env` is a variable.
fn rest(tree: &Tree, entries: &[(Id, Id)]) -> Vec<(Id, Id)> {
    let is = |(key, _): &(Id, Id), name: &str| tree.text(*key) == Some(name);
    let path = entries.iter().find(|entry| is(entry, "path"));
    let path = path
        .and_then(|(_, path)| tree.word(*path))
        .unwrap_or_default();
    let patches =
        entries.iter().any(|entry| is(entry, "op")) && path.split('/').any(|part| part == "env");
    let added = |(key, value): &(Id, Id)| {
        let key = tree.text(*key).unwrap_or_default();
        let list =
            matches!(tree.node(*value), Some(node) if matches!(node.kind, Kind::Sequence(..)));
        INJECTED.contains(&key) && list && not_injected(tree, tree.items(*value)).is_empty()
    };
    let other = |entry: &&(Id, Id)| {
        let named = VARIABLES.iter().any(|name| is(entry, name));
        let variable = named || patches && is(entry, "value");
        !variable && !added(entry)
    };
    entries.iter().filter(other).copied().collect()
}

fn not_injected(tree: &Tree, items: &[Id]) -> Vec<Id> {
    let other = |item: &&Id| !kubernetes::is_injected(tree, **item);
    items.iter().filter(other).copied().collect()
}
