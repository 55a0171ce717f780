//! Packages are installed by a user who may not.

use super::Report;
use crate::facts::Manager;
use crate::finding::Applicability;
use crate::model::{Change, Unit, User};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    for install in unit
        .installs
        .iter()
        .filter(|install| install.manager != Manager::Conda)
    {
        let Some(user) = install.user.known().filter(|user: &&User| !user.is_root()) else {
            continue;
        };
        let text = install.place.file.text(install.place.span);
        if text.contains("sudo")
            || text.contains("fakeroot")
            || !install.place.same_file(&unit.place)
        {
            continue;
        }
        report.add(
            report
                .finding(&install.place, format!("`{}` runs as `{}`, who may not install packages: the build ends here", install.manager.command(), user.0))
                .caption("needs root")
                .note(format!("the user is `{}` ({})", user.0, install.user.because(&unit.place)))
                .help("put `USER root` before it and the user's own `USER` line after it, or move it above")
                .remedy(
                    "install as root",
                    Applicability::Safe,
                    vec![Change::InstallAsRoot { install: install.place.span }],
                ),
        );
    }
}
