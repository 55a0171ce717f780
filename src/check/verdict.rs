//! What came of a unit: findings, none because it is right, none because it could not be judged, or none because it is nothing
//! that allocators matter to.

use crate::finding::{Finding, Severity};
use crate::model::Unit;
use crate::rules::{Concern, concern, what_is_set};
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

/// What came of each unit of a file; `elsewhere` are those whose image is told of what it lacks in another file.
pub(super) fn judged(units: &[Unit], findings: &[Finding], elsewhere: &[usize]) -> Vec<Judged> {
    let units = units.iter().enumerate();
    units
        .map(|(at, unit)| {
            let own = findings.iter().filter(|finding| finding.unit == at);
            let worst = own.map(|finding| finding.severity).max();
            let (verdict, reason, help) = of(unit, worst, elsewhere.contains(&at));
            Judged {
                place: unit.place.clone(),
                name: unit.name.clone(),
                verdict,
                reason,
                help,
            }
        })
        .collect()
}

fn of(unit: &Unit, worst: Option<Severity>, elsewhere: bool) -> (Verdict, String, &'static str) {
    let concern = concern(unit);
    match (worst, concern) {
        (Some(Severity::Info), Concern::Service | Concern::Undecided(..)) => {
            (Verdict::Advice, "there is advice".into(), "")
        }
        (Some(Severity::Info), Concern::Not(why)) | (None, Concern::Not(why)) => {
            (Verdict::NotApplicable, why, "")
        }
        (Some(_), _) => (Verdict::Findings, "there are findings".into(), ""),
        (None, Concern::Undecided(why, help)) => (Verdict::Undecided, why, help),
        (None, Concern::Service) => match what_is_set(unit) {
            Some(what) => (Verdict::Fine, what, ""),
            None if elsewhere => (
                Verdict::Findings,
                "the file that builds its image says what that lacks".into(),
                "",
            ),
            None => (Verdict::Fine, "what is wrong is silenced".into(), ""),
        },
    }
}
