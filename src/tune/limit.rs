//! How long something may take.

use std::time::{Duration, Instant};

/// How long something may take, and what says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub time: Duration,
    /// What says so, for a message.
    pub why: &'static str,
}

/// When the time for everything is up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    start: Instant,
    budget: Duration,
}

impl Deadline {
    /// The budget, from now on.
    #[must_use]
    pub(crate) fn of(budget: Duration) -> Self {
        Self {
            start: Instant::now(),
            budget,
        }
    }

    /// How much has gone.
    #[must_use]
    pub(crate) fn spent(&self) -> Duration {
        self.start.elapsed()
    }

    /// How much is left.
    #[must_use]
    pub(crate) fn left(&self) -> Duration {
        self.budget.saturating_sub(self.spent())
    }

    /// The limit, or the whole budget where less than it is left.
    #[must_use]
    pub(crate) fn within(&self, limit: Limit) -> Limit {
        if limit.time < self.left() {
            return limit;
        }
        Limit {
            time: self.budget,
            why: BUDGET,
        }
    }
}

/// What says how long everything may take.
pub(crate) const BUDGET: &str = "`--budget`";
