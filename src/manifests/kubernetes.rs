//! Kubernetes manifests: every object that holds a pod template, by its shape.
//!
//! [`read`] finds the containers, [`spell`] writes their variables. Helm charts are templates: what
//! they render to is read, they themselves are not.

mod edit;
mod env;
mod inject;
mod parameters;
mod pods;

pub(crate) use edit::respell;
pub use edit::spell;
pub(crate) use inject::{Injection, brings_from, changes, inject, is_injected};

use super::{Room, Sheet, quantity};
use crate::facts::Arch;
use crate::model::{Container, Fact, Gaps, Limits, Setting, User};
use crate::purpose;
use crate::text::Span;
use crate::yaml::{Id, Tree};
use parameters::Parameters;
use pods::{Pod, Seat};

/// Where a container stands in its manifest.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// The mapping that describes it.
    pub(super) container: Id,
}

/// The containers of a stream of manifests, in the order of the text.
#[must_use]
pub fn read(sheet: Sheet<'_>) -> Vec<(Container, Site)> {
    let purpose = purpose::of_path(&sheet.file.path);
    let room = Room::of(sheet.file.bytes.len());
    let mut found = Vec::new();
    let mut parameters: Option<Parameters<'_>> = None;
    for pod in pods::find(sheet.tree) {
        let parameters = match parameters.take() {
            Some(known) if known.are_of(pod.object) => parameters.insert(known),
            _ => parameters.insert(Parameters::of(sheet.tree, pod.object)),
        };
        for (seat, id) in &pod.containers {
            if is_injected(sheet.tree, *id) {
                continue;
            }
            let (env, faults, gaps) =
                env::read(sheet, *id, is_built_in(sheet.tree, pod.object), &room);
            let mut described = container(sheet, &pod, *seat, *id, &env);
            if let Some(image) = &mut described.image {
                image.text = parameters.fill(&image.text);
            }
            let container = Container {
                env,
                env_faults: faults,
                gaps,
                not_production: described.not_production.clone().or_else(|| purpose.clone()),
                ..described
            };
            found.push((container, Site { container: *id }));
        }
    }
    found
}

/// The objects' annotations `malloclint.dev/ignore`, each with the text that it holds for.
#[must_use]
pub(crate) fn ignored(sheet: Sheet<'_>) -> Vec<(Span, Span)> {
    const ANNOTATION: &str = "malloclint.dev/ignore";
    let mut found = Vec::new();
    for pod in pods::find(sheet.tree) {
        for holder in [Some(pod.object), pod.template].into_iter().flatten() {
            let value = sheet
                .tree
                .at(holder, &["metadata", "annotations", ANNOTATION]);
            if let Some(value) = value {
                let list = (sheet.tree.span(value), sheet.tree.span(holder));
                if !found.contains(&list) {
                    found.push(list);
                }
            }
        }
    }
    found
}

/// Whether a program fills something in first: an object is called what no server takes, `shop-{name}`, or a
/// value is nothing but a name in braces, `{name}`.
#[must_use]
pub(crate) fn has_placeholders(tree: &Tree) -> bool {
    let name = |object: &Id| tree.word(tree.at(*object, &["metadata", "name"])?);
    let mut names = tree.documents.iter().filter_map(name);
    names.any(|name| !name.contains('$') && name.contains('{') && name.contains('}'))
        || tree.has_names_in_braces()
}

fn container(
    sheet: Sheet<'_>,
    pod: &Pod<'_>,
    seat: Seat,
    id: Id,
    env: &[(String, Setting)],
) -> Container {
    let tree = sheet.tree;
    let name = tree.get(id, "name").and_then(|name| sheet.named(name));
    let image = tree.get(id, "image").and_then(|image| sheet.named(image));
    let spot = image.as_ref().or(name.as_ref());
    let place = spot.map_or_else(|| sheet.place(id), |named| named.place.clone());
    let expand = |text: &str| env::expand_words(env, text);
    let not_production = match seat {
        Seat::Init => Some("it is an init container: it ends before the others start".to_owned()),
        Seat::Main => ends(pod.kind),
    };
    let not_production = not_production.or_else(|| windows(tree, pod));
    let called = name.map_or_else(
        || "the container".into(),
        |name| format!("container `{}`", name.text),
    );
    Container {
        name: called,
        place,
        image,
        build: None,
        entrypoint: tree
            .get(id, "command")
            .and_then(|words| sheet.words(words, &expand)),
        cmd: tree
            .get(id, "args")
            .and_then(|words| sheet.words(words, &expand)),
        env: Vec::new(),
        env_faults: Vec::new(),
        gaps: Gaps::default(),
        mounts: mounts(sheet, id),
        limits: limits(sheet, id),
        user: user(sheet, pod, id),
        archs: archs(sheet, pod),
        kept_running: (seat == Seat::Main).then(|| keeps(pod.kind)).flatten(),
        not_production,
    }
}

