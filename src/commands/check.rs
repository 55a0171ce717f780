//! `malloclint check`.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;

use super::progress::Progress;
use super::skipped::skipped;
use super::{Status, colours, configured, outputs, stdin_name};
use crate::check::{self, Checked};
use crate::cli::{Check, Colour};
use crate::config::Configs;
use crate::finding::{Finding, Subject};
use crate::project::{self, Claim, Disk, Failure, Project};
use crate::report::{Run, Style};
use crate::text::SourceFile;

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
    let found = project::find(&paths);
    let configs = Arc::new(Configs::default());
    let disk = Disk::default();
    let project = configured(&disk, &configs);
    let mut outcomes = check_files(
        &found.files,
        &project,
        &configs,
        &Progress::new(start, found.files.len(), arguments.no_progress),
    );
    if !stdin.is_empty() {
        outcomes.push(check_stdin(&arguments.stdin_filename, &project, &configs));
    }
    let mut run = collect(outcomes, found.failures);
    run.folder = project::folder_in_repository();
    tell(&run, arguments, err)?;
    let style = Style {
        colour: colours(colour),
        unicode: unicode(),
        width: width(),
    };
    let written = outputs::write(&run, arguments, style, out, err)?;
    let fails = run
        .findings
        .iter()
        .any(|finding| arguments.fail_on.fails(finding.severity) && !arguments.exit_zero);
    Ok(match (run.failures.is_empty() && written, fails) {
        (false, _) => Status::Trouble,
        (true, true) => Status::Findings,
        (true, false) => Status::Clean,
    })
}

type Outcome = Result<(Arc<SourceFile>, Checked), Failure>;

fn check_files(
    files: &[PathBuf],
    project: &Project<'_>,
    configs: &Configs,
    progress: &Progress,
) -> Vec<Outcome> {
    let one = |path: &PathBuf| {
        let outcome = project::read(path).and_then(|file| {
            let style = style(configs, path)?;
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

fn check_stdin(name: &str, project: &Project<'_>, configs: &Configs) -> Outcome {
    let mut bytes = Vec::new();
    let fail = |error: io::Error| Failure {
        path: "-".into(),
        reason: error.to_string(),
    };
    io::stdin().lock().read_to_end(&mut bytes).map_err(fail)?;
    let file = SourceFile::new(stdin_name(name, &bytes), bytes);
    let style = style(configs, Path::new(name))?;
    let checked = check::check(&file, project, style);
    Ok((file, checked))
}

/// How fixes are spelled in that file.
fn style(configs: &Configs, path: &Path) -> Result<crate::templates::Style, Failure> {
    let config = configs.of(path).map_err(|error| Failure {
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
                run.files += 1;
                run.findings.extend(checked.findings);
                run.skipped
                    .extend(checked.skipped.map(|reason| (file.path.clone(), reason)));
            }
            // Many files may have the same broken configuration.
            Err(failure) if run.failures.iter().any(|known| known.path == failure.path) => {}
            Err(failure) => run.failures.push(failure),
        }
    }
    // Two Dockerfiles may run the same script: what is wrong in it is said once.
    let key = |finding: &Finding| {
        (
            finding.place.file.path.clone(),
            finding.place.span,
            finding.rule,
            finding.message.clone(),
        )
    };
    run.findings.sort_by_cached_key(key);
    run.findings.dedup_by(|a, b| key(a) == key(b));
    run
}

/// Notes and trouble go to standard error, in every format.
fn tell(run: &Run, arguments: &Check, err: &mut dyn io::Write) -> io::Result<()> {
    for failure in &run.failures {
        writeln!(err, "malloclint: {}: {}", failure.path, failure.reason)?;
    }
    if arguments.quiet {
        return Ok(());
    }
    for line in skipped(&run.skipped, "not checked") {
        writeln!(err, "malloclint: {line}")?;
    }
    if run.files == 0 && run.failures.is_empty() {
        writeln!(
            err,
            "malloclint: found no Dockerfile, manifest or Compose file here (files that are named are always checked)"
        )?;
    }
    Ok(())
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
