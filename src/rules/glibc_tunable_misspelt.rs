//! Names that are nearly those of glibc's malloc variables.

use super::Report;
use super::remedies::another_is_meant;
use crate::facts;
use crate::finding::Applicability;
use crate::model::{Change, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    in_tunables(unit, report);
    for var in unit.env.iter() {
        if facts::tunable(&var.name).is_some() || facts::allocator_variable(&var.name).is_some() {
            continue;
        }
        let Some(meant) = facts::near_miss(&var.name) else {
            continue;
        };
        let finding = report
            .finding(&var.now.name_place, format!("nothing reads `{}`", var.name))
            .caption("misspelt");
        if another_is_meant(unit) {
            // Under its right name nobody would read it either.
            let drop = vec![Change::UnsetEnv {
                name: var.name.clone(),
            }];
            let help =
                "drop it: the image brings another allocator, and with that nothing reads it";
            report.add(finding.help(help).remedy(
                format!("drop `{}`", var.name),
                Applicability::Safe,
                drop,
            ));
            continue;
        }
        report.add(match &meant.alias {
            Some(name) => finding
                .note("glibc ignores names that it does not know without a word")
                .help(format!("the name is `{name}`"))
                .remedy(
                    format!("call it `{name}`"),
                    Applicability::Unsafe("the setting takes effect for the first time".into()),
                    vec![Change::RenameEnv {
                        from: var.name.clone(),
                        to: name.clone(),
                    }],
                ),
            None => finding.help(format!(
                "glibc has no variable for it: use `GLIBC_TUNABLES={}=...`",
                meant.name
            )),
        });
    }
}

/// Names within `GLIBC_TUNABLES`.
fn in_tunables(unit: &Unit, report: &mut Report<'_>) {
    let Some(var) = unit.env.get("GLIBC_TUNABLES") else {
        return;
    };
    let mut at = 0;
    for pair in var.now.value.known().unwrap_or_default().split(':') {
        let name = pair.split('=').next().unwrap_or_default();
        if let Some(meant) = facts::near_miss(name).filter(|_| name.starts_with("glibc.malloc.")) {
            report.add(
                report
                    .finding(
                        &var.now.part(at..at + name.len()),
                        format!("glibc has no tunable `{name}`"),
                    )
                    .caption("misspelt")
                    .note("glibc ignores names that it does not know without a word")
                    .help(format!("the name is `{}`", meant.name)),
            );
        }
        at += pair.len() + 1;
    }
}
