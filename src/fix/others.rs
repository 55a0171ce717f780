//! What a fix means for others than the file it is made in: stages that are no image of their own, images that stand on this
//! one, containers that run it. None of them may be worse off.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check;
use crate::finding::Finding;
use crate::model::Unit;
use crate::project::Project;
use crate::surroundings::Instead;
use crate::templates::Style;
use crate::text::SourceFile;

/// Whom the file as it should be makes worse off, and how, if it does.
pub(super) fn worse_off(
    before: &Arc<SourceFile>,
    after: &Arc<SourceFile>,
    project: &Project<'_>,
    style: Style,
) -> Option<String> {
    let (old, new) = (
        check::passing(before, project),
        check::passing(after, project),
    );
    if let Some(why) = harmed(&old, &new) {
        return Some(why);
    }
    let users = check::users(before, project);
    if users.is_empty() {
        return None;
    }
    let around = Instead {
        around: project.around(),
        file: Arc::clone(after),
    };
    let then = project.where_changed(&around);
    users.iter().find_map(|user| {
        let (old, new) = (
            check::examine(user, project, style),
            check::examine(user, &then, style),
        );
        let found = harmed(&old.units, &new.units);
        let found = found.or_else(|| more(&old.checked.findings, &new.checked.findings));
        found.map(|why| format!("in {}, {why}", user.path))
    })
}

/// The harm to one of the units, in their order.
fn harmed(before: &[Unit], after: &[Unit]) -> Option<String> {
    let mut pairs = before.iter().zip(after);
    pairs.find_map(|(old, new)| check::harm_of_loading(old, new))
}

/// A finding of a kind that a unit has more of, from a warning on.
fn more(before: &[Finding], after: &[Finding]) -> Option<String> {
    let kinds = |findings: &[Finding]| {
        let mut counts: BTreeMap<(&'static str, usize), usize> = BTreeMap::new();
        let heavy = findings.iter().filter(|finding| finding.is_heavy());
        for finding in heavy {
            *counts.entry((finding.rule, finding.unit)).or_default() += 1;
        }
        counts
    };
    let (old, new) = (kinds(before), kinds(after));
    let grown = |(kind, count): &(&(&'static str, usize), &usize)| {
        **count > old.get(*kind).copied().unwrap_or(0)
    };
    let ((rule, unit), _) = new.iter().find(grown)?;
    let mut of_it = after.iter();
    let finding = of_it.rfind(|finding| finding.rule == *rule && finding.unit == *unit)?;
    Some(format!("{rule}, {}", finding.message))
}
