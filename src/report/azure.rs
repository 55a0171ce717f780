//! Issues of Azure Pipelines (learn.microsoft.com, "Logging commands", `task.logissue`). It knows errors and warnings; advice is no
//! issue there, and is a line of the log.

use std::io;

use super::{Run, counts, harmless, position, with_help};
use crate::finding::{Finding, Severity};

pub(super) fn write(run: &Run, out: &mut dyn io::Write) -> io::Result<()> {
    for finding in &run.findings {
        writeln!(out, "{}", command(run, finding))?;
    }
    writeln!(out, "{} in {}", counts(run), run.sources())
}

fn command(run: &Run, finding: &Finding) -> String {
    let at = position::of(&finding.place).start;
    let path = run.in_repository(&finding.place.file.path);
    let kind = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => {
            let (rule, message) = (finding.rule, harmless(&finding.message));
            return format!("{}:{}: info[{rule}] {message}", harmless(&path), at.line);
        }
    };
    format!(
        "##vso[task.logissue type={kind};sourcepath={};linenumber={};columnnumber={};code={};]{}",
        property(&path),
        at.line,
        at.column,
        finding.rule,
        data(&with_help(finding))
    )
}

/// The text of a command (azure-pipelines-agent, `CommandStringConvertor`): a `%` is written otherwise, so that nothing is taken for what
/// it was not.
fn data(text: &str) -> String {
    let plain = text.replace('%', "%AZP25");
    let plain = plain.replace('\r', "%0D").replace('\n', "%0A");
    harmless(&plain).into_owned()
}

fn property(text: &str) -> String {
    data(text).replace(']', "%5D").replace(';', "%3B")
}
