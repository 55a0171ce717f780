//! What a rule reports: a finding, its labels, and what would fix it.

use std::fmt;

use std::sync::Arc;

use crate::model::Change;
use crate::text::{Edit, Place, SourceFile};

/// How bad a finding is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize, serde::Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Advice.
    Info,
    /// Wrong on some platform, or clearly harmful.
    Warning,
    /// Does not do what is written, or breaks.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// How sure a finding is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize, serde::Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// It may be so: something that is not known may make it false. Such a finding is advice.
    Possible,
    /// It is so, unless something is other than it nearly always is.
    Likely,
    /// The text says so.
    Certain,
}

impl Confidence {
    /// The word used in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Something that is written.
    Text,
    /// A setting that an image lacks as a whole: several containers may run it.
    Image,
    /// A file that cannot be read.
    File,
}

/// One fault, where it is, and why we believe it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule's id.
    pub rule: &'static str,
    /// How bad it is; the rule's own severity, or less.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// Why it is not certain, where it is not.
    pub doubt: Option<String>,
    /// The bytes at fault.
    pub place: Place,
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// What the bytes at fault are called in a picture of the source.
    pub caption: String,
    /// Other places that explain it.
    pub labels: Vec<Label>,
    /// Why we believe it, what happens at run time.
    pub notes: Vec<String>,
    /// Why it is no more than advice, in a few words.
    pub brief: String,
    /// What to do.
    pub help: String,
    /// What would have to become true, where a tool can make it so.
    pub remedy: Option<Remedy>,
    /// What it is about.
    pub subject: Subject,
    /// It is harm, however little is said of it: no fix may lead to it.
    pub harm: bool,
    /// It is about what the steps of a build put into the image, and said where these stand.
    pub of_build: bool,
    /// Of several images of one file that start the same, one is enough.
    pub once: bool,
    /// It is said of the image of another container before, whose unit that is: a fix sees to both.
    pub repeats: Option<usize>,
    /// The remedy spelled in the text of the file, where the input can do that.
    pub edits: Vec<Edit>,
    /// The file that the edits are of: what is wrong in a start script may be put right in the Dockerfile.
    pub edited: Option<Arc<SourceFile>>,
    /// Why the input cannot spell the remedy, where it cannot.
    pub refusal: Option<String>,
    /// The unit it is about, counted from 0 in its file.
    pub unit: usize,
}

/// A place that explains a finding.
#[derive(Clone, Debug)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// What is to be seen there.
    pub text: String,
}

/// What would fix a finding.
#[derive(Clone, Debug)]
pub struct Remedy {
    /// A short imperative: ``set `LD_PRELOAD` to `libjemalloc.so.2` ``.
    pub title: String,
    /// Whether it may be applied without a look.
    pub applicability: Applicability,
    /// What must become true, all of it or nothing.
    pub changes: Vec<Change>,
}

/// Whether a remedy may be applied without a look, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applicability {
    /// Only a person can do it, for the reason given.
    Manual(String),
    /// It may change what the image does in ways that were not asked for: the reason.
    Unsafe(String),
    /// It does what was meant and nothing else.
    Safe,
}

impl Applicability {
    /// The word used in reports.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Manual(_) => "manual",
            Self::Unsafe(_) => "unsafe",
            Self::Safe => "safe",
        }
    }

    /// The same, or that it is not safe, for the reason given.
    #[must_use]
    pub(crate) fn at_most_unsafe(self, why: &str) -> Self {
        match self {
            Self::Safe => Self::Unsafe(why.into()),
            other => other,
        }
    }

    /// Why it is not safe.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Manual(why) | Self::Unsafe(why) => Some(why),
            Self::Safe => None,
        }
    }
}

impl Finding {
    /// A finding of `rule` at `place`; severity is the rule's until [`Finding::severity`] lowers it.
    #[must_use]
    pub fn new(
        rule: &'static str,
        severity: Severity,
        place: Place,
        message: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            severity,
            confidence: Confidence::Certain,
            doubt: None,
            place,
            message: message.into(),
            caption: String::new(),
            labels: Vec::new(),
            notes: Vec::new(),
            brief: String::new(),
            help: String::new(),
            remedy: None,
            subject: Subject::Text,
            harm: false,
            of_build: false,
            once: false,
            repeats: None,
            edits: Vec::new(),
            edited: None,
            refusal: None,
            unit: 0,
        }
    }

    /// Names the bytes at fault.
    #[must_use]
    pub fn caption(mut self, text: impl Into<String>) -> Self {
        self.caption = text.into();
        self
    }

    /// Adds a place that explains it.
    #[must_use]
    pub fn label(mut self, place: &Place, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            place: place.clone(),
            text: text.into(),
        });
        self
    }

    /// Adds a reason.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = text.into();
        self
    }

    /// Says what would fix it.
    #[must_use]
    pub fn remedy(
        mut self,
        title: impl Into<String>,
        applicability: Applicability,
        changes: Vec<Change>,
    ) -> Self {
        self.remedy = Some(Remedy {
            title: title.into(),
            applicability,
            changes,
        });
        self
    }

    /// Says what it is about.
    #[must_use]
    pub const fn about(mut self, subject: Subject) -> Self {
        self.subject = subject;
        self
    }

    /// Says that of several images that start the same, one is enough.
    #[must_use]
    pub const fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// Says that it is about what the steps of a build put into the image.
    #[must_use]
    pub const fn of_build(mut self) -> Self {
        self.of_build = true;
        self
    }

    /// Says that it is harm, however little is said of it.
    #[must_use]
    pub const fn harm(mut self) -> Self {
        self.harm = true;
        self
    }

    /// Whether a fix that leads to it makes something worse.
    #[must_use]
    pub fn is_heavy(&self) -> bool {
        self.harm || self.severity >= Severity::Warning
    }

    /// It is likely only, for that reason.
    #[must_use]
    pub fn likely(mut self, why: impl Into<String>) -> Self {
        if self.confidence == Confidence::Certain {
            self.confidence = Confidence::Likely;
            self.doubt = Some(why.into());
        }
        self
    }

    /// It is possible only, for that reason: advice.
    #[must_use]
    pub fn possible(mut self, why: impl Into<String>) -> Self {
        if self.confidence != Confidence::Possible {
            self.confidence = Confidence::Possible;
            self.doubt = Some(why.into());
        }
        self.severity = Severity::Info;
        self
    }

    /// Lowers the severity.
    #[must_use]
    pub const fn at_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}
