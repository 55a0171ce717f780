//! What came of a unit: findings, none because it is right, none because it could not be judged, or none because it is nothing
//! that allocators matter to.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Finding, Severity};
use crate::model::{Concern, Unit, concern};
use crate::rules::what_is_set;
use crate::verdict::{Judged, Verdict};

/// What came of each unit of a file; `elsewhere` are those whose image is told of what it lacks in another file.
pub(super) fn judged(units: &[Unit], findings: &[Finding], elsewhere: &[usize]) -> Vec<Judged> {
    let mut worst = BTreeMap::new();
    for finding in findings {
        let known = worst.entry(finding.unit).or_insert(finding.severity);
        *known = finding.severity.max(*known);
    }
    let elsewhere: BTreeSet<usize> = elsewhere.iter().copied().collect();
    let units = units.iter().enumerate();
    units
        .map(|(at, unit)| {
            let worst = worst.get(&at).copied();
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
