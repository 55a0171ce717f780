//! `PYTHONMALLOC` values that this Python does not know: it ends at start.

use super::Report;
use crate::facts::{self, PythonMalloc};
use crate::finding::{Applicability, Finding};
use crate::model::{Change, EnvVar, PythonBuild, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let Some(var) = unit.env.get("PYTHONMALLOC") else {
        return;
    };
    let Some(value) = var.now.value.known() else {
        return;
    };
    let version = unit.python.value().and_then(|python| python.version);
    let build = unit.free_threaded();
    let made = facts::pythonmalloc(value, version, build.is_some());
    if let (PythonMalloc::NeedsLock, Some(build)) = (made, build) {
        return report.add(without_lock(report, var, value, &build));
    }
    let message = match (made, version) {
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
    let finding = fatal(report, var, message)
        .note(format!(
            "the version is known from {}",
            unit.python.because(&unit.place)
        ))
        .help("drop the variable");
    report.add(finding.remedy("drop `PYTHONMALLOC`", Applicability::Safe, dropped()));
}

fn fatal(report: &Report<'_>, var: &EnvVar, message: String) -> Finding {
    report
        .finding(&var.now.value_place(), message)
        .caption("Python does not start")
        .note("`Fatal Python error: preconfig_init_allocator: PYTHONMALLOC: unknown allocator`, exit code 1")
}

fn dropped() -> Vec<Change> {
    vec![Change::UnsetEnv {
        name: "PYTHONMALLOC".into(),
    }]
}

/// A Python that was built without its lock, and whose objects are mimalloc's.
fn without_lock(report: &Report<'_>, var: &EnvVar, value: &str, build: &PythonBuild) -> Finding {
    let said = &build.said;
    let message = format!(
        "a Python without the interpreter's lock does not know `{value}`: it ends at start"
    );
    fatal(report, var, message)
        .label(&build.place, format!("`{said}` has no lock"))
        .note("its objects come from mimalloc, which is its default and cannot be exchanged")
        .help("drop the variable")
        // Another Python of the image may be the one that runs.
        .likely(format!("`{said}` is taken for the Python that runs"))
        .remedy(
            "drop `PYTHONMALLOC`",
            Applicability::Unsafe("another Python of the image may be the one that runs".into()),
            dropped(),
        )
}
