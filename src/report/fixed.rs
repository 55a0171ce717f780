//! What `fix` did, for people: a few lines a file.

use std::io;

use super::{harmless, plural};
use crate::finding::Severity;
use crate::fix::Fixed;
use crate::secrets::masked;

/// Writes what was done to one file and what is left in it.
///
/// # Errors
/// Where `out` cannot be written to.
pub(crate) fn write(fixed: &Fixed, out: &mut dyn io::Write) -> io::Result<()> {
    let path = harmless(&fixed.before.path);
    for applied in &fixed.applied {
        let title = masked(&applied.title);
        let title = harmless(&title);
        writeln!(out, "{path}: fixed {}: {title}", applied.rule)?;
    }
    for left in &fixed.left {
        let finding = &left.finding;
        let start = finding
            .place
            .file
            .lines()
            .locate(&finding.place.file.bytes, finding.place.span.start);
        let (path, line) = (harmless(&finding.place.file.path), start.line);
        let (severity, rule) = (finding.severity, finding.rule);
        writeln!(
            out,
            "{path}:{line}: left {severity}[{rule}] {}: {}",
            harmless(&masked(&finding.message)),
            harmless(&masked(&left.reason))
        )?;
    }
    Ok(())
}

/// Writes the sum of a run: `3 fixed in 1 file, 1 left`. Advice that is left is counted on its own: it
/// does not decide about the exit code.
///
/// # Errors
/// Where `out` cannot be written to.
pub(crate) fn sum(all: &[Fixed], dry: bool, out: &mut dyn io::Write) -> io::Result<()> {
    let fixes: usize = all.iter().map(|fixed| fixed.applied.len()).sum();
    let files = all.iter().filter(|fixed| fixed.changes()).count();
    let left = || all.iter().flat_map(|fixed| &fixed.left);
    let is_advice = |severity| severity <= Severity::Info;
    let advice = left()
        .filter(|left| is_advice(left.finding.severity))
        .count();
    let serious = left().count() - advice;
    let also = match advice {
        0 => String::new(),
        1 => ", and 1 piece of advice".to_owned(),
        _ => format!(", and {advice} pieces of advice"),
    };
    let verb = if dry { "would be fixed" } else { "fixed" };
    writeln!(
        out,
        "{fixes} {verb} in {}, {serious} left{also}",
        plural(files, "file")
    )
}
