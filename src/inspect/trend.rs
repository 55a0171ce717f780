//! What grows over time, and how sure that is.

use std::time::Duration;

use serde::Serialize;

use super::account::Account;

/// What one look at a process showed: bytes.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sample {
    pub(crate) pid: u32,
    /// Since the first look.
    pub(crate) seconds: f64,
    pub(crate) rss: u64,
    pub(crate) anonymous: u64,
    pub(crate) live: u64,
    pub(crate) free: u64,
    pub(crate) free_pages: u64,
    pub(crate) tops: u64,
    pub(crate) free_small: u64,
    pub(crate) dirty: u64,
    pub(crate) pymalloc_live: u64,
    pub(crate) pymalloc_free: u64,
    pub(crate) threads: u64,
    /// The allocator's memory could be read.
    pub(crate) known: bool,
}

impl Sample {
    pub(crate) fn of(account: &Account, at: Duration) -> Self {
        Self {
            pid: account.pid,
            seconds: at.as_secs_f64(),
            rss: account.status.resident,
            anonymous: account.status.anonymous,
            live: account.live(),
            free: account.free(),
            free_pages: account.in_heaps(|heap| heap.free_pages),
            tops: account.in_heaps(|heap| heap.top),
            free_small: account.in_heaps(super::glibc::Heap::small),
            dirty: account
                .jemalloc()
                .map_or(0, |jemalloc| jemalloc.free_resident),
            pymalloc_live: account.pymalloc.live,
            pymalloc_free: account.pymalloc.free,
            threads: account.status.threads,
            known: account.verdict.kind != super::verdict::Kind::Unknown,
        }
    }
}

/// What grew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Growth {
    /// What is in use: a leak, a cache that fills, more work.
    Live,
    /// What is kept free.
    Free,
    Both,
    /// Memory that no figure here explains.
    Other,
    Nothing,
    /// There were too few looks to say.
    Unknown,
}

/// How sure that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Sureness {
    Unclear,
    Likely,
    Sure,
}

/// What became of one process.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Trend {
    pub(crate) pid: u32,
    pub(crate) looks: usize,
    pub(crate) seconds: f64,
    pub(crate) growth: Growth,
    pub(crate) sureness: Sureness,
    /// Bytes an hour.
    pub(crate) anonymous_per_hour: f64,
    pub(crate) live_per_hour: f64,
    pub(crate) free_per_hour: f64,
}

/// Fewer looks say nothing.
const LEAST_LOOKS: usize = 5;
/// Growth is some at this share of what there was, and not below so many bytes.
const NOTABLE: f64 = 0.02;
const LITTLE: f64 = (1 << 20) as f64;

/// The trend of one process, by its samples in their order.
pub(crate) fn of(samples: &[&Sample]) -> Option<Trend> {
    let (first, last) = (samples.first()?, samples.last()?);
    let line = |of: fn(&Sample) -> u64| Line::through(samples, of);
    let (rss, live, free) = (
        line(|sample| sample.anonymous),
        line(|sample| sample.live),
        line(|sample| sample.free),
    );
    let seconds = last.seconds - first.seconds;
    let known = samples.iter().all(|sample| sample.known);
    let (growth, sureness) = if samples.len() < LEAST_LOOKS {
        (Growth::Unknown, Sureness::Unclear)
    } else {
        growth(known, rss, live, free)
    };
    Some(Trend {
        pid: first.pid,
        looks: samples.len(),
        seconds,
        growth,
        sureness,
        anonymous_per_hour: rss.slope * 3600.0,
        live_per_hour: live.slope * 3600.0,
        free_per_hour: free.slope * 3600.0,
    })
}

/// What is in use may grow by addresses alone, and what is free may be used: nothing grows where memory does not.
fn growth(known: bool, all: Line, live: Line, free: Line) -> (Growth, Sureness) {
    let Some(sure) = all.rises() else {
        return (Growth::Nothing, all.rests());
    };
    match (
        known.then(|| live.rises()).flatten(),
        known.then(|| free.rises()).flatten(),
    ) {
        (Some(live), Some(free)) => (Growth::Both, sure.min(live).min(free)),
        (Some(live), None) => (Growth::Live, sure.min(live)),
        (None, Some(free)) => (Growth::Free, sure.min(free)),
        (None, None) => (Growth::Other, sure),
    }
}

/// A straight line through samples (least squares), and how far they lie from it.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// Bytes a second.
    slope: f64,
    /// The slope in units of its standard error.
    weight: f64,
    /// What it rises from the first sample to the last.
    rise: f64,
    start: f64,
    /// The samples of the last third lie above all of the first third.
    is_apart: bool,
}

