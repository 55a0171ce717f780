//! `setcap`, `sudo` or `env -i` takes the preload away from the process.

use super::Report;
use crate::model::{Unit, User, Via};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let preload = unit
        .preloads
        .iter()
        .find(|preload| preload.via == Via::Environment && preload.outcome.works());
    let Some(preload) = preload else { return };
    let non_root = unit.user.value().is_some_and(|user: &User| !user.is_root());
    for strip in unit
        .strips
        .iter()
        .filter(|strip| !strip.only_non_root || non_root)
    {
        let note = match strip.by.as_str() {
            _ if strip.launcher.is_some() => strip.launcher.map_or("", |launcher| &launcher.why),
            "setcap" => {
                "the loader drops `LD_PRELOAD`, and jemalloc `MALLOC_CONF`, in programs with file capabilities that are not run by root"
            }
            "sudo" => {
                "sudo starts the program with an environment of its own, and the loader strips `LD_*` from sudo itself"
            }
            _ => "the program starts with an empty environment",
        };
        report.add(
            report
                .finding(&strip.place, format!("`{}` takes `LD_PRELOAD` away from the process", strip.by))
                .caption("the environment is lost here")
                .label(&preload.place, "set here in vain")
                .note(note)
                .help(match strip.by.as_str() {
                    _ if strip.launcher.is_some() => strip.launcher.map_or("", |launcher| &launcher.help),
                    "setcap" => "listen on a port over 1023 instead, or name the library in `/etc/ld.so.preload`",
                    _ => "use `gosu`, `setpriv` or `USER`, which keep the environment, or set the variable behind it",
                }),
        );
    }
}
