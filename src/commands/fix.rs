//! `malloclint fix`.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rayon::prelude::*;

use super::evidence;
use super::progress::Progress;
use super::skipped::skipped;
use super::wanted::Wanted;
use super::{Status, alone, failed, stdin_name, trouble, with_stdin};
use crate::cli;
use crate::config::ConfigError;
use crate::disk;
use crate::fix::{self, Fixed, Options};
use crate::project::{self, Claim, Failure};
use crate::report::{diff, fixed, harmless};
use crate::text::SourceFile;
use crate::{rules, write};

pub(super) fn run(
    arguments: &cli::Fix,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<Status> {
    let start = Instant::now();
    if let Some(unknown) = arguments.only.iter().find(|id| rules::find(id).is_none()) {
        writeln!(
            err,
            "malloclint: no rule is called `{unknown}` (`malloclint rules` lists all)"
        )?;
        return Ok(Status::Trouble);
    }
    let named = with_stdin(&arguments.paths, &arguments.stdin_filename);
    let wanted = Wanted::of(&arguments.selection, &named)
        .and_then(|wanted| evidence::with(wanted, &arguments.evidence, &arguments.paths));
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(why) => return trouble(&why, err),
    };
    if arguments.prefork_hook && !arguments.quiet {
        writeln!(
            err,
            "malloclint: `--prefork-hook` is called `--thread-hook` now"
        )?;
    }
    for note in wanted.notes().iter().filter(|_| !arguments.quiet) {
        writeln!(err, "malloclint: {}", harmless(note))?;
    }
    if arguments.paths.iter().any(|path| path == Path::new("-")) {
        return match options(arguments, &wanted, Path::new(&arguments.stdin_filename)) {
            Ok(options) => stdin(arguments, &options, &wanted, out, err),
            Err(error) => {
                writeln!(err, "malloclint: {error}")?;
                Ok(Status::Trouble)
            }
        };
    }
    files(arguments, &wanted, start, out, err)
}

