//! Two allocators in one process.

use super::Report;
use crate::model::{Outcome, Unit, Via};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let loaded = |outcome: &Outcome| outcome.works() || matches!(outcome, Outcome::Unknown(_));
    let in_env = || {
        unit.preloads
            .iter()
            .filter(|preload| preload.via == Via::Environment && loaded(&preload.outcome))
    };
    let Some(first) = in_env().find(|preload| preload.family.is_some()) else {
        return;
    };
    if let Some(second) =
        in_env().find(|preload| preload.family.is_some() && preload.family != first.family)
        && let (Some(one), Some(two)) = (first.family, second.family)
    {
        report.add(
            report
                .finding(&second.place, format!("a second allocator: {one} comes first and serves every `malloc`, {two} only takes space"))
                .caption("never asked")
                .label(&first.place, "this one is used")
                .note("the first library that defines `malloc` wins; the other one still starts up and may keep threads and memory of its own")
                .help("keep the one that was measured to be better"),
        );
    }
    let python = unit.env.get("PYTHONMALLOC").filter(|var| {
        var.now
            .value
            .known()
            .is_some_and(|v| v.starts_with("mimalloc"))
    });
    if let (Some(var), Some(family), true) = (python, first.family, first.outcome.works()) {
        report.add(
            report
                .finding(&var.now.place, format!("Python's objects go to mimalloc, everything else to {family}: two heaps, neither gives to the other"))
                .caption("Python's own mimalloc")
                .label(&first.place, "preloaded")
                .help("keep one of the two"),
        );
    }
}
