//! The thread hook is asked for, and jemalloc's background thread runs in no Python process.

use super::Report;
use crate::facts::Family;
use crate::finding::Applicability;
use crate::model::{Change, THREAD_VARIABLE, ThreadHook, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let jemalloc = unit
        .replacement()
        .is_some_and(|(family, _)| family == Family::Jemalloc);
    if unit.role.is_build() || !jemalloc || !unit.lacks_thread() {
        return;
    }
    let (said, help) = if unit.thread_hook == ThreadHook::Present {
        let said = format!(
            "the thread hook is in the image, and `{THREAD_VARIABLE}` does not ask for the thread"
        );
        (said, format!("set `{THREAD_VARIABLE}=1`"))
    } else {
        let said = "the thread hook that is asked for is not in the image".to_owned();
        (said, "put it into the Python that runs".to_owned())
    };
    let finding = report
        .finding(&unit.install_at, said)
        .caption("no background thread in this image's Python")
        .note("without jemalloc's background thread idle memory goes back at the next allocation only")
        .help(help)
        .remedy("install the thread hook", Applicability::Safe, vec![Change::RunThread]);
    let base = unit.unknown_base.as_ref();
    report.add(
        match base.filter(|_| unit.thread_hook != ThreadHook::Present) {
            Some(base) => finding.likely(format!(
                "the base image `{base}` is not one we know: it may bring the hook"
            )),
            None => finding,
        },
    );
}