/// Whether the API server knows the object's types itself: then it merges lists of variables by name. Those of
/// custom resources it takes whole (Kubernetes reference, "Server-Side Apply", merge strategy).
fn is_built_in(tree: &Tree, object: Id) -> bool {
    let version = tree.get(object, "apiVersion").and_then(|id| tree.word(id));
    version.is_some_and(|version| match version.split_once('/') {
        None => true,
        // DeploymentConfig is served by OpenShift's own API server, with the types of Kubernetes.
        Some((group, _)) => !group.contains('.') || group == "apps.openshift.io",
    })
}

/// What the pod says against its running on Linux.
fn windows(tree: &Tree, pod: &Pod<'_>) -> Option<String> {
    let says = [["nodeSelector", "kubernetes.io/os"], ["os", "name"]];
    let mut words = says
        .iter()
        .filter_map(|path| tree.word(tree.at(pod.spec, path)?));
    let windows = words.any(|word| word == "windows");
    windows.then(|| "its pod runs on Windows".to_owned())
}

/// Kinds that start their containers again whenever they end.
fn keeps(kind: &str) -> Option<String> {
    let keeps = matches!(
        kind,
        "Deployment"
            | "StatefulSet"
            | "DaemonSet"
            | "ReplicaSet"
            | "ReplicationController"
            | "Rollout"
            | "DeploymentConfig"
            | "InferenceService"
            | "ServingRuntime"
            | "ClusterServingRuntime"
    );
    keeps.then(|| format!("a {kind} starts it again whenever it ends"))
}

/// Kinds whose containers do their work and end.
fn ends(kind: &str) -> Option<String> {
    let ends = matches!(
        kind,
        "Job"
            | "CronJob"
            | "Workflow"
            | "WorkflowTemplate"
            | "CronWorkflow"
            | "ClusterWorkflowTemplate"
            | "TFJob"
            | "PyTorchJob"
            | "MPIJob"
            | "XGBoostJob"
            | "Experiment"
            | "Task"
            | "TaskRun"
            | "Build"
    );
    ends.then(|| format!("a {kind} does its work and ends"))
}

fn mounts(sheet: Sheet<'_>, id: Id) -> Vec<String> {
    let list = sheet.tree.get(id, "volumeMounts");
    let mounts = list.map_or(&[][..], |list| sheet.tree.items(list)).iter();
    mounts
        .filter_map(|mount| sheet.tree.get(*mount, "mountPath"))
        .filter_map(|path| sheet.tree.word(path).map(str::to_owned))
        .collect()
}

fn limits(sheet: Sheet<'_>, id: Id) -> Limits {
    let limit = |key: &str, read: fn(&str) -> Option<u64>| {
        let id = sheet.tree.at(id, &["resources", "limits", key])?;
        Some((read(sheet.tree.word(id)?)?, sheet.place(id)))
    };
    Limits {
        cpu: limit("cpu", quantity::cores),
        memory: limit("memory", quantity::bytes),
    }
}

fn user(sheet: Sheet<'_>, pod: &Pod<'_>, id: Id) -> Option<Fact<User>> {
    let of = |holder: Id| sheet.tree.at(holder, &["securityContext", "runAsUser"]);
    let id = of(id).or_else(|| of(pod.spec))?;
    let user = sheet.named(id)?;
    Some(Fact::Known(User(user.text), user.place))
}

/// The architectures that the pod's nodes must have.
fn archs(sheet: Sheet<'_>, pod: &Pod<'_>) -> Option<Fact<Vec<Arch>>> {
    let selector = sheet.tree.get(pod.spec, "nodeSelector")?;
    let labels = ["kubernetes.io/arch", "beta.kubernetes.io/arch"];
    let id = labels
        .iter()
        .find_map(|label| sheet.tree.get(selector, label))?;
    let arch = Arch::from_docker(sheet.tree.word(id)?)?;
    Some(Fact::Known(vec![arch], sheet.place(id)))
}
