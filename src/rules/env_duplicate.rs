//! One list sets a variable twice: the last setting counts, and patches hit either.

use super::Report;
use crate::finding::Applicability;
use crate::model::{Change, EnvFaultKind, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    for fault in &unit.env_faults {
        let EnvFaultKind::Again {
            first,
            same,
            merged_by_name,
        } = &fault.kind
        else {
            continue;
        };
        let safe = if *same {
            Applicability::Safe
        } else {
            Applicability::Unsafe(
                "the values differ, and the first one may be the one that is meant".into(),
            )
        };
        let mut finding = report
            .finding(
                &fault.place,
                format!(
                    "`{}` is set twice: this setting counts, the first one does nothing",
                    fault.name
                ),
            )
            .caption("the one that counts")
            .label(first, "the first one");
        if *merged_by_name {
            finding = finding.note("lists of variables are merged by name: `kubectl apply` and strategic patches may drop or keep either");
        }
        report.add(finding.help("take the first one away").remedy(
            "take the first one away",
            safe,
            vec![Change::SetOnce {
                name: fault.name.clone(),
            }],
        ));
    }
}
