//! What requests took, counted exactly.

use std::time::Duration;

/// What the requests of a load took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Summary {
    /// How many were made.
    pub requests: u64,
    /// How many of them failed.
    pub failures: u64,
    /// From the first to the end of the last.
    pub time: Duration,
    /// The middle of what they took.
    pub p50: Duration,
    /// Nine of ten took no longer.
    pub p90: Duration,
    /// 99 of 100 took no longer.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

impl Summary {
    /// How many were answered in a second.
    #[must_use]
    pub(crate) fn per_second(&self) -> f64 {
        let answered = self.requests.saturating_sub(self.failures) as f64;
        answered / self.time.as_secs_f64().max(1e-9)
    }
}

/// What one connection saw.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// What each request took, in microseconds. One that was given up counts with the time that it had.
    pub(super) took: Vec<u32>,
    pub(super) requests: u64,
    pub(super) failures: u64,
    /// When its last was over, since the load began.
    pub(super) end: Duration,
}

impl Tally {
    /// Counts a request that took so long.
    pub(super) fn took(&mut self, time: Duration) {
        self.took
            .push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.took.extend_from_slice(&other.took);
        self.requests += other.requests;
        self.failures += other.failures;
        self.end = self.end.max(other.end);
    }

    pub(super) fn summary(mut self) -> Summary {
        self.took.sort_unstable();
        let at = |percent| Duration::from_micros(percentile(&self.took, percent).into());
        Summary {
            requests: self.requests,
            failures: self.failures,
            time: self.end,
            p50: at(50),
            p90: at(90),
            p99: at(99),
            max: at(100),
        }
    }
}

/// The smallest that so many of a hundred do not exceed (nearest rank); 0 of nothing.
fn percentile(sorted: &[u32], percent: usize) -> u32 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let hundred: Vec<u32> = (1..=100).collect();
        assert_eq!(
            [50, 90, 99, 100].map(|p| percentile(&hundred, p)),
            [50, 90, 99, 100]
        );
        let few = [1, 2, 30];
        assert_eq!(
            [50, 90, 99, 100].map(|p| percentile(&few, p)),
            [2, 30, 30, 30]
        );
        assert_eq!((percentile(&[], 99), percentile(&[7], 50)), (0, 7));
    }

    #[test]
    fn what_several_saw_is_one() {
        let mut all = Tally::default();
        for (millis, failures) in [(10, 0), (30, 1)] {
            let mut one = Tally {
                requests: 2,
                failures,
                end: Duration::from_millis(millis),
                ..Tally::default()
            };
            one.took(Duration::from_millis(millis));
            all.add(&one);
        }
        let summary = all.summary();
        assert_eq!((summary.requests, summary.failures), (4, 1));
        assert!(
            (summary.per_second() - 100.0).abs() < 1e-9,
            "three in 30 ms"
        );
        assert_eq!(
            (summary.p50, summary.max),
            (Duration::from_millis(10), Duration::from_millis(30))
        );
        assert!(Summary::default().per_second().abs() < 1e-9);
    }
}
