//! glibc's malloc variables where glibc's malloc is not in force, or does not know them.

use super::Report;
use crate::facts::{self, Libc};
use crate::finding::Applicability;
use crate::model::{Change, Outcome, Unit, Via, newer};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    too_old(unit, report);
    needs_a_library(unit, report);
    beside_another(unit, report);
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

/// The glibc of an image, where its release is known.
fn glibc(unit: &Unit) -> Option<&str> {
    let here = unit.platform.libc.value() == Some(&Libc::Glibc);
    let release = unit.platform.release.value().filter(|_| here)?;
    release.libc_version.as_deref()
}

/// Tunables that a later glibc brought.
fn too_old(unit: &Unit, report: &mut Report<'_>) {
    let (Some(version), Some(var)) = (glibc(unit), unit.env.get("GLIBC_TUNABLES")) else {
        return;
    };
    let mut at = 0;
    for pair in var.now.value.known().unwrap_or_default().split(':') {
        let name = pair.split('=').next().unwrap_or_default();
        if let Some(since) = facts::came_with(name).filter(|since| newer(since, version)) {
            let place = var.now.part(at..at + name.len());
            let message = format!("`{name}` came with glibc {since}, and this image has {version}");
            let finding = report.finding(&place, message).caption("without effect");
            report.add(
                finding
                    .note(format!(
                        "the release is known ({})",
                        unit.platform.release.because(&unit.place)
                    ))
                    .help("drop it, or take a newer base image"),
            );
        }
        at += pair.len() + 1;
    }
}

/// Variables that another one makes useless.
fn beside_another(unit: &Unit, report: &mut Report<'_>) {
    if unit.platform.libc.value() == Some(&Libc::Musl) || unit.replacement().is_some() {
        return;
    }
    for var in unit.env.iter() {
        let with = facts::tunable(&var.name).and_then(|tunable| tunable.useless_with.as_deref());
        let Some((name, value)) = with.and_then(|with| with.split_once('=')) else {
            continue;
        };
        let Some(other) = unit
            .env
            .get(name)
            .filter(|other| other.now.value.known() == Some(value))
        else {
            continue;
        };
        let message = format!("`{}` does nothing beside `{name}={value}`", var.name);
        report.add(
            report
                .finding(&var.now.place, message)
                .caption("without effect")
                .label(&other.now.place, "no block is mapped by itself")
                .help(format!(
                    "drop one of the two: without `{name}` large blocks go back when they are freed"
                )),
        );
    }
}

/// Variables that work with a library of glibc's own alone.
fn needs_a_library(unit: &Unit, report: &mut Report<'_>) {
    let Some(version) = glibc(unit) else { return };
    for var in unit.env.iter() {
        let needs = facts::tunable(&var.name).and_then(|tunable| tunable.needs.as_deref());
        let Some((since, library)) = needs.and_then(|needs| needs.split_once(' ')) else {
            continue;
        };
        let loaded = || {
            unit.preloads
                .iter()
                .any(|preload| preload.name.contains(library))
        };
        let off = matches!(var.now.value.known(), None | Some("" | "0"));
        if off || newer(since, version) || loaded() || unit.replacement().is_some() {
            continue;
        }
        let message = format!(
            "`{}` does nothing since glibc {since} without `{library}`, and this image has {version}",
            var.name
        );
        let finding = report.finding(&var.now.place, message);
        report.add(finding.caption("without effect").help(format!(
            "drop it; or preload `{library}`, to find errors, not in production"
        )));
    }
}
