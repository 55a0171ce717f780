//! `malloclint check`.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;

use super::evidence;
use super::progress::Progress;
use super::skipped::skipped;
use super::wanted::Wanted;
use super::{Status, alone, baseline, colours, failed, outputs, stdin_name, trouble, with_stdin};
use crate::check::{self, Checked};
use crate::cli::{Check, Colour};
use crate::config::Unused;
use crate::disk;
use crate::finding::{Finding, Subject};
use crate::project::{self, Claim, Failure, Found, Project, Repositories, Wishes as _};
use crate::report::{self, Run, Style, harmless};
use crate::rules;
use crate::text::{Place, SourceFile, Span};
use crate::verdict::Judged;

pub(super) fn run(
    arguments: &Check,
    colour: Colour,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<Status> {
    let start = Instant::now();
    let (stdin, paths): (Vec<PathBuf>, Vec<PathBuf>) = arguments
        .paths
        .iter()
        .cloned()
        .partition(|path| path == Path::new("-"));
    if arguments.fix || arguments.unsafe_too {
        let also = if arguments.unsafe_too {
            " --unsafe"
        } else {
            ""
        };
        let why = format!("`check` writes nothing: run `malloclint fix{also}`");
        return trouble(&why, err);
    }
    let named = with_stdin(&arguments.paths, &arguments.stdin_filename);
    let wanted = Wanted::of(&arguments.selection, &named)
        .and_then(|wanted| evidence::with(wanted, &arguments.evidence, &paths));
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(why) => return trouble(&why, err),
    };
    for note in wanted.notes().iter().filter(|_| !arguments.quiet) {
        writeln!(err, "malloclint: {}", harmless(note))?;
    }
    let found = wanted.find(&paths);
    if arguments.show_files {
        return show_files(&found, out, err);
    }
    let disk = wanted.disk();
    let project = wanted.project(&disk);
    let mut outcomes = check_files(
        &found.files,
        &project,
        &wanted,
        &Progress::new(start, found.files.len(), arguments.no_progress),
    );
    if !stdin.is_empty() {
        outcomes.push(check_stdin(&arguments.stdin_filename, &project, &wanted));
    }
    let mut run = collect(outcomes, found.failures);
    run.failures.extend(wanted.unread_bases());
    if let Some(why) = outputs::mistake(arguments) {
        writeln!(err, "malloclint: {why}")?;
        return Ok(Status::Trouble);
    }
    if let Some(path) = outputs::input_among(arguments, &found.files) {
        let path = path.display().to_string();
        writeln!(
            err,
            "malloclint: {}: it is one of the files that are checked: name another one for the report",
            harmless(&path)
        )?;
        return Ok(Status::Trouble);
    }
    // Where something could not be read, nobody knows what is silenced there.
    if run.failures.is_empty() {
        run.findings.extend(unused(&wanted, arguments, &paths));
    }
    sort(&mut run.findings);
    sort_units(&mut run.units);
    run.show = arguments.show;
    run.narrowed = narrowed(arguments);
    run.repositories = Repositories::of_here();
    if let Some(path) = &arguments.write_baseline {
        return Ok(match baseline::write(&run, path) {
            Ok(said) => {
                tell(&run, arguments, err)?;
                writeln!(err, "malloclint: {said}")?;
                if run.failures.is_empty() {
                    Status::Clean
                } else {
                    Status::Trouble
                }
            }
            Err(why) => {
                writeln!(err, "malloclint: {}: {why}", path.display())?;
                Status::Trouble
            }
        });
    }
    if let Err(why) = only_new(&mut run, arguments, &found.files, &wanted, err)? {
        writeln!(err, "malloclint: {}", harmless(&why))?;
        return Ok(Status::Trouble);
    }
    tell(&run, arguments, err)?;
    let written = outputs::write(&run, arguments, style_of_report(colour), out, err)?;
    let fails = run
        .findings
        .iter()
        .any(|finding| wanted.fails(arguments.fail_on, finding) && !arguments.exit_zero);
    Ok(match (run.failures.is_empty() && written, fails) {
        (false, _) => Status::Trouble,
        (true, true) => Status::Findings,
        (true, false) => Status::Clean,
    })
}

