//! How far a run is, for people who wait.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A run that takes longer shows how far it is.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar on standard error, once a run has taken longer than is comfortable.
pub(super) struct Progress {
    bar: ProgressBar,
    start: Instant,
    wanted: bool,
}

impl Progress {
    pub(super) fn new(start: Instant, files: usize, refused: bool) -> Self {
        Self::of("files", start, files, refused)
    }

    /// The same for other things than files.
    pub(super) fn of(things: &str, start: Instant, number: usize, refused: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(number as u64), ProgressDrawTarget::hidden());
        let template = format!("{{bar:30}} {{pos}}/{{len}} {things}, {{eta}} left");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        Self {
            bar,
            start,
            wanted: !refused && io::stderr().is_terminal(),
        }
    }

    pub(super) fn step(&self) {
        self.bar.inc(1);
        if self.wanted && self.bar.is_hidden() && self.start.elapsed() > PATIENCE {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
