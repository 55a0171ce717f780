//! Where reports go: standard output, and files.

use std::io;
use std::path::PathBuf;

use crate::cli::{Check, Output};
use crate::report::{self, Format, Run, Style};
use crate::write;

/// Writes a run in all formats that were asked for; `false` where a file could not be written.
pub(super) fn write(
    run: &Run,
    arguments: &Check,
    style: Style,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<bool> {
    all(
        run,
        &wanted(arguments),
        arguments.statistics,
        style,
        out,
        err,
    )
}

/// The same, for those outputs.
pub(super) fn all(
    run: &Run,
    outputs: &[Output],
    statistics: bool,
    style: Style,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<bool> {
    let mut all_written = true;
    for output in outputs {
        let Some(path) = &output.file else {
            if statistics && matches!(output.format, Format::Human | Format::Concise) {
                report::statistics::write(run, out)?;
                continue;
            }
            report::write(run, output.format, style, out)?;
            continue;
        };
        let plain = Style {
            colour: false,
            ..style
        };
        let mut text = Vec::new();
        report::write(run, output.format, plain, &mut text)?;
        if let Err(error) = write::whole(path, &text) {
            writeln!(err, "malloclint: {}: {error}", path.display())?;
            all_written = false;
        }
    }
    Ok(all_written)
}

/// What of the options would be dropped without a word, if anything would be.
pub(super) fn mistake(arguments: &Check) -> Option<&'static str> {
    let files = |output: &Output| output.file.is_some();
    let all = !arguments.formats.is_empty() && arguments.formats.iter().all(files);
    if arguments.output_file.is_some() && all {
        return Some("`--output-file` is for a format without a file of its own");
    }
    let baseline = arguments.write_baseline.as_deref();
    if baseline.is_some_and(|path| path.as_os_str() == "-") {
        return Some("`--write-baseline` needs the name of a file");
    }
    let counted = |output: &Output| matches!(output.format, Format::Human | Format::Concise);
    let shown = wanted(arguments);
    let mut shown = shown.iter().filter(|output| output.file.is_none());
    (arguments.statistics && !shown.any(counted)).then_some(
        "`--statistics` is printed in place of `human` and `concise`, to standard output",
    )
}

/// The file of a report that is one of those that are checked, if one is.
pub(super) fn input_among(arguments: &Check, files: &[PathBuf]) -> Option<PathBuf> {
    let reports = wanted(arguments).into_iter();
    let reports = reports.filter_map(|output| output.file);
    let mut named = reports.chain(arguments.write_baseline.clone());
    let same = |path: &PathBuf| {
        let path = path.canonicalize().ok()?;
        let mut inputs = files.iter().filter_map(|file| file.canonicalize().ok());
        inputs.find(|input| *input == path)
    };
    named.find(|path| same(path).is_some())
}

/// What was asked for, or what is right where nothing was.
fn wanted(arguments: &Check) -> Vec<Output> {
    let mut outputs = or_usual(&arguments.formats, arguments.statistics);
    if let Some(path) = &arguments.output_file
        && let Some(first) = outputs.iter_mut().find(|output| output.file.is_none())
    {
        first.file = Some(PathBuf::from(path));
    }
    outputs
}

/// What is written where no format is asked for.
pub(super) fn or_usual(formats: &[Output], statistics: bool) -> Vec<Output> {
    if !formats.is_empty() {
        return formats.to_vec();
    }
    let in_actions = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
    let format = if in_actions && !statistics {
        Format::Github
    } else {
        Format::Human
    };
    vec![Output { format, file: None }]
}
