//! Shell syntax or variables in `LD_PRELOAD` that nothing expands.

use super::Report;
use super::remedies::{faults, soname_of};
use crate::finding::{Applicability, Finding};
use crate::model::{Outcome, Preload, Source, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    for preload in faults(unit) {
        let Outcome::NotExpanded(what) = &preload.outcome else {
            continue;
        };
        let soname = soname_of(preload);
        if preload.name.is_empty() {
            report.add(vanished(unit, report, preload, what));
            continue;
        }
        let message = match what.as_str() {
            "${TARGETARCH}" => "`${TARGETARCH}` is `amd64` or `arm64`, never the `x86_64` or `aarch64` of this folder".to_owned(),
            "$LIB" | "$ORIGIN" | "$PLATFORM" if preload.name.contains(what) => {
                format!("`{what}` is for glibc's loader: musl's expands nothing")
            }
            "$LIB" | "$ORIGIN" | "$PLATFORM" => {
                format!("`{what}` is for the loader, but the builder takes it for a variable of its own and puts nothing there")
            }
            name if name.starts_with("$(") && unit.source != Source::Own => {
                if unit.unseen_settings.is_some() || unit.doubt.is_some() {
                    // It may come from there.
                    continue;
                }
                of_variable(unit, preload, name)
            }
            name if name.starts_with('$') && !name.starts_with("$(") => of_variable(unit, preload, name),
            syntax => format!("`{syntax}` is shell syntax: no shell reads this value, so it stays as it is"),
        };
        let finding = report
            .finding(&preload.place, message)
            .caption("not expanded as meant")
            .note(format!("the process gets `LD_PRELOAD={}`", preload.name))
            .note(super::remedies::loader_says(unit))
            .help(if preload.family.is_some() {
                format!("use `{soname}` without a path: the loader finds it on every architecture")
            } else {
                "put the value itself there, or leave the entry out".to_owned()
            });
        report.add(super::remedies::rename_entry(
            finding,
            unit,
            preload,
            &soname,
            Applicability::Safe,
        ));
    }
}

/// A reference that stands in the entry as it is, or one that vanished from it.
fn of_variable(unit: &Unit, preload: &Preload, name: &str) -> String {
    let stays = preload.name.contains('$');
    match unit.source {
        Source::Own if stays => format!(
            "`{name}` stands in single quotes or behind an escape: the builder puts nothing in its place, and the loader looks for a file of that name"
        ),
        Source::Own => {
            format!("`{name}` is set nowhere in this stage: nothing stands in its place")
        }
        Source::Linked(..) | Source::Foreign if stays => format!(
            "nothing puts a value in the place of `{name}`: the loader looks for a file of that name"
        ),
        Source::Linked(..) | Source::Foreign => {
            format!("`{name}` is set nowhere for this container: nothing stands in its place")
        }
    }
}

/// The whole list came from a variable that this stage does not have.
fn vanished(unit: &Unit, report: &Report<'_>, preload: &Preload, what: &str) -> Finding {
    let name = what.trim_start_matches('$');
    report
        .finding(
            &preload.place,
            format!(
                "`{what}` is set nowhere {}: nothing is preloaded",
                unit.source.here()
            ),
        )
        .caption("nothing stands here")
        .note("an `ARG` before the first `FROM`, or of another stage, does not reach this one")
        .help(format!("declare it {}: `ARG {name}`", unit.source.here()))
}
