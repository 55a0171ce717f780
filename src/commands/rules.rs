//! `malloclint rules`: printed from the pages.

use std::io;

use serde::Serialize;

use super::Status;
use crate::cli::List;
use crate::finding::Severity;
use crate::pages::Fix;
use crate::rules::{self, RULES};

pub(super) fn list(format: List, out: &mut dyn io::Write) -> io::Result<Status> {
    match format {
        List::Text => {
            let width = RULES
                .iter()
                .map(|rule| rule.id.len())
                .max()
                .unwrap_or_default();
            for rule in &RULES {
                let meta = rule.meta();
                writeln!(
                    out,
                    "{:width$}  {:7}  {}",
                    rule.id,
                    meta.severity.to_string(),
                    meta.summary
                )?;
            }
        }
        List::Markdown => {
            writeln!(out, "| rule | severity | finds |\n|---|---|---|")?;
            for rule in &RULES {
                let meta = rule.meta();
                writeln!(
                    out,
                    "| [`{0}`](rules/{0}.md) | {1} | {2} |",
                    rule.id, meta.severity, meta.summary
                )?;
            }
        }
        List::Json => {
            let rows: Vec<Row<'_>> = RULES.iter().map(row).collect();
            serde_json::to_writer_pretty(&mut *out, &rows)?;
            writeln!(out)?;
        }
    }
    Ok(Status::Clean)
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    severity: Severity,
    summary: &'a str,
    since: &'a str,
    inputs: &'a [String],
    fix: Fix,
}

fn row(rule: &'static rules::Rule) -> Row<'static> {
    let meta = rule.meta();
    Row {
        id: rule.id,
        severity: meta.severity,
        summary: &meta.summary,
        since: &meta.since,
        inputs: &meta.inputs,
        fix: meta.fix,
    }
}
