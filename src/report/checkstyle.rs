//! Checkstyle's report (checkstyle.org, version 4.3 of the form), which Jenkins and many editors read.

use std::io;

use super::xml::escaped;
use super::{Run, by_path, position, with_help};
use crate::finding::{Finding, Severity};

pub(super) fn write(run: &Run, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, r#"<?xml version="1.0" encoding="utf-8"?>"#)?;
    writeln!(out, r#"<checkstyle version="4.3">"#)?;
    for (path, findings) in by_path(run) {
        writeln!(out, r#"  <file name="{}">"#, escaped(&path))?;
        for finding in findings {
            error(finding, out)?;
        }
        writeln!(out, "  </file>")?;
    }
    writeln!(out, "</checkstyle>")
}

fn error(finding: &Finding, out: &mut dyn io::Write) -> io::Result<()> {
    let at = position::of(&finding.place).start;
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    writeln!(
        out,
        r#"    <error line="{}" column="{}" severity="{severity}" message="{}" source="malloclint.{}"/>"#,
        at.line,
        at.column,
        escaped(&with_help(finding)),
        finding.rule
    )
}
