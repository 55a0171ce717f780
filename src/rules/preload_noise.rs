//! A bare name in `LD_PRELOAD` beside programs that run with more rights than who starts them.

use super::Report;
use super::remedies::{faults, rename_entry};
use crate::finding::Applicability;
use crate::model::{Unit, Via};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let Some(program) = unit.privileged().filter(|_| unit.strips.is_empty()) else {
        return;
    };
    for preload in faults(unit) {
        let bare = preload.family.is_some() && !preload.name.contains('/');
        if !bare || !preload.outcome.works() || preload.via != Via::Environment {
            continue;
        }
        let finding = report
            .finding(
                &preload.place,
                format!("the loader complains about `{}` at each start of `{}`", preload.name, program.name),
            )
            .caption("a bare name is looked up, and refused, for programs that gain rights")
            .label(&program.place, "it is started here")
            .note(format!(
                "it prints `ERROR: ld.so: object '{}' from LD_PRELOAD cannot be preloaded ... ignored` each time and goes on",
                preload.name
            ));
        report.add(
            match preload
                .outcome
                .library()
                .and_then(|library| unit.silent_path(library))
            {
                Some(path) => rename_entry(
                    finding.help(format!(
                        "name the path, which is passed over without a word: `{path}`"
                    )),
                    unit,
                    preload,
                    &path,
                    Applicability::Safe,
                ),
                None => {
                    finding.help("name the library's path, which is passed over without a word")
                }
            },
        );
    }
}