/// Takes away what the baseline and the revision have already, where one is named.
fn only_new(
    run: &mut Run,
    arguments: &Check,
    files: &[PathBuf],
    wanted: &Wanted,
    err: &mut dyn io::Write,
) -> io::Result<Result<(), String>> {
    if let Some(path) = &arguments.baseline {
        match baseline::apply(run, path, files) {
            Ok(Some(said)) if !arguments.quiet => writeln!(err, "malloclint: {said}")?,
            Ok(_) => {}
            Err(why) => return Ok(Err(format!("{}: {why}", path.display()))),
        }
    }
    if let Some(revision) = &arguments.changed_since {
        let check = |files: &[PathBuf], wanted: &Wanted| {
            let wanted = wanted.below(files);
            let disk = wanted.disk();
            let project = wanted.project(&disk);
            let progress = Progress::new(Instant::now(), files.len(), true);
            let outcomes = check_files(files, &project, &wanted, &progress);
            let mut run = collect(outcomes, Vec::new());
            sort(&mut run.findings);
            run
        };
        let stdin = arguments.paths.iter().any(|path| path == Path::new("-"));
        let stdin = stdin.then(|| PathBuf::from(&arguments.stdin_filename));
        let files: Vec<PathBuf> = files.iter().cloned().chain(stdin).collect();
        match baseline::since(run, revision, &files, wanted, &check) {
            Ok(said) if !arguments.quiet => {
                for line in said {
                    writeln!(err, "malloclint: {}", harmless(&line))?;
                }
            }
            Ok(_) => {}
            Err(why) => return Ok(Err(why)),
        }
    }
    Ok(Ok(()))
}

/// Whether a part of what is wrong is asked for, so that nothing about the others shows whether they are fine.
const fn narrowed(arguments: &Check) -> bool {
    let selection = &arguments.selection;
    !selection.select.is_empty()
        || !selection.ignore.is_empty()
        || selection.min_confidence.is_some()
        || arguments.baseline.is_some()
        || arguments.changed_since.is_some()
}

