//! `PYTHONMALLOC` values that this Python does not know: it ends at start.

use super::Report;
use crate::facts::{self, PythonMalloc};
use crate::finding::Applicability;
use crate::model::{Change, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let Some(var) = unit.env.get("PYTHONMALLOC") else {
        return;
    };
    let Some(value) = var.now.value.known() else {
        return;
    };
    let version = unit.python.value().and_then(|python| python.version);
    let message = match (facts::pythonmalloc(value, version), version) {
        (PythonMalloc::Unknown, _) => {
            format!("no Python knows the allocator `{value}`: it ends at start")
        }
        (PythonMalloc::NeedsVersion((major, minor)), Some(here)) => {
            format!(
                "`{value}` needs Python {major}.{minor}, and this is {}.{}: it ends at start",
                here.0, here.1
            )
        }
        _ => return,
    };
    report.add(
        report
            .finding(&var.now.value_place(), message)
            .caption("Python does not start")
            .note("`Fatal Python error: preconfig_init_allocator: PYTHONMALLOC: unknown allocator`, exit code 1")
            .note(format!("the version is known from {}", unit.python.because(&unit.place)))
            .help("drop the variable")
            .remedy("drop `PYTHONMALLOC`", Applicability::Safe, vec![Change::UnsetEnv { name: "PYTHONMALLOC".into() }]),
    );
}
