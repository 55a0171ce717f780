//! Where pod templates are: any mapping with a list of containers, in any object.

use crate::yaml::{Id, Kind, Tree};

/// A pod template.
#[derive(Debug)]
pub(super) struct Pod<'t> {
    /// The kind of the object that holds it.
    pub(super) kind: &'t str,
    pub(super) object: Id,
    /// The mapping that holds the template's `metadata` and `spec`, where that is not the object.
    pub(super) template: Option<Id>,
    /// The mapping that holds the containers.
    pub(super) spec: Id,
    pub(super) containers: Vec<(Seat, Id)>,
}

/// What a container is in its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seat {
    /// It runs as long as the pod does.
    Main,
    /// It runs before the others.
    Init,
}

/// Kinds that hold no pods, however much their text looks like it.
const OTHERS: [&str; 4] = [
    "CustomResourceDefinition",
    "ConfigMap",
    "Secret",
    "Kustomization",
];

/// All pod templates of a stream, in the order of the text.
pub(super) fn find(tree: &Tree) -> Vec<Pod<'_>> {
    let mut found = Vec::new();
    for &document in &tree.documents {
        objects(tree, document, &mut found);
    }
    found
}

/// The object of a document, or those of a list.
fn objects<'t>(tree: &'t Tree, document: Id, found: &mut Vec<Pod<'t>>) {
    let Some(kind) = kind(tree, document) else {
        return;
    };
    if kind.ends_with("List")
        && let Some(items) = tree.get(document, "items")
    {
        for &item in tree.items(items) {
            if let Some(kind) = self::kind(tree, item) {
                object(tree, item, kind, found);
            }
        }
        return;
    }
    object(tree, document, kind, found);
}

/// The kind of an object; what has no version is none.
fn kind(tree: &Tree, id: Id) -> Option<&str> {
    tree.get(id, "apiVersion")
        .and_then(|version| tree.word(version))?;
    tree.get(id, "kind").and_then(|kind| tree.word(kind))
}

fn object<'t>(tree: &'t Tree, object: Id, kind: &'t str, found: &mut Vec<Pod<'t>>) {
    if OTHERS.contains(&kind) {
        return;
    }
    // Each node with the mapping around it.
    let mut open = vec![(object, None)];
    while let Some((id, parent)) = open.pop() {
        // What an alias stands for is found where it stands itself.
        match tree.node(id).map(|node| &node.kind) {
            Some(Kind::Sequence(items, _)) => {
                open.extend(items.iter().rev().map(|item| (*item, parent)));
            }
            Some(Kind::Mapping(entries, _)) => {
                let containers = containers(tree, id);
                if !containers.is_empty() {
                    let template = parent.filter(|parent| *parent != object);
                    found.push(Pod {
                        kind,
                        object,
                        template,
                        spec: id,
                        containers,
                    });
                }
                open.extend(entries.iter().rev().map(|(_, value)| (*value, Some(id))));
            }
            _ => {}
        }
    }
}

/// Mappings that are a container themselves, by their key: Argo Workflows, Clowder (`podSpec` of a ClowdApp).
const SINGLE: [&str; 2] = ["container", "podSpec"];

/// The containers that a mapping lists, and those that it is itself.
fn containers(tree: &Tree, spec: Id) -> Vec<(Seat, Id)> {
    let described = |id: &Id| {
        tree.is_mapping(*id)
            && (tree.get(*id, "image").is_some() || tree.get(*id, "name").is_some())
    };
    let lists = [
        ("initContainers", Seat::Init),
        ("containers", Seat::Main),
        ("ephemeralContainers", Seat::Init),
    ];
    let mut found = Vec::new();
    for (key, seat) in lists {
        let Some((_, list)) = tree.own(spec, key) else {
            continue;
        };
        for &item in tree.items(list).iter().filter(|item| described(item)) {
            let always = tree
                .get(item, "restartPolicy")
                .and_then(|policy| tree.word(policy))
                == Some("Always");
            let seat = if always { Seat::Main } else { seat };
            found.push((seat, tree.resolve(item)));
        }
    }
    for (_, one) in SINGLE.iter().filter_map(|key| tree.own(spec, key)) {
        if tree.is_mapping(one) && tree.get(one, "image").is_some() {
            found.push((Seat::Main, tree.resolve(one)));
        }
    }
    found
}
