//! `LD_PRELOAD` is set where only a shell of the build, an interactive one or a part of the start script sees it.

use super::Report;
use super::remedies::{bring_all, in_force};
use crate::facts::Family;
use crate::finding::{Applicability, Severity};
use crate::model::{Change, ProcessKind, Reach, Stray, Unit};

/// Why what was made under a condition is not set with `ENV`, which knows none.
const UNCONDITIONAL: &str = "it is set under a condition here, and would always be";

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    settings(unit, report);
    let in_force = unit.preloads.iter().any(|preload| preload.family.is_some())
        || unit.env.get("LD_PRELOAD").is_some();
    if in_force {
        return;
    }
    for stray in unit
        .strays
        .iter()
        .filter(|stray| stray.variable.as_deref() == Some("LD_PRELOAD"))
    {
        let (message, note) = match &stray.reach {
            Reach::Stage(_) | Reach::Command => continue,
            // What else the script does about allocators was not understood.
            Reach::Subshell | Reach::Uncalled(_) if unit.unseen_settings.is_some() => continue,
            Reach::Run => (
                "exported in a `RUN`: gone when that `RUN` ends".to_owned(),
                "every `RUN` is a shell of its own; the image keeps files, not variables".to_owned(),
            ),
            Reach::Shells(file) => (
                format!("written to `{file}`: only shells that read it see it, not the service"),
                "what is no interactive shell starts without those files: the command of a container, `docker run IMAGE ...`, `docker exec`".to_owned(),
            ),
            Reach::Unexported => (
                "assigned in the start script and not exported: the service does not get it".to_owned(),
                "a shell hands on the variables that are exported, and keeps the others".to_owned(),
            ),
            Reach::Subshell => (
                "set in a subshell of the start script: gone when that ends".to_owned(),
                "`( )`, `sh -c` and each part of a pipe are processes of their own: what they export reaches nothing behind them".to_owned(),
            ),
            Reach::Uncalled(function) => (
                format!("set in the function `{function}` of the start script, which nothing calls"),
                "a function does what it says when it is called, and not before".to_owned(),
            ),
        };
        let severity = match stray.reach {
            Reach::Unexported if unit.unknown_base.is_some() => Severity::Warning,
            Reach::Run | Reach::Subshell | Reach::Unexported => Severity::Error,
            _ => Severity::Warning,
        };
        let finding = report
            .finding(&stray.place, message)
            .at_severity(severity)
            .caption("never reaches the service")
            .note(note)
            .help(match &stray.reach {
                Reach::Subshell => "export it outside of the subshell, or use `ENV LD_PRELOAD=...`",
                Reach::Unexported => "write `export` before it, or use `ENV LD_PRELOAD=...`",
                Reach::Uncalled(_) => {
                    "call it before the service starts, or use `ENV LD_PRELOAD=...`"
                }
                _ => "use `ENV LD_PRELOAD=...`",
            });
        let Some(family) = stray.family else {
            report.add(finding);
            continue;
        };
        let applicability = match &stray.reach {
            Reach::Uncalled(_) => {
                Applicability::Unsafe("the function may be there to be called by hand".into())
            }
            _ => applicability(unit, stray),
        };
        let (_, changes) = bring_all(unit, family);
        report.add(finding.remedy("set it with `ENV`", applicability, changes));
    }
}

/// Other variables of allocators that a `RUN` exports, where nothing else sets them and somebody would read them.
fn settings(unit: &Unit, report: &mut Report<'_>) {
    for stray in unit.strays.iter().filter(|stray| stray.reach == Reach::Run) {
        let Some(name) = stray
            .variable
            .as_deref()
            .filter(|name| *name != "LD_PRELOAD")
        else {
            continue;
        };
        let jemalloc = unit
            .libraries
            .iter()
            .any(|library| library.family == Family::Jemalloc);
        let read = name != "MALLOC_CONF" || jemalloc || unit.mentions_allocator();
        if unit.env.get(name).is_some() || !read || unit.role.is_build() {
            continue;
        }
        let value = stray.value.trim_matches(['"', '\'']);
        let finding = report
            .finding(
                &stray.place,
                format!("`{name}` is exported in a `RUN`: gone when that `RUN` ends"),
            )
            .caption("never reaches the service")
            .note("every `RUN` is a shell of its own; the image keeps files, not variables")
            .help(format!("use `ENV {name}=...`"));
        let plain = |c: char| c.is_ascii_alphanumeric() || "_:,.-=".contains(c);
        report.add(if value.chars().all(plain) {
            let change = Change::SetEnv {
                name: name.to_owned(),
                value: value.to_owned(),
            };
            let safe = if name == "PYTHONMALLOC" {
                Applicability::Unsafe("it would take effect for the first time".into())
            } else if stray.conditional {
                Applicability::Unsafe(UNCONDITIONAL.into())
            } else {
                Applicability::Safe
            };
            finding.remedy(format!("set `{name}` with `ENV`"), safe, vec![change])
        } else {
            finding
        });
    }
}

fn applicability(unit: &Unit, stray: &Stray) -> Applicability {
    if stray.conditional {
        return Applicability::Unsafe(UNCONDITIONAL.into());
    }
    let serves =
        unit.process.kind.value() == Some(&ProcessKind::Service) && unit.python.value().is_some();
    if serves {
        return in_force(unit).map_or(Applicability::Safe, Applicability::Unsafe);
    }
    Applicability::Unsafe("nothing says that a Python service runs here".into())
}
