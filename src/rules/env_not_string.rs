//! The value of a variable that is no text: the API server refuses the object.

use super::Report;
use crate::finding::Applicability;
use crate::model::{Change, EnvFaultKind, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    for fault in &unit.env_faults {
        let EnvFaultKind::NotString(meant) = &fault.kind else {
            continue;
        };
        let finding = report
            .finding(&fault.place, format!("the value of `{}` is no text: the API server refuses it", fault.name))
            .caption("a number, a boolean or a collection")
            .note("`kubectl apply` says: cannot unmarshal ... into Go struct field EnvVar...value of type string")
            .help("put the value in quotes");
        report.add(match meant {
            Some(value) => finding.remedy(
                "put the value in quotes",
                Applicability::Safe,
                vec![Change::WriteAsText {
                    name: fault.name.clone(),
                    value: value.clone(),
                }],
            ),
            None => finding,
        });
    }
}