impl Line {
    fn through(samples: &[&Sample], of: fn(&Sample) -> u64) -> Self {
        let points: Vec<(f64, f64)> = samples
            .iter()
            .map(|sample| (sample.seconds, of(sample) as f64))
            .collect();
        let count = points.len().max(1) as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
        let (middle, level) = (mean(|point| point.0), mean(|point| point.1));
        let spread: f64 = points.iter().map(|(x, _)| (x - middle).powi(2)).sum();
        let common: f64 = points.iter().map(|(x, y)| (x - middle) * (y - level)).sum();
        let slope = if spread > 0.0 { common / spread } else { 0.0 };
        let apart = |(x, y): &(f64, f64)| (y - level - slope * (x - middle)).powi(2);
        let residual = points.iter().map(apart).sum::<f64>() / (count - 2.0).max(1.0);
        let error = (residual / spread.max(f64::MIN_POSITIVE)).sqrt();
        let third = points.len() / 3;
        let values = |part: &mut dyn Iterator<Item = &(f64, f64)>| {
            part.map(|point| point.1).collect::<Vec<_>>()
        };
        let early = values(&mut points.iter().take(third));
        let late = values(&mut points.iter().rev().take(third));
        let most = early.iter().copied().fold(f64::MIN, f64::max);
        let least = late.iter().copied().fold(f64::MAX, f64::min);
        let span =
            points.last().map_or(0.0, |last| last.0) - points.first().map_or(0.0, |first| first.0);
        Self {
            slope,
            weight: slope / error.max(1.0 / 3600.0),
            rise: slope * span,
            start: points.first().map_or(0.0, |first| first.1),
            is_apart: third > 0 && least > most,
        }
    }

    /// How sure it is that it rises by something notable; `None` where it does not.
    fn rises(&self) -> Option<Sureness> {
        let enough = self.rise >= LITTLE.max(self.start * NOTABLE);
        match self.weight {
            weight if enough && weight >= 8.0 && self.is_apart => Some(Sureness::Sure),
            weight if enough && weight >= 4.0 => Some(Sureness::Likely),
            _ => None,
        }
    }

    /// How sure it is that it does not.
    fn rests(&self) -> Sureness {
        if self.rise.abs() < LITTLE.max(self.start * NOTABLE) {
            Sureness::Sure
        } else {
            Sureness::Unclear
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(of: impl Fn(usize) -> (u64, u64)) -> Vec<Sample> {
        let one = |index: usize| {
            let (live, free) = of(index);
            Sample {
                pid: 41,
                seconds: index as f64 * 10.0,
                rss: (live + free) << 20,
                anonymous: (live + free) << 20,
                live: live << 20,
                free: free << 20,
                free_pages: 0,
                tops: 0,
                free_small: 0,
                dirty: 0,
                pymalloc_live: 0,
                pymalloc_free: 0,
                threads: 1,
                known: true,
            }
        };
        (0..15).map(one).collect()
    }

    fn trend(of: impl Fn(usize) -> (u64, u64)) -> (Growth, Sureness) {
        let samples = samples(of);
        let trend = super::of(&samples.iter().collect::<Vec<_>>()).unwrap();
        (trend.growth, trend.sureness)
    }

    #[test]
    fn what_grows_is_told() {
        let noise = |index: usize| [3, 0, 4, 1, 5, 2][index % 6];
        let leak = trend(|index| (40 + 10 * index as u64 + noise(index), 20 + noise(index)));
        assert_eq!(leak, (Growth::Live, Sureness::Sure));
        let kept = trend(|index| (40 + noise(index), 20 + 10 * index as u64));
        assert_eq!(kept, (Growth::Free, Sureness::Sure));
        let both = trend(|index| (40 + 5 * index as u64, 20 + 5 * index as u64));
        assert_eq!(both, (Growth::Both, Sureness::Sure));
        assert_eq!(trend(|_| (40, 20)), (Growth::Nothing, Sureness::Sure));
        // Up and down again is no trend.
        let wave = trend(|index| (40 + [0, 30, 60, 30, 0][index % 5], 20));
        assert_eq!(wave.0, Growth::Nothing);
    }

    #[test]
    fn a_few_looks_say_nothing() {
        let samples = samples(|index| (40 + 10 * index as u64, 20));
        let few: Vec<&Sample> = samples.iter().take(3).collect();
        assert_eq!(super::of(&few).unwrap().growth, Growth::Unknown);
        assert!(super::of(&[]).is_none());
    }
}
