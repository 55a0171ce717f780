//! JSON patches: operations at a pointer (RFC 6902, RFC 6901).

use super::joined::Joined;
use crate::yaml::{Flow, Id, Kind};

/// So many levels deep a pointer leads: no object of Kubernetes is deeper.
const LEVELS: usize = 64;

/// Whether a document is a list of operations.
pub(super) fn is_patch(joined: &Joined, document: Id) -> bool {
    let tree = &joined.tree;
    let items = tree.items(document);
    let operation =
        |item: &Id| tree.get(*item, "op").is_some() && tree.get(*item, "path").is_some();
    !items.is_empty() && items.iter().all(operation)
}

/// `object` after all operations; one that does not fit, or that is none of `add`, `remove` and `replace`,
/// changes nothing.
pub(super) fn apply(joined: &mut Joined, object: Id, operations: Id) -> Id {
    let mut object = object;
    for operation in joined.tree.items(operations).to_vec() {
        let word = |key: &str| {
            let id = joined.tree.get(operation, key)?;
            joined.tree.text(id).map(str::to_owned)
        };
        let (Some(op), Some(path)) = (word("op"), word("path")) else {
            continue;
        };
        let value = joined.tree.get(operation, "value");
        let action = match (op.as_str(), value) {
            ("add", Some(value)) => Action::Add(value),
            ("replace", Some(value)) => Action::Replace(value),
            ("remove", _) => Action::Remove,
            _ => continue,
        };
        let segments: Vec<String> = path
            .split('/')
            .skip(1)
            .take(LEVELS)
            .map(|segment| segment.replace("~1", "/").replace("~0", "~"))
            .collect();
        object = at(joined, object, &segments, action).unwrap_or(object);
    }
    object
}

#[derive(Clone, Copy)]
enum Action {
    Add(Id),
    Replace(Id),
    Remove,
}

/// `node` with the action done at the end of `segments`.
fn at(joined: &mut Joined, node: Id, segments: &[String], action: Action) -> Option<Id> {
    let node = joined.tree.resolve(node);
    let (segment, rest) = segments.split_first()?;
    let span = joined.tree.span(node);
    let kind = match joined.tree.node(node)?.kind.clone() {
        Kind::Mapping(mut entries, _) => {
            let found = entries
                .iter()
                .rposition(|(key, _)| joined.tree.text(*key) == Some(segment.as_str()));
            match (found, rest.is_empty(), action) {
                (Some(found), false, _) => {
                    let (_, value) = entries.get_mut(found)?;
                    *value = at(joined, *value, rest, action)?;
                }
                (Some(found), true, Action::Add(value) | Action::Replace(value)) => {
                    entries.get_mut(found)?.1 = value;
                }
                (Some(found), true, Action::Remove) => drop(entries.remove(found)),
                (None, true, Action::Add(value)) => {
                    let key = joined.word(segment, value);
                    entries.push((key, value));
                }
                _ => return None,
            }
            Kind::Mapping(entries, Flow::Block)
        }
        Kind::Sequence(mut items, _) => {
            let index = if segment == "-" {
                items.len()
            } else {
                segment.parse().ok()?
            };
            match (rest.is_empty(), action) {
                (false, _) => {
                    let item = items.get_mut(index)?;
                    *item = at(joined, *item, rest, action)?;
                }
                (true, Action::Add(value)) if index <= items.len() => items.insert(index, value),
                (true, Action::Replace(value)) => *items.get_mut(index)? = value,
                (true, Action::Remove) if index < items.len() => drop(items.remove(index)),
                _ => return None,
            }
            Kind::Sequence(items, Flow::Block)
        }
        _ => return None,
    };
    Some(joined.derive(kind, span, &[node]))
}
