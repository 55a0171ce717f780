//! What a run found, and the formats it is shown in: one file per format.

mod azure;
mod checkstyle;
mod concise;
mod coverage;
pub(crate) mod diff;
mod fingerprint;
pub(crate) mod fixed;
mod github;
mod gitlab;
mod harmless;
mod human;
mod json;
mod junit;
mod markdown;
mod ndjson;
mod position;
mod rdjson;
mod sarif;
mod sonarqube;
pub(crate) mod statistics;
mod xml;

use crate::text::wording::is_harmful;
pub(crate) use crate::text::wording::plural;
pub use coverage::Show;
pub(crate) use fingerprint::fingerprints;
pub(crate) use harmless::{Lines, harmless};

use std::collections::BTreeMap;
use std::io;

use crate::finding::{Applicability, Finding, Severity};
use crate::project::{Failure, Repositories};
use crate::secrets::masked;
use crate::verdict::Judged;

/// All that a run has to tell.
#[derive(Debug, Default)]
pub struct Run {
    /// Sorted by path and place.
    pub findings: Vec<Finding>,
    /// Files that were not judged: path and reason.
    pub skipped: Vec<(String, String)>,
    /// What could not be read.
    pub failures: Vec<Failure>,
    /// How many files were looked at.
    pub files: usize,
    /// Those files, and why one was not judged.
    pub(crate) looked_at: Vec<(String, Option<String>)>,
    /// What came of each image and container.
    pub units: Vec<Judged>,
    /// A part of what is wrong was asked for: those without it are not fine for that.
    pub narrowed: bool,
    /// What was looked at are built images, not files.
    pub of_images: bool,
    /// What is listed behind the report, for people.
    pub show: Option<Show>,
    /// Where the files stand in their repositories.
    pub(crate) repositories: Repositories,
}

impl Run {
    /// How many findings are of that severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    }

    /// How much was looked at, for people.
    fn sources(&self) -> String {
        plural(self.files, if self.of_images { "image" } else { "file" })
    }

    /// How many findings `fix` takes care of by itself.
    #[must_use]
    pub fn fixable(&self) -> usize {
        let safe = self.findings.iter().filter(|finding| is_fixable(finding));
        safe.count()
    }

    /// The fingerprints of the findings, in their order.
    pub(crate) fn fingerprints(&self) -> Vec<String> {
        fingerprints(&self.findings, &|path| self.in_repository(path))
    }

    /// A path as seen from the top of the repository.
    pub(crate) fn in_repository(&self, path: &str) -> String {
        self.repositories.path(path)
    }
}

/// Whether it may be fixed without a look.
fn is_fixable(finding: &Finding) -> bool {
    let remedy = finding.remedy.as_ref();
    let safe = remedy.is_some_and(|remedy| remedy.applicability == Applicability::Safe);
    safe && !finding.edits.is_empty()
}

/// How a terminal wants it.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Colours may be used.
    pub colour: bool,
    /// Unicode box drawing may be used.
    pub unicode: bool,
    /// Columns.
    pub width: usize,
}

/// The output formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Pictures of the source with reasons, for people
    Human,
    /// One line per finding: path:line:column: severity[rule] message
    Concise,
    /// One JSON object, documented in docs/json.md
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
    /// GitLab's code quality report
    Gitlab,
    /// reviewdog's diagnostics, with suggestions
    Rdjson,
    /// A table, for the summary of a job
    Markdown,
    /// One JSON object per finding, a line each
    Ndjson,
    /// A report of tests, as JUnit writes it
    Junit,
    /// Checkstyle's XML
    Checkstyle,
    /// SonarQube's generic issues (from 10.3 on)
    Sonarqube,
    /// Issues of Azure Pipelines
    Azure,
}

/// Writes a run in a format.
///
/// # Errors
/// What the writer says.
pub fn write(run: &Run, format: Format, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    match format {
        Format::Human => human::write(run, style, out),
        Format::Concise => concise::write(run, out),
        Format::Json => json::write(run, out),
        Format::Sarif => sarif::write(run, out),
        Format::Github => github::write(run, out),
        Format::Gitlab => gitlab::write(run, out),
        Format::Rdjson => rdjson::write(run, out),
        Format::Markdown => markdown::write(run, out),
        Format::Ndjson => ndjson::write(run, out),
        Format::Junit => junit::write(run, out),
        Format::Checkstyle => checkstyle::write(run, out),
        Format::Sonarqube => sonarqube::write(run, out),
        Format::Azure => azure::write(run, out),
    }
}

/// The findings of each file, by its path in the repository.
fn by_path(run: &Run) -> BTreeMap<String, Vec<&Finding>> {
    let mut all: BTreeMap<String, Vec<&Finding>> = BTreeMap::new();
    for finding in &run.findings {
        let path = run.in_repository(&finding.place.file.path);
        all.entry(path).or_default().push(finding);
    }
    all
}

/// What is wrong, and what to do.
fn with_help(finding: &Finding) -> String {
    match finding.help.as_str() {
        "" => finding.message.clone(),
        help => format!("{}\nfix: {help}", finding.message),
    }
}

/// `1 error, 2 warnings`; severities that did not occur are left out.
fn counts(run: &Run) -> String {
    let parts: Vec<String> = [
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Info, "advice"),
    ]
    .into_iter()
    .map(|(severity, word)| (run.count(severity), word))
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| plural(count, word))
    .collect();
    if parts.is_empty() {
        "no findings".into()
    } else {
        parts.join(", ")
    }
}

/// A finding whose texts show nothing secret.
pub(crate) fn without(mut finding: Finding) -> Finding {
    let mask = |text: &mut String| {
        if let std::borrow::Cow::Owned(shown) = masked(text) {
            *text = shown;
        }
    };
    mask(&mut finding.message);
    mask(&mut finding.caption);
    mask(&mut finding.help);
    mask(&mut finding.brief);
    finding.notes.iter_mut().for_each(mask);
    finding.refusal.iter_mut().for_each(mask);
    finding.doubt.iter_mut().for_each(mask);
    for label in &mut finding.labels {
        mask(&mut label.text);
    }
    if let Some(remedy) = &mut finding.remedy {
        mask(&mut remedy.title);
    }
    finding
}

/// Writes JSON, in which no text is an order to a runner that reads the log, or changes how the lines are shown.
fn json_text<T: serde::Serialize>(value: &T, out: &mut dyn io::Write) -> io::Result<()> {
    json_line(&serde_json::to_string_pretty(value)?, out)
}

/// The same of JSON that is text already.
fn json_line(text: &str, out: &mut dyn io::Write) -> io::Result<()> {
    // Between strings stand line ends and nothing else of that kind.
    let harmful = |c: char| is_harmful(c) && c != '\n';
    let mut rest = text;
    while let Some(at) = rest.find(harmful) {
        let (before, from) = rest.split_at(at);
        write!(out, "{}", before.replace("##[", "##\\u005b"))?;
        let mut letters = from.chars();
        // All of them are of one unit in UTF-16.
        let letter = letters.next().map_or(0, u32::from);
        write!(out, "\\u{letter:04x}")?;
        rest = letters.as_str();
    }
    writeln!(out, "{}", rest.replace("##[", "##\\u005b"))
}
