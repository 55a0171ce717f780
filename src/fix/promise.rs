//! The frame check: after a remedy, the model differs from before by what was promised, and by
//! nothing else.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::Family;
use crate::finding::Finding;
use crate::model::{Change, EnvFault, EnvFaultKind, Fact, Unit, User};

/// What is wrong with an edit: what else differs, if anything does, or what promise is not kept.
pub(super) fn broken(before: &[Unit], after: &[Unit], findings: &[Finding]) -> Option<String> {
    if before.len() != after.len() {
        return Some(format!(
            "the edit would also change the number of images, from {} to {}",
            before.len(),
            after.len()
        ));
    }
    let promised = Promised::of(findings);
    for (index, (old, new)) in before.iter().zip(after).enumerate() {
        let changes = promised.of_units.get(&index).map_or(&[][..], Vec::as_slice);
        if let Some(what) = differs(old, new, &promised) {
            return Some(format!("the edit would also change {what} of {}", old.name));
        }
        if let Some(family) = ends(old, new, changes) {
            return Some(format!(
                "{family}, which is loaded in {}, would not be any more",
                old.name
            ));
        }
        if let Some(promise) = missed(old, new, changes) {
            return Some(format!(
                "the edit does not keep its promise for {}: {promise}",
                old.name
            ));
        }
    }
    None
}

/// What the findings of a batch promise.
struct Promised<'a> {
    of_units: BTreeMap<usize, Vec<&'a Change>>,
    /// The variables that may change.
    variables: BTreeSet<&'a str>,
    /// The packages that others come for.
    replaced: BTreeSet<&'a str>,
}

impl<'a> Promised<'a> {
    fn of(findings: &'a [Finding]) -> Self {
        let mut promised = Self {
            of_units: BTreeMap::new(),
            variables: BTreeSet::new(),
            replaced: BTreeSet::new(),
        };
        for finding in findings {
            let of_unit = promised.of_units.entry(finding.unit).or_default();
            of_unit.extend(changes(finding));
            for change in changes(finding) {
                promised.variables.extend(change.variables());
                if let Change::ReplacePackage { from, .. } = change {
                    promised.replaced.insert(from);
                }
            }
        }
        promised
    }
}

/// The allocator that is surely loaded before and not after, where no change of the unit's own takes it away: the line of a
/// shared stage may be right for one image and wrong for another.
fn ends(old: &Unit, new: &Unit, changes: &[&Change]) -> Option<Family> {
    let (family, _) = old.replacement()?;
    let unset =
        |change: &&Change| matches!(change, Change::UnsetEnv { name } if name == "LD_PRELOAD");
    let still = new.replacement().is_some_and(|(now, _)| now == family);
    (!still && !changes.iter().any(unset)).then_some(family)
}

fn changes(finding: &Finding) -> &[Change] {
    finding
        .remedy
        .as_ref()
        .map_or(&[], |remedy| remedy.changes.as_slice())
}

/// What differs that no change of `findings` is about. (A stage may stand on another that was
/// fixed: it inherits the change.)
fn differs(old: &Unit, new: &Unit, promised: &Promised<'_>) -> Option<String> {
    let about = |name: &str| promised.variables.contains(name);
    let value = |unit: &Unit, name: &str| {
        let value = &unit.env.get(name)?.now.value;
        Some((value.text.as_str().to_owned(), value.unknown.clone()))
    };
    let names = old.env.iter().chain(new.env.iter()).map(|var| &var.name);
    for name in names {
        if value(old, name) != value(new, name) && !about(name) {
            return Some(format!("the variable `{name}`"));
        }
    }
    let same = [
        ("what starts", old.process.argv == new.process.argv),
        ("its role", old.role == new.role),
        ("its user", user(&old.user) == user(&new.user)),
        ("its Python", old.python.value() == new.python.value()),
        (
            "its distribution",
            old.platform.release.value() == new.platform.release.value(),
        ),
        (
            "what takes the environment away",
            old.strips.len() == new.strips.len(),
        ),
        ("its libraries", keeps_libraries(old, new)),
        ("its packages", keeps_packages(old, new, promised)),
    ];
    same.iter()
        .find(|(_, same)| !same)
        .map(|(what, _)| (*what).to_owned())
}

fn user(user: &Fact<User>) -> Option<&User> {
    user.value()
}

/// No allocator's library goes.
fn keeps_libraries(old: &Unit, new: &Unit) -> bool {
    old.libraries.iter().all(|library| {
        let same = |other: &crate::model::Library| {
            other.family == library.family
                && (other.path == library.path || library.path.file_name().ends_with(".so"))
        };
        new.libraries.iter().any(same)
    })
}

/// No package goes, but for one that a change replaces.
fn keeps_packages(old: &Unit, new: &Unit, promised: &Promised<'_>) -> bool {
    let (old, new) = (packages(old), packages(new));
    let mut gone = old.difference(&new);
    gone.all(|name| promised.replaced.contains(*name))
}

fn packages(unit: &Unit) -> BTreeSet<&str> {
    let installs = unit.installs.iter();
    let packages = installs.flat_map(|install| &install.packages);
    packages.map(String::as_str).collect()
}

/// The promise that `unit` does not keep, if there is one.
fn missed(old: &Unit, unit: &Unit, changes: &[&Change]) -> Option<String> {
    let value = |name: &str| {
        let var = unit.env.get(name)?;
        var.now.value.known()
    };
    // What stands for a variable still does: in other quotes it would be text.
    let unknown = |unit: &Unit, name: &str| unit.env.get(name)?.now.value.unknown.clone();
    let text = |name: &str| Some(unit.env.get(name)?.now.value.text.as_str());
    let kept = |change: &&&Change| match change {
        Change::SetEnv {
            name,
            value: wanted,
        } => {
            let open = wanted.contains('$');
            text(name) == Some(wanted) && (!open || unknown(old, name) == unknown(unit, name))
        }
        Change::UnsetEnv { name } => unit.env.get(name).is_none(),
        Change::RenameEnv { from, to } => unit.env.get(from).is_none() && value(to).is_some(),
        Change::Install(family) => unit
            .libraries
            .iter()
            .any(|library| library.family == *family),
        Change::Preload(family) => {
            let mut preloads = unit.preloads.iter();
            preloads.any(|preload| preload.family == Some(*family) && preload.outcome.works())
        }
        Change::Tune => value("MALLOC_CONF").is_some_and(|value| !value.is_empty()),
        Change::RunThread => unit.runs_thread(),
        Change::SetOnce { name } => {
            let again = |fault: &EnvFault| {
                fault.name == *name && matches!(fault.kind, EnvFaultKind::Again { .. })
            };
            unit.env.get(name).is_some() && !unit.env_faults.iter().any(again)
        }
        Change::WriteAsText { name, .. } => {
            let number = |fault: &EnvFault| {
                fault.name == *name && matches!(fault.kind, EnvFaultKind::NotString(_))
            };
            !unit.env_faults.iter().any(number)
        }
        Change::SetAfterLibrary { name } => value(name).is_some(),
        Change::InstallAsRoot { .. } | Change::ReplacePackage { .. } => true,
    };
    let missed = changes.iter().find(|change| !kept(change))?;
    Some(missed.title())
}
