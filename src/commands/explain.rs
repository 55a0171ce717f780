//! `malloclint explain`: a rule's page, or what a line of a log means.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use super::Status;
use crate::facts::{LogLine, Meaning, meaning};
use crate::report::harmless;
use crate::rules::{self, Rule};
use crate::secrets::masked;

pub(super) fn run(
    words: &[String],
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<Status> {
    if words == ["-"] {
        return log(&mut io::stdin().lock(), out, err);
    }
    let text = words.join(" ");
    if let Some(rule) = rules::find(&text) {
        page(rule, out)?;
        return Ok(Status::Clean);
    }
    if let Some(meaning) = meaning(&text) {
        line(&meaning, out)?;
        return Ok(Status::Clean);
    }
    if words.len() == 1 && !text.contains(char::is_whitespace) {
        let near = rules::nearest(&text)
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        writeln!(
            err,
            "malloclint: there is no rule `{text}`{near} (`malloclint rules` lists them)"
        )?;
    } else {
        writeln!(
            err,
            "malloclint: this line is not one that is known. Where it is about memory, tell us: {}/issues",
            env!("CARGO_PKG_REPOSITORY")
        )?;
    }
    Ok(Status::Trouble)
}

fn page(rule: &Rule, out: &mut dyn io::Write) -> io::Result<()> {
    let meta = rule.meta();
    writeln!(
        out,
        "{} ({}, since {})\n{}\n",
        rule.id, meta.severity, meta.since, meta.summary
    )?;
    writeln!(out, "{}\n", rule.reasons())?;
    writeln!(out, "Examples: {}#examples", rule.url())
}

fn line(meaning: &Meaning, out: &mut dyn io::Write) -> io::Result<()> {
    let LogLine {
        who,
        causes,
        rule,
        next,
        fix,
        ..
    } = meaning.line;
    let means = masked(&meaning.means);
    writeln!(out, "{}\n\nsaid by  {who}", harmless(&means))?;
    for (at, cause) in causes.iter().enumerate() {
        let name = if at == 0 { "because" } else { "or" };
        writeln!(out, "{name:7}  {}", harmless(cause))?;
    }
    writeln!(out, "fix      {}", harmless(fix))?;
    if let Some(rule) = rule {
        writeln!(out, "rule     {rule}  (`malloclint explain {rule}`)")?;
    }
    writeln!(out, "next     {next}")
}

/// Every kind of line of a whole log that is known, in the order in which they come, with how often.
fn log(
    text: &mut dyn BufRead,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<Status> {
    let mut order: Vec<(Meaning, String)> = Vec::new();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut bytes = Vec::new();
    while text.read_until(b'\n', &mut bytes)? > 0 {
        let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        bytes.clear();
        let Some(found) = meaning(&line) else {
            continue;
        };
        let count = counts.entry(found.means.clone()).or_default();
        *count += 1;
        if *count == 1 {
            order.push((found, line));
        }
    }
    if order.is_empty() {
        writeln!(err, "malloclint: no line of this log is one that is known")?;
        return Ok(Status::Clean);
    }
    for (at, (meaning, first)) in order.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        let times = counts.get(&meaning.means).copied().unwrap_or(1);
        let times = if times > 1 {
            format!(" ({times} times)")
        } else {
            String::new()
        };
        writeln!(out, "> {}{times}", harmless(&masked(first)))?;
        line(meaning, out)?;
    }
    Ok(Status::Clean)
}
