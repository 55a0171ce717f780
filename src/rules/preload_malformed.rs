//! Commas, quotes and control characters that become part of the library's name.

use super::Report;
use super::remedies::faults;
use crate::finding::Applicability;
use crate::model::{Change, Outcome, Unit};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    for preload in faults(unit) {
        let (Outcome::Malformed(sign), Some(family)) = (&preload.outcome, preload.family) else {
            continue;
        };
        let shown = match sign.as_str() {
            "\r" => "a carriage return (CRLF line ends)".to_owned(),
            sign if sign.chars().all(char::is_control) => "a control character".to_owned(),
            sign => format!("`{sign}`"),
        };
        report.add(
            report
                .finding(
                    &preload.place,
                    format!("{shown} becomes part of the library's name"),
                )
                .caption("one name, as the loader reads it")
                .note("the loader splits at blanks and colons, and knows no quotes")
                .note(super::remedies::loader_says(unit))
                .help("separate names with `:` and leave quotes out")
                .remedy(
                    format!("preload {family}"),
                    Applicability::Safe,
                    vec![Change::Preload(family)],
                ),
        );
    }
}
