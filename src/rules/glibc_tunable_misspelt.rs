//! Names that are nearly those of glibc's malloc variables.

use super::Report;
use crate::facts;
use crate::finding::Applicability;
use crate::model::{Change, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    for var in unit.env.iter() {
        if facts::tunable(&var.name).is_some() || facts::allocator_variable(&var.name).is_some() {
            continue;
        }
        let Some(meant) = facts::near_miss(&var.name) else { continue };
        let finding = report.finding(&var.now.name_place, format!("nothing reads `{}`", var.name)).caption("misspelt");
        report.add(match &meant.alias {
            Some(name) => finding
                .note("glibc ignores names that it does not know without a word")
                .help(format!("the name is `{name}`"))
                .remedy(
                    format!("call it `{name}`"),
                    Applicability::Unsafe("the setting takes effect for the first time".into()),
                    vec![Change::RenameEnv { from: var.name.clone(), to: name.clone() }],
                ),
            None => finding.help(format!("glibc has no variable for it: use `GLIBC_TUNABLES={}=...`", meant.name)),
        });
    }
}
