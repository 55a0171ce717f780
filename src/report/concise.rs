//! One line per finding, for pipes, editors and tests.

use std::io;

use super::{Run, harmless};

pub(super) fn write(run: &Run, out: &mut dyn io::Write) -> io::Result<()> {
    for finding in &run.findings {
        let file = &finding.place.file;
        let at = file.lines().locate(&file.bytes, finding.place.span.start);
        writeln!(
            out,
            "{}:{}:{}: {}[{}] {}",
            harmless(&file.path),
            at.line,
            at.column,
            finding.severity,
            finding.rule,
            harmless(&finding.message)
        )?;
    }
    Ok(())
}
