//! `malloclint units`: what the rules see of a file, to understand a finding or a silence.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use super::wanted::Wanted;
use super::{Status, failed, trouble};
use crate::check;
use crate::cli::Selection;
use crate::model::{Fact, Role, Unit};
use crate::project;
use crate::report::harmless;
use crate::secrets::{masked, masked_line};
use crate::verdict::Judged;

pub(super) fn run(
    paths: &[PathBuf],
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<Status> {
    let wanted = match Wanted::of(&Selection::default(), paths) {
        Ok(wanted) => wanted,
        Err(why) => return trouble(&why, err),
    };
    let found = wanted.find(paths);
    let disk = wanted.disk();
    let project = wanted.project(&disk);
    let mut status = Status::Clean;
    for failure in &found.failures {
        failed(failure, err)?;
        status = Status::Trouble;
    }
    for path in &found.files {
        match project::read(path) {
            Ok(file) => {
                // Several kustomizations may make the same of a container.
                let mut shown = BTreeSet::new();
                for (unit, judged) in check::units(&file, &project) {
                    let mut text = Vec::new();
                    show(&unit, &judged, &mut text)?;
                    if shown.insert(text.clone()) {
                        out.write_all(&text)?;
                    }
                }
            }
            Err(failure) => {
                failed(&failure, err)?;
                status = Status::Trouble;
            }
        }
    }
    for failure in &wanted.unread_bases() {
        failed(failure, err)?;
        status = Status::Trouble;
    }
    Ok(status)
}

fn show(unit: &Unit, judged: &Judged, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(
        out,
        "{}:{}: {}",
        harmless(&unit.place.file.path),
        unit.place.line(),
        harmless(&unit.name)
    )?;
    let mut row =
        |name: &str, value: String| writeln!(out, "  {name:10} {}", harmless(&masked(&value)));
    row(
        "verdict",
        format!("{}: {}", judged.verdict.word(), judged.reason),
    )?;
    row(
        "role",
        match &unit.role {
            Role::Runtime => "runs in production".into(),
            Role::Shown(why) => format!("shows something ({why})"),
            Role::Build(why) => format!("builds or tests ({why})"),
        },
    )?;
    row(
        "python",
        fact(unit, &unit.python, |python| {
            python
                .version
                .map_or_else(|| "yes".into(), |(major, minor)| format!("{major}.{minor}"))
        }),
    )?;
    row(
        "distro",
        fact(unit, &unit.platform.release, |release| {
            format!("{} {}", release.distro, release.release)
        }),
    )?;
    row("libc", fact(unit, &unit.platform.libc, ToString::to_string))?;
    row(
        "platform",
        fact(unit, &unit.platform.archs, |archs| {
            archs
                .iter()
                .map(|arch| arch.docker())
                .collect::<Vec<_>>()
                .join(", ")
        }),
    )?;
    row("user", fact(unit, &unit.user, |user| user.0.clone()))?;
    row(
        "starts",
        if unit.process.argv.is_empty() {
            "unknown".into()
        } else {
            unit.process.shown()
        },
    )?;
    row(
        "which is",
        fact(unit, &unit.process.kind, |kind| {
            format!("{kind:?}").to_lowercase()
        }),
    )?;
    row(
        "workers",
        fact(unit, &unit.process.model, |model| {
            format!("{model:?}").to_lowercase()
        }),
    )?;
    if let Some((cores, _)) = &unit.limits.cpu {
        row("cpu limit", format!("{cores}m"))?;
    }
    if let Some((bytes, _)) = &unit.limits.memory {
        row("memory", format!("at most {} MiB", bytes >> 20))?;
    }
    for library in &unit.libraries {
        row(
            "library",
            format!(
                "{} at {} (line {})",
                library.family,
                library.path.as_str(),
                library.place.line()
            ),
        )?;
    }
    for preload in &unit.preloads {
        row(
            "preload",
            format!(
                "{}: {}{}",
                preload.name,
                preload.outcome.word(),
                if preload.conditional {
                    " (where a condition holds)"
                } else {
                    ""
                }
            ),
        )?;
    }
    for stray in &unit.strays {
        row(
            "elsewhere",
            format!(
                "{} ({:?})",
                masked_line(stray.value.lines().next().unwrap_or_default()),
                stray.reach
            ),
        )?;
    }
    for opaque in &unit.opaque {
        row("unseen", format!("{}: {}", opaque.path, opaque.why))?;
    }
    if let Some(why) = &unit.unseen_settings {
        row("settings", format!("may be made out of sight: {why}"))?;
    }
    writeln!(out)
}

fn fact<T>(unit: &Unit, fact: &Fact<T>, word: impl Fn(&T) -> String) -> String {
    match fact {
        Fact::Known(value, _) => format!("{} ({})", word(value), fact.because(&unit.place)),
        Fact::Assumed(value, why) => format!("{}, assumed ({why})", word(value)),
        Fact::Unknown(why) => format!("unknown ({why})"),
    }
}
