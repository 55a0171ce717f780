//! Which objects a patch is for.

use regex::Regex;

use super::joined::Desk;
use crate::yaml::Id;

/// Kinds whose lists have merge keys: those of Kubernetes itself that hold pods.
const TYPED: [&str; 9] = [
    "Pod",
    "PodTemplate",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
    "CronJob",
];

/// An object of a build.
#[derive(Clone, Debug)]
pub(super) struct Object {
    /// Its mapping.
    pub(super) id: Id,
    /// The names it has had: a prefix adds one.
    pub(super) names: Vec<String>,
}

impl Object {
    /// The object that a document describes, if it does.
    pub(super) fn of(desk: &Desk, id: Id) -> Option<Self> {
        word(desk, id, &["kind"])?;
        let name = word(desk, id, &["metadata", "name"]);
        Some(Self {
            id,
            names: name.into_iter().collect(),
        })
    }

    /// Whether its lists have merge keys.
    pub(super) fn is_typed(&self, desk: &Desk) -> bool {
        word(desk, self.id, &["kind"]).is_some_and(|kind| TYPED.contains(&kind.as_str()))
    }

    /// Whether a patch without a target is for it: the same group, kind and name.
    pub(super) fn is_named_by(&self, desk: &Desk, patch: Id) -> bool {
        let same = |path: &[&str]| word(desk, patch, path) == word(desk, self.id, path);
        let namespace = ["metadata", "namespace"];
        let elsewhere = word(desk, patch, &namespace).is_some()
            && word(desk, self.id, &namespace).is_some()
            && !same(&namespace);
        let name = word(desk, patch, &["metadata", "name"]);
        same(&["kind"])
            && group(desk, patch) == group(desk, self.id)
            && !elsewhere
            && name.is_some_and(|name| self.names.contains(&name))
    }
}

/// The objects that a `target` selects, and whether all of it was understood.
pub(super) struct Target {
    fields: Vec<(&'static str, Option<Regex>)>,
    labels: Vec<(&'static str, String)>,
}

impl Target {
    /// What the mapping `target` asks for.
    pub(super) fn of(desk: &Desk, target: Id) -> Self {
        // `kustomize` anchors every pattern (api/types/selector.go).
        let pattern = |text: String| Regex::new(&format!("^(?:{text})$")).ok();
        let fields = ["group", "version", "kind", "name", "namespace"];
        let fields = fields
            .into_iter()
            .filter_map(|field| Some((field, pattern(word(desk, target, &[field])?))));
        let selectors = [
            ("labelSelector", "labels"),
            ("annotationSelector", "annotations"),
        ];
        let labels = selectors
            .into_iter()
            .filter_map(|(field, holder)| Some((holder, word(desk, target, &[field])?)));
        Self {
            fields: fields.collect(),
            labels: labels.collect(),
        }
    }

    /// Whether it selects `object`.
    pub(super) fn selects(&self, desk: &Desk, object: &Object) -> bool {
        let (group, version) = group_version(desk, object.id);
        let kind = word(desk, object.id, &["kind"]).unwrap_or_default();
        let namespace = word(desk, object.id, &["metadata", "namespace"]).unwrap_or_default();
        let fits = |(field, pattern): &(&str, Option<Regex>)| {
            let Some(pattern) = pattern else { return false };
            match *field {
                "group" => pattern.is_match(&group),
                "version" => pattern.is_match(&version),
                "kind" => pattern.is_match(&kind),
                "namespace" => pattern.is_match(&namespace),
                _ => object.names.iter().any(|name| pattern.is_match(name)),
            }
        };
        self.fields.iter().all(fits)
            && self
                .labels
                .iter()
                .all(|(holder, selector)| has(desk, object.id, holder, selector))
    }
}

/// Whether the labels of an object are as a selector wants them: `a=b,c!=d,e,!f`.
fn has(desk: &Desk, object: Id, holder: &str, selector: &str) -> bool {
    let value = |name: &str| word(desk, object, &["metadata", holder, name.trim()]);
    let one = |term: &str| {
        if let Some((name, wanted)) = term.split_once("!=") {
            return value(name).as_deref() != Some(wanted.trim());
        }
        if let Some((name, wanted)) = term.split_once('=') {
            return value(name).as_deref() == Some(wanted.trim_start_matches('=').trim());
        }
        match term.strip_prefix('!') {
            Some(name) => value(name).is_none(),
            None => value(term).is_some(),
        }
    };
    selector.split(',').map(str::trim).all(one)
}

fn group(desk: &Desk, id: Id) -> String {
    group_version(desk, id).0
}

fn group_version(desk: &Desk, id: Id) -> (String, String) {
    let whole = word(desk, id, &["apiVersion"]).unwrap_or_default();
    match whole.split_once('/') {
        Some((group, version)) => (group.to_owned(), version.to_owned()),
        None => (String::new(), whole),
    }
}

/// The word behind several keys.
pub(super) fn word(desk: &Desk, id: Id, path: &[&str]) -> Option<String> {
    let id = desk.tree.at(id, path)?;
    desk.tree.word(id).map(str::to_owned)
}
