//! What is said about files that were passed over.

use crate::report;

/// So many reasons why files were not checked are told.
const SHOWN: usize = 8;
/// So many files are named for each; a repository of templates has hundreds.
const NAMED: usize = 3;

/// What was passed over, a line for each reason: a repository may hold hundreds of templates.
pub(super) fn skipped(all: &[(String, String)], what: &str) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for (path, reason) in all {
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, paths)) => paths.push(path),
            None => reasons.push((reason, vec![path])),
        }
    }
    let more: usize = reasons
        .iter()
        .skip(SHOWN)
        .map(|(_, paths)| paths.len())
        .sum();
    let line = |(reason, paths): &(&str, Vec<&str>)| {
        let named = paths.iter().take(NAMED).map(|path| report::harmless(path));
        let named: Vec<_> = named.collect();
        let more = match paths.len().checked_sub(NAMED).filter(|more| *more > 0) {
            Some(more) => format!(" and {} more", report::plural(more, "file")),
            None => String::new(),
        };
        format!("{}{more}: {what}, {reason}", named.join(", "))
    };
    let mut lines: Vec<String> = reasons.iter().take(SHOWN).map(line).collect();
    if more > 0 {
        let files = report::plural(more, "file");
        lines.push(format!(
            "{files} more {what}, templates and fragments (`malloclint check --format json` lists all)"
        ));
    }
    lines
}
