//! How many findings each rule has, those first that have most.

use std::collections::BTreeMap;
use std::io;

use super::{Run, counts};
use crate::rules;

/// Writes a line for each rule: how many findings, of them how many `fix` takes care of, the rule and what it finds.
///
/// # Errors
/// What the writer says.
pub(crate) fn write(run: &Run, out: &mut dyn io::Write) -> io::Result<()> {
    let mut all: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for finding in &run.findings {
        let (count, fixable) = all.entry(finding.rule).or_default();
        *count += 1;
        *fixable += usize::from(super::is_fixable(finding));
    }
    let mut rows: Vec<_> = all.into_iter().collect();
    rows.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    for (rule, (count, fixable)) in rows {
        let summary = rules::find(rule).map_or("", |rule| rule.meta().summary.as_str());
        let fixable = if fixable > 0 {
            format!(" ({fixable} fixable)")
        } else {
            String::new()
        };
        writeln!(out, "{count:>6}  {rule}{fixable}: {summary}")?;
    }
    writeln!(out, "{} in {}", counts(run), run.sources())
}
