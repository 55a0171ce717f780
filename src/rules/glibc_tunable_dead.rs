//! glibc's malloc variables where glibc's malloc is not in force.

use super::Report;
use crate::facts::{self, Libc};
use crate::finding::Applicability;
use crate::model::{Change, Outcome, Unit, Via};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let musl = unit.platform.libc.known() == Some(&Libc::Musl);
    // A start script may preload today and not tomorrow; the variable is for the other case.
    let loaded = unit.preloads.iter().find(|preload| {
        preload.via != Via::Script && preload.outcome.works() && preload.family.is_some()
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
        let drop = vec![Change::UnsetEnv {
            name: var.name.clone(),
        }];
        let title = format!("drop `{}`", var.name);
        let outcome = loaded.filter(|_| !musl).map(|preload| &preload.outcome);
        report.add(match outcome {
            // Where the image is built for another architecture, it is glibc's after all.
            Some(Outcome::WorksOn(arch, _)) => finding
                .caption("without effect there")
                .likely(format!("the preload works on {} alone", arch.docker()))
                .help("drop it, once the preload is right on every architecture")
                .remedy(
                    title,
                    Applicability::Unsafe(format!(
                        "on other architectures than {} it is what counts",
                        arch.docker()
                    )),
                    drop,
                ),
            _ => finding.caption("without effect").help("drop it").remedy(
                title,
                Applicability::Safe,
                drop,
            ),
        });
    }
}
