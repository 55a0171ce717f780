//! Kubernetes manifests and Compose files in, findings out.

use std::sync::Arc;

use super::project::{self, Link};
use super::{Checked, sorted, spelled};
use crate::finding::Finding;
use crate::inputs::manifest::{Sheet, passing, passing_image};
use crate::inputs::yaml::{self, Id, Kind, Tree};
use crate::inputs::{Format, Surroundings, compose, dockerfile, kubernetes};
use crate::model::{Change, Container, Unit};
use crate::rules;
use crate::suppress::{self, Suppression};
use crate::text::{Edit, Place, SourceFile, Span};

/// Larger files hold data, not manifests: in bytes.
const LARGEST: usize = 16 << 20;

/// Looks at one file of manifests.
pub(super) fn examine(
    file: &Arc<SourceFile>,
    format: Format,
    around: &dyn Surroundings,
) -> (Checked, Vec<Unit>) {
    let nothing = |checked| (checked, Vec::new());
    if file.bytes.len() > LARGEST {
        return nothing(Checked::skipped(format!(
            "larger than {} MiB",
            LARGEST >> 20
        )));
    }
    let Ok(text) = std::str::from_utf8(&file.bytes) else {
        return nothing(unreadable(file, 0, "it is not UTF-8"));
    };
    if let Some(why) = template(text) {
        return nothing(Checked::skipped(why));
    }
    let tree = match yaml::read(text) {
        Ok(tree) => tree,
        Err(_) if text.contains("{{") || text.contains("{%") => {
            return nothing(Checked::skipped(
                "a template: render it first, then check the result",
            ));
        }
        Err(broken) if passing(&file.path).is_some() => {
            let why = format!("no YAML ({broken}), and its path says that it is no production's");
            return nothing(Checked::skipped(why));
        }
        Err(broken) => return nothing(unreadable(file, broken.at, &broken.message)),
    };
    let sheet = Sheet { file, tree: &tree };
    let seats = seats(sheet, format, around);
    let (mut findings, mut units) = (Vec::new(), Vec::new());
    let mut lacking: Vec<(String, Option<String>)> = Vec::new();
    for (index, (mut container, seat)) in seats.into_iter().enumerate() {
        let tag = container.image.as_ref().and_then(passing_image);
        container.passing = container.passing.or(tag);
        let link = project::link(&file.path, &container, around);
        if let Some(link) = &link {
            // An image for tests or developers is one, wherever it runs.
            container.passing = container.passing.or_else(|| passing(&link.file.path));
        }
        let unit = unit(&container, link.as_ref(), around);
        let before = findings.len();
        rules::check(&unit, &mut findings);
        let mut own = findings.split_off(before);
        own.retain(|finding| speaks_here(finding, link.as_ref()));
        if let Some(link) = link
            .as_ref()
            .filter(|_| own.iter().any(|finding| finding.rule == "allocator-unset"))
        {
            // Several containers may run one image: what it lacks is said once.
            let image = (link.file.path.clone(), link.target.clone());
            let said = lacking.contains(&image) || said_there(link, around);
            own.retain(|finding| finding.rule != "allocator-unset" || !said);
            lacking.push(image);
        }
        for finding in &mut own {
            finding.unit = index;
            match spelled(file, finding, |changes| seat.spell(sheet, &unit, changes)) {
                Ok(edits) => finding.edits = edits,
                Err(reason) => finding.refusal = Some(reason),
            }
        }
        findings.append(&mut own);
        units.push(unit);
    }
    suppress::apply(file, &suppressions(sheet, format, text), &mut findings);
    let checked = Checked {
        findings: sorted(findings),
        skipped: None,
        units: units.len(),
    };
    (checked, units)
}

/// Where a container stands, by format.
enum Seat {
    Kubernetes(kubernetes::Site),
    Compose(compose::Site),
}