/// What would be fixed in one file, with a report of `inspect` about the processes that it starts.
pub(super) fn patch(
    file: &Path,
    report: &[u8],
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<Status> {
    let Some(arguments) = cli::Fix::diff_of(file) else {
        return trouble(&format!("{}: it is no name of a file", file.display()), err);
    };
    let wanted = Wanted::of(&arguments.selection, &arguments.paths)
        .and_then(|wanted| evidence::of_file(wanted, file, report));
    match wanted {
        Ok(wanted) => {
            for note in wanted.notes() {
                writeln!(err, "malloclint: {}", harmless(note))?;
            }
            files(&arguments, &wanted, Instant::now(), out, err)
        }
        Err(why) => trouble(&why, err),
    }
}

fn files(
    arguments: &cli::Fix,
    wanted: &Wanted,
    start: Instant,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<Status> {
    let found = wanted.find(&arguments.paths);
    let disk = wanted.disk();
    let project = wanted.project(&disk);
    let progress = Progress::new(start, found.files.len(), arguments.no_progress);
    let one = |path: &PathBuf| {
        let _alone = alone(path);
        let outcome = project::read(path).and_then(|file| {
            let options = options(arguments, wanted, path).map_err(unusable)?;
            Ok(fix::fix(&file, &project, &options))
        });
        progress.step();
        (path.clone(), outcome)
    };
    let outcomes: Vec<_> = found.files.par_iter().map(one).collect();
    drop(progress);
    let mut failures = found.failures;
    let mut all = Vec::new();
    let mut through = Vec::new();
    for (path, outcome) in outcomes {
        match outcome {
            Ok(fixed) => {
                let fixed = finish(&path, fixed, arguments, &mut failures);
                let written = fixed.as_ref().is_some_and(Fixed::changes) && !is_dry(arguments);
                through.extend(led_to(&path).filter(|_| written));
                all.extend(fixed);
            }
            // Many files may have the same broken configuration.
            Err(failure) if failures.iter().any(|known| known.path == failure.path) => {}
            Err(failure) => failures.push(failure),
        }
    }
    failures.extend(wanted.unread_bases());
    tell(&all, &failures, arguments, out, err)?;
    for (path, lies) in through.iter().filter(|_| !arguments.quiet) {
        let (path, lies) = (harmless(path), harmless(lies));
        writeln!(
            err,
            "malloclint: {path}: a link leads to {lies}: that was written"
        )?;
    }
    Ok(status(&all, &failures, arguments, wanted))
}

fn options(arguments: &cli::Fix, wanted: &Wanted, path: &Path) -> Result<Options, ConfigError> {
    let mut style = wanted.config(path)?.style();
    // What is asked for now counts more than what is written down.
    if let Some(preload) = arguments.preload {
        style.preload = preload;
    }
    if let Some(goal) = arguments.goal {
        style.goal = goal;
    }
    style.thread_hook |= arguments.thread_hook || arguments.prefork_hook;
    Ok(Options {
        unsafe_too: arguments.unsafe_too,
        advice: arguments.advice,
        only: arguments.only.clone(),
        style,
        inject: arguments.inject.clone(),
    })
}

/// Whether nothing is written.
const fn is_dry(arguments: &cli::Fix) -> bool {
    arguments.diff || arguments.check
}

/// A file and where it lies, where a link leads there.
fn led_to(path: &Path) -> Option<(String, String)> {
    let mut places = disk::places(&path.to_string_lossy()).into_iter();
    let lies = places.nth(1)?;
    Some((disk::shown(path), disk::shown(Path::new(&lies))))
}

fn unusable(error: ConfigError) -> Failure {
    Failure {
        path: error.path,
        reason: error.reason,
    }
}

/// Writes a file that changed, where it is to be written; one that cannot be is a failure.
fn finish(
    path: &Path,
    fixed: Fixed,
    arguments: &cli::Fix,
    failures: &mut Vec<Failure>,
) -> Option<Fixed> {
    if let Some(reason) = fixed.unread {
        let path = fixed.before.path.clone();
        failures.push(Failure { path, reason });
        return None;
    }
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if project::claim(name) == Some(Claim::Template) {
        // What is named as a template is never patched, even where it reads as a Dockerfile.
        return Some(fixed.as_template());
    }
    if fixed.changes() && !is_dry(arguments) {
        let written = write::replace(path, &fixed.before.bytes, &fixed.after.bytes);
        if let Err(error) = written {
            failures.push(Failure {
                path: fixed.before.path.clone(),
                reason: error.to_string(),
            });
            return None;
        }
    }
    Some(fixed)
}

/// Fixes standard input: the text goes to standard output, whatever became of it.
fn stdin(
    arguments: &cli::Fix,
    options: &Options,
    wanted: &Wanted,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<Status> {
    let bytes = match project::read_stream(io::stdin().lock()) {
        Ok(bytes) => bytes,
        Err(failure) => {
            failed(&failure, err)?;
            return Ok(Status::Trouble);
        }
    };
    let name = stdin_name(&arguments.stdin_filename, &bytes);
    let file = SourceFile::new(name, bytes);
    let disk = wanted.disk();
    let fixed = fix::fix(&file, &wanted.project(&disk), options);
    if arguments.diff {
        diff::write(&fixed.before, &fixed.after, out)?;
    } else {
        out.write_all(&fixed.after.bytes)?;
    }
    if !arguments.quiet {
        fixed::write(&fixed, err)?;
    }
    let (all, failures) = ([fixed], wanted.unread_bases());
    for failure in &failures {
        failed(failure, err)?;
    }
    Ok(status(&all, &failures, arguments, wanted))
}

fn tell(
    all: &[Fixed],
    failures: &[Failure],
    arguments: &cli::Fix,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<()> {
    if arguments.diff {
        for fixed in all {
            diff::write(&fixed.before, &fixed.after, out)?;
        }
    }
    for failure in failures {
        failed(failure, err)?;
    }
    if arguments.quiet {
        return Ok(());
    }
    let passed_over = |fixed: &Fixed| Some((fixed.before.path.clone(), fixed.skipped.clone()?));
    for line in skipped(
        &all.iter().filter_map(passed_over).collect::<Vec<_>>(),
        "not read",
    ) {
        writeln!(err, "malloclint: {}", harmless(&line))?;
    }
    // The diff is for programs: what is said about it goes elsewhere.
    let to: &mut dyn io::Write = if arguments.diff { err } else { out };
    for fixed in all {
        fixed::write(fixed, to)?;
    }
    if all.is_empty() && failures.is_empty() {
        return writeln!(
            to,
            "malloclint: found no Dockerfile, manifest or Compose file here (files that are named are always read)"
        );
    }
    fixed::sum(all, is_dry(arguments), to)
}

fn status(all: &[Fixed], failures: &[Failure], arguments: &cli::Fix, wanted: &Wanted) -> Status {
    let fails = |left: &fix::Left| wanted.fails(arguments.fail_on, &left.finding);
    let left = all.iter().flat_map(|fixed| &fixed.left).any(fails);
    let changes = is_dry(arguments) && all.iter().any(Fixed::changes);
    if !failures.is_empty() {
        Status::Trouble
    } else if left || changes {
        Status::Findings
    } else {
        Status::Clean
    }
}