/// The files that would be checked, one a line.
fn show_files(
    found: &Found,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<Status> {
    for path in &found.files {
        writeln!(out, "{}", harmless(&disk::shown(path)))?;
    }
    for failure in &found.failures {
        failed(failure, err)?;
    }
    Ok(if found.failures.is_empty() {
        Status::Clean
    } else {
        Status::Trouble
    })
}

/// What the configurations ignore and nothing says, where all that they hold for was looked at, with every rule.
fn unused(wanted: &Wanted, arguments: &Check, paths: &[PathBuf]) -> Vec<Finding> {
    let selection = &arguments.selection;
    let narrowed = !selection.select.is_empty()
        || !selection.ignore.is_empty()
        || !selection.exclude.is_empty()
        || selection.no_ignores
        // What stands in a configuration is no change of the files.
        || arguments.changed_since.is_some();
    if narrowed {
        return Vec::new();
    }
    let whole = paths.iter().filter_map(|path| path.canonicalize().ok());
    let unused = wanted.configs().unused(&whole.collect::<Vec<_>>());
    let of = |unused: &Unused| {
        let file = project::read(&unused.file).ok()?;
        let place = Place::new(&file, Span::new(unused.span.start, unused.span.end));
        let (rule, message) = match &unused.ended {
            Some(day) => (
                "suppression-expired",
                format!("it held until {day}, and silences nothing any more"),
            ),
            None => (
                "suppression-unused",
                "it silences nothing in this project".to_owned(),
            ),
        };
        let finding = rules::of_tool(rule, &place, message)?;
        Some(finding.caption("silences nothing").help("drop it"))
    };
    let mut findings: Vec<Finding> = unused.iter().filter_map(of).collect();
    if let Some(first) = unused.first() {
        // Their own severities are the project's, too.
        let policy = wanted.policy(&first.file.to_string_lossy());
        policy.apply(&mut findings, &disk::places);
    }
    findings
}

type Outcome = Result<(Arc<SourceFile>, Checked), Failure>;

fn check_files(
    files: &[PathBuf],
    project: &Project<'_>,
    wanted: &Wanted,
    progress: &Progress,
) -> Vec<Outcome> {
    let one = |path: &PathBuf| {
        let _alone = alone(path);
        let outcome = project::read(path).and_then(|file| {
            let style = style(wanted, path)?;
            let checked = check::check(&file, project, style);
            Ok((file, named_template(path, checked)))
        });
        progress.step();
        outcome
    };
    // A thread pool costs more than a few files do.
    if files.len() < 8 {
        files.iter().map(one).collect()
    } else {
        files.par_iter().map(one).collect()
    }
}

/// A file named as a template is judged only where it reads as a Dockerfile as it is.
fn named_template(path: &Path, mut checked: Checked) -> Checked {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let unreadable = checked
        .findings
        .iter()
        .any(|finding| finding.subject == Subject::File);
    if project::claim(name) == Some(Claim::Template) && unreadable {
        checked.findings.clear();
        checked.skipped = Some(
            "a template that is no Dockerfile yet: render it first, then check the result".into(),
        );
    }
    checked
}

fn check_stdin(name: &str, project: &Project<'_>, wanted: &Wanted) -> Outcome {
    let bytes = project::read_stream(io::stdin().lock())?;
    let file = SourceFile::new(stdin_name(name, &bytes), bytes);
    let style = style(wanted, Path::new(name))?;
    let checked = check::check(&file, project, style);
    Ok((file, checked))
}

/// How fixes are spelled in that file.
fn style(wanted: &Wanted, path: &Path) -> Result<crate::templates::Style, Failure> {
    let config = wanted.config(path).map_err(|error| Failure {
        path: error.path,
        reason: error.reason,
    })?;
    Ok(config.style())
}

fn collect(outcomes: Vec<Outcome>, failures: Vec<Failure>) -> Run {
    let mut run = Run {
        failures,
        ..Run::default()
    };
    for outcome in outcomes {
        match outcome {
            Ok((file, checked)) => {
                if let Some(reason) = checked.unread {
                    let path = file.path.clone();
                    run.failures.push(Failure { path, reason });
                    continue;
                }
                run.files += 1;
                run.looked_at
                    .push((file.path.clone(), checked.skipped.clone()));
                run.units.extend(checked.units);
                let findings = checked.findings.into_iter();
                run.findings.extend(findings.map(report::without));
                run.skipped
                    .extend(checked.skipped.map(|reason| (file.path.clone(), reason)));
            }
            // Many files may have the same broken configuration.
            Err(failure) if run.failures.iter().any(|known| known.path == failure.path) => {}
            Err(failure) => run.failures.push(failure),
        }
    }
    run
}

/// By path and place; two Dockerfiles may run the same script, and what is wrong in it is said once.
fn sort(findings: &mut Vec<Finding>) {
    let key = |finding: &Finding| {
        (
            finding.place.file.path.clone(),
            finding.place.span,
            finding.rule,
            finding.message.clone(),
        )
    };
    findings.sort_by_cached_key(key);
    findings.dedup_by(|a, b| key(a) == key(b));
}

/// By path and line; several kustomizations may make the same of a container.
fn sort_units(units: &mut Vec<Judged>) {
    let key = |unit: &Judged| {
        (
            unit.place.file.path.clone(),
            unit.place.line(),
            unit.name.clone(),
            unit.verdict.word(),
            unit.reason.clone(),
        )
    };
    units.sort_by_cached_key(key);
    units.dedup_by(|a, b| key(a) == key(b));
}

/// Notes and trouble go to standard error, in every format.
fn tell(run: &Run, arguments: &Check, err: &mut dyn io::Write) -> io::Result<()> {
    for failure in &run.failures {
        failed(failure, err)?;
    }
    if arguments.quiet {
        return Ok(());
    }
    for line in skipped(&run.skipped, "not checked") {
        writeln!(err, "malloclint: {}", harmless(&line))?;
    }
    if run.files == 0 && run.failures.is_empty() {
        writeln!(
            err,
            "malloclint: found no Dockerfile, manifest or Compose file here (files that are named are always checked)"
        )?;
    }
    Ok(())
}

/// How a report is drawn here.
pub(super) fn style_of_report(colour: Colour) -> Style {
    Style {
        colour: colours(colour),
        unicode: unicode(),
        width: width(),
    }
}

fn unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    !io::stdout().is_terminal()
        || locale.is_none_or(|locale| locale.to_lowercase().replace('-', "").contains("utf8"))
}

fn width() -> usize {
    const MOST: usize = 110;
    let columns = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    columns
        .or_else(terminal_width)
        .map_or(MOST, |columns: usize| columns.clamp(40, MOST))
}

fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0))
}