impl Seat {
    fn spell(
        &self,
        sheet: Sheet<'_>,
        unit: &Unit,
        changes: &[Change],
    ) -> Result<Vec<Edit>, String> {
        match self {
            Self::Kubernetes(site) => kubernetes::spell(sheet, unit, *site, changes),
            Self::Compose(site) => compose::spell(sheet, unit, *site, changes),
        }
    }
}

fn seats(sheet: Sheet<'_>, format: Format, around: &dyn Surroundings) -> Vec<(Container, Seat)> {
    if format == Format::Compose {
        let services = compose::read(sheet, around).into_iter();
        return services
            .map(|(container, site)| (container, Seat::Compose(site)))
            .collect();
    }
    let containers = kubernetes::read(sheet).into_iter();
    containers
        .map(|(container, site)| (container, Seat::Kubernetes(site)))
        .collect()
}

/// What is in force in a container: its description over the image that the project builds, or over one
/// from elsewhere.
fn unit(container: &Container, link: Option<&Link>, around: &dyn Surroundings) -> Unit {
    let linked = link.and_then(|link| {
        let tree = dockerfile::parse(&link.file.bytes);
        dockerfile::started(
            &link.file,
            &tree,
            around,
            link.target.as_deref(),
            container,
            link.source.clone(),
        )
    });
    linked.unwrap_or_else(|| dockerfile::started_elsewhere(container, around))
}

/// What is wrong in the Dockerfile is said where that is read.
fn speaks_here(finding: &Finding, link: Option<&Link>) -> bool {
    link.is_none_or(|link| !Arc::ptr_eq(&finding.place.file, &link.file))
}

/// Whether the Dockerfile itself is told that its image lacks a setting.
fn said_there(link: &Link, around: &dyn Surroundings) -> bool {
    let tree = dockerfile::parse(&link.file.bytes);
    let mut findings = Vec::new();
    for unit in dockerfile::read(&link.file, &tree, around) {
        rules::check(&unit, &mut findings);
    }
    findings
        .iter()
        .any(|finding| finding.rule == "allocator-unset")
}

fn unreadable(file: &Arc<SourceFile>, at: usize, message: &str) -> Checked {
    let place = Place::new(file, Span::empty(at.min(file.bytes.len())));
    let finding = suppress::of_tool(
        "unreadable-input",
        &place,
        format!("this is no YAML: {message}"),
    );
    let finding = finding.map(|finding| {
        finding
            .caption("here")
            .help("mend it first: nothing of this file was read")
    });
    Checked {
        findings: finding.into_iter().collect(),
        ..Checked::default()
    }
}

/// Charts are rendered first.
fn template(text: &str) -> Option<&'static str> {
    let values = [".Values", ".Release", ".Chart", "include \""];
    let helm = text.contains("{{") && values.iter().any(|value| text.contains(value));
    helm.then_some(
        "a Helm template: `helm template CHART | malloclint check -` checks what it renders to",
    )
}

/// The `ignore` comments and annotations, each with what it holds for.
fn suppressions(sheet: Sheet<'_>, format: Format, text: &str) -> Vec<Suppression> {
    let mut found = Vec::new();
    for comment in &sheet.tree.comments {
        let Some(read) = suppress::read(sheet.file, *comment, Span::default()) else {
            continue;
        };
        let scope = scope(sheet.tree, text, *comment);
        found.push(Suppression { scope, ..read });
    }
    if format == Format::Kubernetes {
        for (list, scope) in kubernetes::ignored(sheet) {
            found.push(suppress::listed(sheet.file, list, scope));
        }
    }
    found
}

