//! A report of tests as JUnit writes it (github.com/testmoapp/junitxml): each finding is a test that failed, and advice one that was
//! skipped; a run without findings is one that passed.

use std::io;

use super::xml::escaped;
use super::{Run, by_path, position, with_help};
use crate::finding::{Finding, Severity};

pub(super) fn write(run: &Run, out: &mut dyn io::Write) -> io::Result<()> {
    let all: Vec<&Finding> = run.findings.iter().collect();
    let (tests, failures, skipped) = counts(&all);
    let tests = tests.max(1);
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuites name="malloclint" tests="{tests}" failures="{failures}" skipped="{skipped}" errors="0">"#
    )?;
    if all.is_empty() {
        writeln!(
            out,
            r#"  <testsuite name="malloclint" tests="1" failures="0" skipped="0" errors="0">"#
        )?;
        writeln!(
            out,
            r#"    <testcase name="no findings in {}" classname="malloclint"/>"#,
            run.sources()
        )?;
        writeln!(out, "  </testsuite>")?;
    }
    for (path, findings) in by_path(run) {
        let (tests, failures, skipped) = counts(&findings);
        writeln!(
            out,
            r#"  <testsuite name="{}" tests="{tests}" failures="{failures}" skipped="{skipped}" errors="0">"#,
            escaped(&path)
        )?;
        for finding in findings {
            case(&path, finding, out)?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

/// How many there are, how many of them fail, and how many are advice.
fn counts(findings: &[&Finding]) -> (usize, usize, usize) {
    let advice = findings.iter().filter(|one| is_advice(one)).count();
    (findings.len(), findings.len() - advice, advice)
}

fn is_advice(finding: &Finding) -> bool {
    finding.severity == Severity::Info
}

fn case(path: &str, finding: &Finding, out: &mut dyn io::Write) -> io::Result<()> {
    let at = position::of(&finding.place).start;
    let (line, column) = (at.line, at.column);
    writeln!(
        out,
        // Of two tests of one name some readers show the first alone.
        r#"    <testcase name="{} at {line}:{column}" classname="{}" file="{}" line="{line}">"#,
        finding.rule,
        escaped(path),
        escaped(path)
    )?;
    let message = escaped(&finding.message);
    if is_advice(finding) {
        writeln!(out, r#"      <skipped message="{message}"/>"#)?;
    } else {
        let text = escaped(&with_help(finding));
        writeln!(
            out,
            r#"      <failure type="{}" message="{message}">line {line}, column {column}: {text}</failure>"#,
            finding.severity
        )?;
    }
    writeln!(out, "    </testcase>")
}
