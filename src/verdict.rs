//! What came of an image or container, whether it was judged or not.

use crate::text::Place;

/// One environment in which a process runs, and what came of it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Where it begins.
    pub place: Place,
    /// What a report calls it.
    pub name: String,
    /// What came of it.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// What would help, where it could not be judged.
    pub help: &'static str,
}

/// What came of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It sets an allocator, and nothing is wrong; or what is wrong was silenced.
    Fine,
    /// Something is wrong.
    Findings,
    /// Nothing is wrong but what may as well be left: advice.
    Advice,
    /// It could not be told.
    Undecided,
    /// It is no Python service in production on glibc.
    NotApplicable,
}

impl Verdict {
    /// The word used in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Findings => "findings",
            Self::Advice => "advice",
            Self::Undecided => "undecided",
            Self::NotApplicable => "not-applicable",
        }
    }
}
