//! What a project wants to hear: which rules, how severe, and what was judged already, until when.
//!
//! A policy is data: where it comes from, configuration or command line, it does not know.

mod names;

pub(crate) use crate::text::date::Date;
pub(crate) use names::RuleNames;

use std::sync::atomic::{AtomicBool, Ordering};

use ignore::gitignore::Gitignore;
use serde::Deserialize;

use crate::finding::{Confidence, Finding, Severity};

/// How much a finding of a rule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// It is not reported.
    Off,
    /// Advice.
    Info,
    /// Wrong on some platform, or clearly harmful.
    Warning,
    /// Does not do what is written, or breaks.
    Error,
}

/// The least severity that makes a run fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailOn {
    /// Advice, too.
    Info,
    /// What is wrong on some platform or clearly harmful.
    Warning,
    /// What does not do what is written.
    Error,
    /// Findings never do.
    Never,
}

impl FailOn {
    /// Whether a finding of that severity makes the run fail.
    #[must_use]
    pub fn fails(self, severity: Severity) -> bool {
        match self {
            Self::Info => true,
            Self::Warning => severity >= Severity::Warning,
            Self::Error => severity >= Severity::Error,
            Self::Never => false,
        }
    }
}

/// Gives the paths from the top of the disk on by which a file may be meant.
pub(crate) type Places<'a> = &'a dyn Fn(&str) -> Vec<String>;

/// What a project wants to hear.
#[derive(Debug, Default)]
pub(crate) struct Policy {
    /// The rules that speak; all where nothing is said.
    pub select: Option<RuleNames>,
    /// Those that do not.
    pub ignore: RuleNames,
    /// How much findings count; the last that names a rule decides.
    pub levels: Vec<(RuleNames, Level)>,
    /// How sure a finding must be.
    pub confidence: Option<Confidence>,
    /// What was judged already.
    pub exceptions: Vec<Exception>,
    /// All is to be heard: neither comments nor exceptions count.
    pub no_ignores: bool,
    /// What ends today is over tomorrow.
    pub today: Option<Date>,
}

/// Findings that a person has judged already.
#[derive(Debug)]
pub(crate) struct Exception {
    /// Where: everywhere where nothing is said. As in `.gitignore`.
    pub paths: Option<Gitignore>,
    /// Which; all where nothing is said.
    pub rules: Option<RuleNames>,
    /// The last day on which it holds.
    pub until: Option<Date>,
    /// Whether it silenced something in this run.
    pub used: AtomicBool,
}

impl Policy {
    /// All is heard, and what is over is over.
    #[must_use]
    pub(crate) fn of_today() -> Self {
        Self {
            today: Date::today(None),
            ..Self::default()
        }
    }

    /// Takes away what is not to be heard, and says the rest as severely as it counts. `places` gives the paths by which a
    /// file may be meant.
    pub(crate) fn apply(&self, findings: &mut Vec<Finding>, places: Places<'_>) {
        findings.retain_mut(|finding| {
            let Some(severity) = self.severity(finding) else {
                return false;
            };
            finding.severity = severity;
            self.no_ignores || !self.is_excepted(finding, places)
        });
    }

    /// How severe a finding is, if its rule speaks.
    fn severity(&self, finding: &Finding) -> Option<Severity> {
        let id = finding.rule;
        let selected = self.select.as_ref().is_none_or(|names| names.hold(id));
        let unsure = self
            .confidence
            .is_some_and(|least| finding.confidence < least);
        if !selected || unsure || self.ignore.hold(id) {
            return None;
        }
        let mut levels = self.levels.iter().rev();
        match levels.find(|(names, _)| names.hold(id)) {
            None => Some(finding.severity),
            Some((_, Level::Off)) => None,
            Some((_, Level::Info)) => Some(Severity::Info),
            Some((_, Level::Warning)) => Some(Severity::Warning),
            Some((_, Level::Error)) => Some(Severity::Error),
        }
    }

    fn is_excepted(&self, finding: &Finding, places: Places<'_>) -> bool {
        if self.exceptions.is_empty() {
            return false;
        }
        let paths = places(&finding.place.file.path);
        let holds = |exception: &&Exception| {
            let mut paths = paths.iter();
            !exception.is_over(self.today.as_ref())
                && paths.any(|path| exception.covers(finding.rule, path))
        };
        let Some(exception) = self.exceptions.iter().find(holds) else {
            return false;
        };
        exception.used.store(true, Ordering::Relaxed);
        true
    }
}

impl Exception {
    /// Whether its last day lies behind.
    pub(crate) fn is_over(&self, today: Option<&Date>) -> bool {
        let (Some(until), Some(today)) = (&self.until, today) else {
            return false;
        };
        until < today
    }

    fn covers(&self, rule: &str, path: &str) -> bool {
        let named = self.rules.as_ref().is_none_or(|names| names.hold(rule));
        named
            && self
                .paths
                .as_ref()
                .is_none_or(|paths| is_in(paths, path, false))
    }
}

/// Whether patterns hold for a path, of a file or a folder, or for a folder that it lies in.
pub(crate) fn is_in(patterns: &Gitignore, path: &str, folder: bool) -> bool {
    if patterns.is_empty() {
        return false;
    }
    let Ok(below) = std::path::Path::new(path).strip_prefix(patterns.path()) else {
        return false;
    };
    let mut folders = below.ancestors().skip(1);
    patterns.matched(below, folder).is_ignore()
        || folders.any(|folder| {
            folder.file_name().is_some() && patterns.matched(folder, true).is_ignore()
        })
}