/// What a comment stands at or above: the largest entry or item that begins on its line, or on the next
/// one with text. Above the first key of a document it holds for all of it.
fn scope(tree: &Tree, text: &str, comment: Span) -> Span {
    let line = text
        .get(..comment.start)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |at| at + 1);
    let alone = text
        .get(line..comment.start)
        .is_some_and(|before| before.trim().is_empty());
    let start = if alone {
        next_text(text, comment.end)
    } else {
        line
    };
    let end = text
        .get(start..)
        .and_then(|rest| rest.find('\n'))
        .map_or(text.len(), |off| start + off);
    let lead = text.get(start..end).map_or(0, |line| {
        line.len() - line.trim_start_matches([' ', '-', '\t']).len()
    });
    let first = start + lead;
    let begins = |span: &Span| span.start == first;
    tree.scopes()
        .filter(begins)
        .max_by_key(|span| span.len())
        .unwrap_or(Span::new(start, end))
}

/// The start of the next line that is neither blank nor a comment.
fn next_text(text: &str, from: usize) -> usize {
    let mut at = from;
    for line in text.get(from..).unwrap_or_default().split_inclusive('\n') {
        let trimmed = line.trim();
        if at > from && !trimmed.is_empty() && !trimmed.starts_with('#') && trimmed != "---" {
            return at;
        }
        at += line.len();
    }
    text.len()
}

/// Whether two texts of the same file differ in nothing but the variables of containers. (For other
/// formats the units tell.)
///
/// # Errors
/// Where they differ elsewhere.
pub fn untouched(before: &SourceFile, after: &SourceFile) -> Result<(), String> {
    if Format::of(&before.path, &before.bytes) == Format::Dockerfile {
        return Ok(());
    }
    let read = |file: &SourceFile| {
        let text = std::str::from_utf8(&file.bytes).map_err(|error| error.to_string())?;
        yaml::read(text).map_err(|broken| format!("it would be no YAML any more: {broken}"))
    };
    let (old, new) = (read(before)?, read(after)?);
    let pairs = old.documents.iter().zip(&new.documents);
    let same = old.documents.len() == new.documents.len()
        && pairs.into_iter().all(|(a, b)| same(&old, *a, &new, *b));
    if same {
        Ok(())
    } else {
        Err("something else would change".into())
    }
}

const VARIABLES: [&str; 2] = ["env", "environment"];
/// The lists to which jemalloc from another image adds an item.
const INJECTED: [&str; 3] = ["initContainers", "volumes", "volumeMounts"];

fn same(old: &Tree, a: Id, new: &Tree, b: Id) -> bool {
    let (Some(before), Some(after)) = (old.node(a), new.node(b)) else {
        return false;
    };
    match (&before.kind, &after.kind) {
        (Kind::Scalar(a, _), Kind::Scalar(b, _)) => a == b,
        (Kind::Alias(_), Kind::Alias(_)) => true,
        (Kind::Sequence(a, _), Kind::Sequence(b, _)) => {
            let (a, b) = (not_injected(old, a), not_injected(new, b));
            a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| same(old, *a, new, *b))
        }
        (Kind::Mapping(a, _), Kind::Mapping(b, _)) => {
            let (a, b) = (rest(old, a), rest(new, b));
            a.len() == b.len()
                && a.iter()
                    .zip(&b)
                    .all(|(a, b)| same(old, a.0, new, b.0) && same(old, a.1, new, b.1))
        }
        _ => false,
    }
}

/// The entries that no fix may touch.
fn rest(tree: &Tree, entries: &[(Id, Id)]) -> Vec<(Id, Id)> {
    let other = |(key, value): &&(Id, Id)| {
        let key = tree.text(*key).unwrap_or_default();
        let list =
            matches!(tree.node(*value), Some(node) if matches!(node.kind, Kind::Sequence(..)));
        let added =
            INJECTED.contains(&key) && list && not_injected(tree, tree.items(*value)).is_empty();
        !VARIABLES.contains(&key) && !added
    };
    entries.iter().filter(other).copied().collect()
}

fn not_injected(tree: &Tree, items: &[Id]) -> Vec<Id> {
    let other = |item: &&Id| !kubernetes::is_injected(tree, **item);
    items.iter().filter(other).copied().collect()
}
