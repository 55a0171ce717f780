//! What one run gave, and the figures that are taken from it.

use std::time::Duration;

use super::cgroup::Usage;
use super::proof::Proof;
use super::sampler::{INTERVAL, Sample};
use super::statistics::median;
use crate::inspect::Holdings;
use crate::load::Summary;

/// What a run gave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    /// The memory over time, from when it counts.
    pub samples: Vec<Sample>,
    /// How long the command or the load took.
    pub wall: Duration,
    /// How long ending it took.
    pub stopping: Duration,
    /// CPU seconds of the whole tree, from when it counts.
    pub cpu: f64,
    /// The user's own figure.
    pub metric: Option<f64>,
    /// What was proved of the allocator.
    pub proof: Proof,
    /// What the processes of a server held at rest, where that could be read.
    pub held: Option<Holdings>,
    /// What the control group of its container took at rest, where that could be read.
    pub usage: Option<Usage>,
    /// What the requests took, where they were made here.
    pub requests: Option<Summary>,
}

impl Run {
    /// The highest memory, in bytes.
    #[must_use]
    pub(crate) fn peak(&self) -> f64 {
        self.samples
            .iter()
            .map(|sample| sample.memory as f64)
            .fold(0.0, f64::max)
    }

    /// The mean over time: each sample holds until the next.
    #[must_use]
    pub(crate) fn mean(&self) -> f64 {
        let mut area = 0.0;
        let mut time = 0.0;
        for (one, next) in self.samples.iter().zip(self.samples.iter().skip(1)) {
            let lasted = next.at.saturating_sub(one.at).as_secs_f64();
            area += one.memory as f64 * lasted;
            time += lasted;
        }
        if time > 0.0 { area / time } else { self.peak() }
    }

    /// The memory at the end: the middle of the last half second of looks.
    #[must_use]
    pub(crate) fn end(&self) -> f64 {
        const LAST: usize = 10;
        let last = self.samples.iter().rev().take(LAST);
        let values: Vec<f64> = last.map(|sample| sample.memory as f64).collect();
        median(&values).unwrap_or(0.0)
    }

    /// Between two looks on average, for reports.
    #[must_use]
    pub(crate) fn interval(&self) -> Duration {
        let (first, last) = (self.samples.first(), self.samples.last());
        let span = first
            .zip(last)
            .map(|(first, last)| last.at.saturating_sub(first.at));
        let count = u32::try_from(self.samples.len().saturating_sub(1)).unwrap_or(u32::MAX);
        span.and_then(|span| span.checked_div(count))
            .unwrap_or(INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(samples: &[(u64, u64)]) -> Run {
        let sample = |(at, memory): &(u64, u64)| Sample {
            at: Duration::from_millis(*at),
            memory: *memory,
            processes: 1,
            ticks: 0,
        };
        Run {
            samples: samples.iter().map(sample).collect(),
            ..Run::default()
        }
    }

    #[test]
    fn memory_is_weighed_by_time() {
        let run = run(&[(0, 100), (10, 300), (40, 100)]);
        assert!((run.peak() - 300.0).abs() < 1e-9);
        assert!(
            (run.mean() - 250.0).abs() < 1e-9,
            "10 ms at 100, 30 ms at 300"
        );
        assert!((run.end() - 100.0).abs() < 1e-9);
        assert_eq!(run.interval(), Duration::from_millis(20));
    }

    #[test]
    fn one_look_is_enough_for_a_figure() {
        let run = run(&[(0, 100)]);
        assert!((run.mean() - 100.0).abs() < 1e-9 && (run.end() - 100.0).abs() < 1e-9);
    }
}
