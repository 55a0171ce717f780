//! `--evidence`: which service a report of `inspect` is about.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::wanted::Wanted;
use super::witnesses::Witnesses;
use crate::check;
use crate::cli::Evidence;
use crate::model::{Concern, Seen, Source, Unit, concern};
use crate::observed::Report;
use crate::project::{self, Project};

/// Reads the reports, and finds whose they are among the services of these files.
///
/// # Errors
/// Which report is of no service here, or of several.
pub(super) fn with(
    wanted: Wanted,
    evidence: &[Evidence],
    paths: &[PathBuf],
) -> Result<Wanted, String> {
    let mut found = Witnesses::default();
    for one in evidence {
        let name = one.report.display().to_string();
        let seen = project::read(&one.report)
            .map_err(|failure| failure.reason)
            .and_then(|file| read(one, &file.bytes, (&wanted, paths), &mut found));
        seen.map_err(|why| format!("--evidence {name}: {why}"))?;
    }
    Ok(wanted.with(found))
}

/// What a report that was just made says of the service of a file.
///
/// # Errors
/// Where that has none, or several.
pub(super) fn of_file(wanted: Wanted, file: &Path, report: &[u8]) -> Result<Wanted, String> {
    let one = Evidence {
        path: Some(file.to_owned()),
        report: "this look".into(),
    };
    let mut found = Witnesses::default();
    read(&one, report, (&wanted, &[]), &mut found)?;
    Ok(wanted.with(found))
}

/// What a report says of the service that it saw, whichever that is.
///
/// # Errors
/// Where it is none.
pub(super) fn of_service(report: &Path) -> Result<String, String> {
    let name = report.display().to_string();
    let wrong = |why: String| format!("--evidence {name}: {why}");
    let file = project::read(report).map_err(|failure| wrong(failure.reason))?;
    let report = Report::read(&file.bytes).map_err(&wrong)?;
    let seen = report.all(&name, now());
    let lever = seen.lever.as_ref();
    let lever = lever.map_or_else(String::new, |lever| format!("; {lever}"));
    Ok(format!("{}{lever}", seen.told()))
}

/// Seconds since 1970.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}

fn read(
    one: &Evidence,
    report: &[u8],
    (wanted, paths): (&Wanted, &[PathBuf]),
    found: &mut Witnesses,
) -> Result<(), String> {
    let report = Report::read(report)?;
    let disk = wanted.disk();
    let units = services(one, wanted, paths, &wanted.project(&disk))?;
    let name = one.report.display().to_string();
    let found_here = whose(one, &report, &units, (&name, now()))?;
    let is_other = |unit: &Unit| report.of(&unit.process.argv, &name, 0).is_none();
    if let Some((unit, _)) = found_here.iter().find(|(unit, _)| is_other(unit)) {
        let (path, starts) = (&unit.place.file.path, unit.process.shown());
        found.note(format!(
            "{name} saw {}, and `{path}` starts `{starts}`: it is taken for that, as this file was named",
            report.commands()
        ));
    }
    for (unit, seen) in found_here {
        found.add(unit, seen);
    }
    Ok(())
}

/// The services of the files in question.
fn services(
    one: &Evidence,
    wanted: &Wanted,
    paths: &[PathBuf],
    project: &Project<'_>,
) -> Result<Vec<Unit>, String> {
    let files = match &one.path {
        Some(path) => vec![path.clone()],
        None => wanted.find(paths).files,
    };
    let mut found = Vec::new();
    for path in files {
        let file = match project::read(&path) {
            Ok(file) => file,
            Err(failure) if one.path.is_some() => {
                return Err(format!("{}: {}", failure.path, failure.reason));
            }
            // The run itself tells of it.
            Err(_) => continue,
        };
        let units = check::units(&file, project).into_iter();
        let services = units.map(|(unit, _)| unit);
        found.extend(services.filter(may_be_seen));
    }
    Ok(found)
}

/// Whether a unit is a service, or a program of which nobody knows whether it keeps running: who saw it knows.
fn may_be_seen(unit: &Unit) -> bool {
    match concern(unit) {
        Concern::Service => true,
        Concern::Undecided(..) => unit.process.kind.value().is_none(),
        Concern::Not(_) => false,
    }
}

/// The services that a report is about, each with what it says: those that start what it saw, or the only one of the file that is named.
fn whose<'a>(
    one: &Evidence,
    report: &Report,
    units: &'a [Unit],
    (name, now): (&str, u64),
) -> Result<Vec<(&'a Unit, Seen)>, String> {
    let started = units.iter().filter_map(|unit| {
        let seen = report.of(&unit.process.argv, name, now)?;
        Some((unit, seen))
    });
    let mut found: Vec<(&'a Unit, Seen)> = started.collect();
    if found.is_empty() && one.path.is_some() && distinct(units.iter()) == 1 {
        found = units
            .iter()
            .map(|unit| (unit, report.all(name, now)))
            .collect();
    }
    let said = |units: &mut dyn Iterator<Item = &Unit>| {
        let said = units.map(|unit| {
            let (file, line) = (&unit.place.file.path, unit.place.line());
            format!("{file}:{line} (`{}`)", unit.process.shown())
        });
        said.collect::<Vec<_>>().join(", ")
    };
    let to_do = "write `--evidence PATH=REPORT` with the file of the one that is meant";
    match distinct(found.iter().map(|(unit, _)| *unit)) {
        0 if units.is_empty() => Err("no service was found in these files".into()),
        0 => {
            let (commands, services) = (report.commands(), said(&mut units.iter()));
            Err(format!(
                "no service here starts what it saw ({commands}): {to_do}; there are {services}"
            ))
        }
        1 => Ok(found),
        _ => {
            let candidates = said(&mut found.iter().map(|(unit, _)| *unit));
            Err(format!(
                "several services start what it saw: {to_do}; there are {candidates}"
            ))
        }
    }
}

/// How many images there are: a container that runs what a Dockerfile here builds is no second one.
fn distinct<'a>(units: impl Iterator<Item = &'a Unit>) -> usize {
    let image = |unit: &'a Unit| {
        let path = match &unit.source {
            Source::Linked(path, _) => path,
            _ => &unit.place.file.path,
        };
        (path, &unit.process.argv)
    };
    units.map(image).collect::<BTreeSet<_>>().len()
}
