//! Which objects a patch is for.

use regex::Regex;

use super::joined::Joined;
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
    pub(super) fn of(joined: &Joined, id: Id) -> Option<Self> {
        word(joined, id, &["kind"])?;
        let name = word(joined, id, &["metadata", "name"]);
        Some(Self {
            id,
            names: name.into_iter().collect(),
        })
    }

    /// Whether its lists have merge keys.
    pub(super) fn is_typed(&self, joined: &Joined) -> bool {
        word(joined, self.id, &["kind"]).is_some_and(|kind| TYPED.contains(&kind.as_str()))
    }

    /// Whether a patch without a target is for it: the same group, kind and name.
    pub(super) fn is_named_by(&self, joined: &Joined, patch: Id) -> bool {
        let same = |path: &[&str]| word(joined, patch, path) == word(joined, self.id, path);
        let namespace = ["metadata", "namespace"];
        let elsewhere = word(joined, patch, &namespace).is_some()
            && word(joined, self.id, &namespace).is_some()
            && !same(&namespace);
        let name = word(joined, patch, &["metadata", "name"]);
        same(&["kind"])
            && group(joined, patch) == group(joined, self.id)
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
    pub(super) fn of(joined: &Joined, target: Id) -> Self {
        // `kustomize` anchors every pattern (api/types/selector.go).
        let pattern = |text: String| Regex::new(&format!("^(?:{text})$")).ok();
        let fields = ["group", "version", "kind", "name", "namespace"];
        let fields = fields
            .into_iter()
            .filter_map(|field| Some((field, pattern(word(joined, target, &[field])?))));
        let selectors = [
            ("labelSelector", "labels"),
            ("annotationSelector", "annotations"),
        ];
        let labels = selectors
            .into_iter()
            .filter_map(|(field, holder)| Some((holder, word(joined, target, &[field])?)));
        Self {
            fields: fields.collect(),
            labels: labels.collect(),
        }
    }

    /// Whether it selects `object`.
    pub(super) fn selects(&self, joined: &Joined, object: &Object) -> bool {
        let (group, version) = group_version(joined, object.id);
        let kind = word(joined, object.id, &["kind"]).unwrap_or_default();
        let namespace = word(joined, object.id, &["metadata", "namespace"]).unwrap_or_default();
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
                .all(|(holder, selector)| has(joined, object.id, holder, selector))
    }
}

/// Whether the labels of an object are as a selector wants them: `a=b,c!=d,e,!f`.
fn has(joined: &Joined, object: Id, holder: &str, selector: &str) -> bool {
    let value = |name: &str| word(joined, object, &["metadata", holder, name.trim()]);
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

fn group(joined: &Joined, id: Id) -> String {
    group_version(joined, id).0
}

fn group_version(joined: &Joined, id: Id) -> (String, String) {
    let whole = word(joined, id, &["apiVersion"]).unwrap_or_default();
    match whole.split_once('/') {
        Some((group, version)) => (group.to_owned(), version.to_owned()),
        None => (String::new(), whole),
    }
}

/// The word behind several keys.
pub(super) fn word(joined: &Joined, id: Id, path: &[&str]) -> Option<String> {
    let id = joined.tree.at(id, path)?;
    joined.tree.word(id).map(str::to_owned)
}
