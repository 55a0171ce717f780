//! What was judged: how many services are fine, how many are not, and of how many nobody could tell.

use std::io;

use super::{Run, harmless};
use crate::secrets::masked;
use crate::verdict::{Judged, Verdict};

/// What is listed behind a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Show {
    /// The files that were looked at, and those that were passed over
    Files,
    /// The services that could not be judged: why, and what would help
    Undecided,
    /// Those that are fine, and what they set
    Fine,
    /// Whatever starts something, and what came of it
    All,
}

/// How many services came to what.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub(super) struct Coverage {
    /// Images and containers in production that run Python, as far as can be told.
    services: usize,
    fine: usize,
    findings: usize,
    /// Those of them with advice only.
    advice_only: usize,
    undecided: usize,
}

impl Coverage {
    pub(super) fn of(run: &Run) -> Self {
        let count = |verdict: Verdict| {
            let units = run.units.iter();
            units.filter(|unit| unit.verdict == verdict).count()
        };
        let advice_only = count(Verdict::Advice);
        let mut coverage = Self {
            fine: count(Verdict::Fine),
            findings: count(Verdict::Findings) + advice_only,
            advice_only,
            undecided: count(Verdict::Undecided),
            services: 0,
        };
        coverage.services = coverage.fine + coverage.findings + coverage.undecided;
        coverage
    }

    /// `14 production images and containers: 9 fine, 3 with findings (1 only advice), 2 could not be judged`
    pub(super) fn line(self) -> String {
        if self.services == 0 {
            return "no Python service for production".into();
        }
        let advice = match self.advice_only {
            0 => String::new(),
            all if all == self.findings => " (only advice)".into(),
            some => format!(" ({some} only advice)"),
        };
        let mut parts = Vec::new();
        if self.fine > 0 {
            parts.push(format!("{} fine", self.fine));
        }
        if self.findings > 0 {
            parts.push(format!("{} with findings{advice}", self.findings));
        }
        if self.undecided > 0 {
            parts.push(format!(
                "{} could not be judged (`--show undecided`)",
                self.undecided
            ));
        }
        let what = match self.services {
            1 => "1 production image or container".into(),
            number => format!("{number} production images and containers"),
        };
        format!("{what}: {}", parts.join(", "))
    }
}

/// Lists what was asked for.
pub(super) fn list(run: &Run, show: Show, out: &mut dyn io::Write) -> io::Result<()> {
    let wanted = |unit: &&Judged| match show {
        Show::Files => false,
        Show::Undecided => unit.verdict == Verdict::Undecided,
        Show::Fine => unit.verdict == Verdict::Fine,
        Show::All => true,
    };
    if show == Show::Files {
        return files(run, out);
    }
    let mut any = false;
    for unit in run.units.iter().filter(wanted) {
        any = true;
        let verdict = unit.verdict.word();
        writeln!(
            out,
            "{}:{}: {}: {verdict}: {}",
            harmless(&unit.place.file.path),
            unit.place.line(),
            harmless(&unit.name),
            harmless(&masked(&unit.reason))
        )?;
        if !unit.help.is_empty() {
            writeln!(out, "  what would help: {}", unit.help)?;
        }
    }
    if !any {
        writeln!(out, "none")?;
    }
    Ok(())
}

fn files(run: &Run, out: &mut dyn io::Write) -> io::Result<()> {
    for (path, reason) in &run.looked_at {
        let path = harmless(path);
        match reason {
            Some(reason) => writeln!(out, "{path}: not checked: {}", harmless(reason))?,
            None => writeln!(out, "{path}: checked")?,
        }
    }
    writeln!(out, "{}", run.sources())
}
