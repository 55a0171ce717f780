//! `PYTHONMALLOC` values that are for debugging or cost speed.

use super::Report;
use crate::facts::{self, PythonMalloc};
use crate::finding::Applicability;
use crate::model::{Change, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let Some(var) = unit
        .env
        .get("PYTHONMALLOC")
        .filter(|_| !unit.role.is_build())
    else {
        return;
    };
    if unit.replacement().is_some() {
        // Everything on one allocator: some measure that and want it.
        return;
    }
    let Some(value) = var.now.value.known() else {
        return;
    };
    let version = unit.python.value().and_then(|python| python.version);
    let PythonMalloc::Slow(reason) = facts::pythonmalloc(value, version) else {
        return;
    };
    report.add(
        report
            .finding(
                &var.now.place,
                format!("`PYTHONMALLOC={value}` in production: {reason}"),
            )
            .caption("slower than the default")
            .help("drop it, unless a measurement of this service says otherwise")
            .remedy(
                "drop `PYTHONMALLOC`",
                Applicability::Unsafe("someone may have measured that it helps here".into()),
                vec![Change::UnsetEnv {
                    name: "PYTHONMALLOC".into(),
                }],
            ),
    );
}
