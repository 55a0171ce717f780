//! What became of processes over time, on a terminal.

use std::io;

use crate::inspect::trend::{Growth, Sample, Sureness, Trend};

/// Signs of a curve.
const ACROSS: usize = 48;
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A curve: its name, and its value at a look.
type Curve = (&'static str, fn(&Sample) -> u64);

/// What is drawn over time.
pub(super) const CURVES: [Curve; 3] = [
    ("RSS", |sample| sample.rss),
    ("live", |sample| sample.live),
    ("free", |sample| sample.free),
];

/// One look, as it is taken.
///
/// # Errors
/// Where the output cannot be written.
pub(crate) fn look(sample: &Sample, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(
        out,
        "{:>7.0} s  pid {:<8} RSS {:>6} MiB   live {:>6} MiB   free {:>6} MiB",
        sample.seconds,
        sample.pid,
        sample.rss >> 20,
        sample.live >> 20,
        sample.free >> 20
    )
}

/// The curves of one process, and what they mean.
///
/// # Errors
/// Where the output cannot be written.
pub(crate) fn write(samples: &[&Sample], trend: &Trend, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(
        out,
        "pid {}, {} looks in {:.0} s",
        trend.pid, trend.looks, trend.seconds
    )?;
    let most = samples.iter().map(|sample| sample.rss).max().unwrap_or(0);
    for (name, of) in CURVES {
        let values: Vec<u64> = samples.iter().map(|sample| of(sample)).collect();
        let (first, last) = (values.first().unwrap_or(&0), values.last().unwrap_or(&0));
        writeln!(
            out,
            "  {name:<5} {}  {} -> {} MiB",
            curve(&values, most),
            first >> 20,
            last >> 20
        )?;
    }
    for line in textwrap::wrap(&meaning(trend), 78) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Values as a line of bars, joined where there are too many.
fn curve(values: &[u64], most: u64) -> String {
    let each = values.len().div_ceil(ACROSS).max(1);
    let bar = |values: &[u64]| {
        let mean = values.iter().sum::<u64>() / values.len().max(1) as u64;
        let level = mean.saturating_mul(LEVELS.len() as u64) / most.max(1);
        let level = usize::try_from(level).unwrap_or(0).min(LEVELS.len() - 1);
        LEVELS.get(level).copied().unwrap_or(' ')
    };
    values.chunks(each).map(bar).collect()
}

/// What a trend means, and what to do.
pub(crate) fn meaning(trend: &Trend) -> String {
    let sure = match trend.sureness {
        Sureness::Sure => "sure",
        Sureness::Likely => "likely, not sure",
        Sureness::Unclear => "not clear yet",
    };
    // Some seconds say nothing of an hour.
    const LONG: f64 = 600.0;
    let rate = |an_hour: f64| {
        let an_hour = an_hour / f64::from(1 << 20);
        match trend.seconds < LONG {
            true => format!(
                "{:.1} MiB in {:.0} s",
                an_hour * trend.seconds / 3600.0,
                trend.seconds
            ),
            false => format!("{an_hour:.1} MiB an hour"),
        }
    };
    let (live, free) = (rate(trend.live_per_hour), rate(trend.free_per_hour));
    match trend.growth {
        Growth::Live => format!(
            "LIVE MEMORY GROWS by {live} ({sure}): a leak, a cache that fills, or more work; no allocator setting stops that: find what holds the \
             objects (memray, tracemalloc)"
        ),
        Growth::Free => format!("FREE MEMORY GROWS by {free} ({sure}): the allocator keeps it"),
        Growth::Both => format!("BOTH GROW ({sure}): live memory by {live}, free memory by {free}"),
        Growth::Other => format!(
            "MEMORY GROWS by {} ({sure}), and neither what allocators hold in use nor what they keep free: memory that the program maps itself, or of an \
             allocator that is not read",
            rate(trend.anonymous_per_hour)
        ),
        Growth::Nothing => format!("NOTHING GROWS ({sure})"),
        Growth::Unknown => format!("NO TREND: {} looks are too few", trend.looks),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_has_a_bar_for_each_look() {
        assert_eq!(curve(&[0, 50, 100], 100), "▁▅█");
        assert_eq!(curve(&vec![7; 1000], 7).chars().count(), 48);
        assert_eq!(curve(&[], 0), "");
    }
}
