//! glibc's malloc variables where glibc's malloc is not in force.

use super::Report;
use crate::facts::{self, Libc};
use crate::finding::Applicability;
use crate::model::{Change, Outcome, Unit, Via};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let musl = unit.platform.libc.known() == Some(&Libc::Musl);
    // A start script may preload today and not tomorrow; the variable is for the other case.
    let loaded = unit.preloads.iter().find(|preload| {
        preload.via != Via::Script
            && matches!(preload.outcome, Outcome::Works(_))
            && preload.family.is_some()
    });
    for var in unit.env.iter() {
        let is_glibc = facts::tunable(&var.name).is_some()
            || var.name == "GLIBC_TUNABLES"
                && var.now.value.text.as_str().contains("glibc.malloc.");
        if !is_glibc || var.now.value.text.is_empty() {
            continue;
        }
        let finding = match (
            musl,
            loaded.and_then(|preload| preload.family.map(|family| (family, preload))),
        ) {
            (true, _) => report
                .finding(
                    &var.now.place,
                    format!("`{}` is read by glibc, and this image has musl", var.name),
                )
                .note(format!(
                    "its C library is musl ({})",
                    unit.platform.libc.because(&unit.place)
                )),
            (false, Some((family, preload))) => report
                .finding(
                    &var.now.place,
                    format!(
                        "`{}` is read by glibc's malloc, and {family} has taken its place",
                        var.name
                    ),
                )
                .label(&preload.place, format!("{family} is preloaded")),
            (false, None) => continue,
        };
        report.add(finding.caption("without effect").help("drop it").remedy(
            format!("drop `{}`", var.name),
            Applicability::Safe,
            vec![Change::UnsetEnv {
                name: var.name.clone(),
            }],
        ));
    }
}
