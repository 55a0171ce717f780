//! How much memory there is to be saved: what a service grew, what a command took at its peak.

use std::fmt;

use super::judge::Tried;
use super::search_space::floor;
use super::statistics::median;

pub(crate) const MIB: f64 = 1024.0 * 1024.0;

/// How large the workload is with the C library's own allocator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Size {
    /// What a server grew from when it was ready until the end, in bytes; `None` for a command.
    pub grew: Option<f64>,
    /// The most that it held, in bytes.
    pub peak: f64,
    /// How many processes there were then.
    pub processes: usize,
}

impl Size {
    /// That of the runs without any setting; `None` without any.
    pub(super) fn of(baseline: &Tried, is_server: bool) -> Option<Self> {
        let grown: Vec<f64> = (baseline.runs.iter())
            .filter_map(|(_, run)| Some(run.end() - run.samples.first()?.memory as f64))
            .collect();
        let samples = &baseline.typical_run()?.samples;
        Some(Self {
            grew: median(&grown)
                .filter(|_| is_server)
                .map(|grown| grown.max(0.0)),
            peak: baseline.typical(|run| run.peak())?,
            processes: samples.iter().map(|sample| sample.processes).max()?,
        })
    }

    /// Whether so little can be saved that jemalloc's own caches cost as much.
    #[must_use]
    pub(crate) fn is_small(&self) -> bool {
        let all = self.grew.unwrap_or(self.peak);
        all / (self.processes.max(1) as f64) < floor().growth_mib * MIB
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let processes = match self.processes {
            1 => "1 process".to_owned(),
            several => format!("{several} processes"),
        };
        match self.grew {
            Some(grew) => write!(f, "the service grew {} in {processes}", mib(grew)),
            None => write!(
                f,
                "the command took {} at its peak in {processes}",
                mib(self.peak)
            ),
        }
    }
}

/// Bytes as people read them: `3.4 MiB`, `146 MiB`.
#[must_use]
pub(crate) fn mib(bytes: f64) -> String {
    let mib = bytes / MIB;
    format!("{mib:.*} MiB", usize::from(mib.abs() < 9.95))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::tune::Run;
    use crate::tune::candidate::Candidate;
    use crate::tune::sampler::Sample;

    fn baseline(runs: &[&[u64]]) -> Tried {
        let mut tried = Tried::new(Candidate::baseline());
        for (round, values) in runs.iter().enumerate() {
            let sample = |(at, mib): (usize, &u64)| Sample {
                at: Duration::from_secs(at as u64),
                memory: mib << 20,
                processes: 3,
                ticks: 0,
            };
            let samples = values.iter().enumerate().map(sample).collect();
            let run = Run {
                samples,
                ..Run::default()
            };
            tried.runs.push((round, run));
        }
        tried
    }

    #[test]
    fn a_service_grew_and_a_command_has_a_peak() {
        let tried = baseline(&[
            &[50, 90, 62, 62, 62],
            &[50, 95, 63, 63, 63],
            &[50, 99, 99, 99],
        ]);
        let size = Size::of(&tried, true).unwrap();
        assert_eq!(size.to_string(), "the service grew 13 MiB in 3 processes");
        let command = Size::of(&tried, false).unwrap();
        assert_eq!(
            command.to_string(),
            "the command took 95 MiB at its peak in 3 processes"
        );
        assert_eq!(Size::of(&baseline(&[]), true), None);
        let shrank = Size::of(&baseline(&[&[50, 40, 40, 40]]), true).unwrap();
        assert_eq!(shrank.grew, Some(0.0));
    }

    #[test]
    fn small_is_what_each_process_grew() {
        let of = |grew: f64, processes| Size {
            grew: Some(grew * MIB),
            peak: 500.0 * MIB,
            processes,
        };
        assert!(of(12.0, 3).is_small());
        assert!(!of(12.0, 1).is_small());
        let command = Size {
            grew: None,
            ..of(0.0, 1)
        };
        assert!(!command.is_small());
    }

    #[test]
    fn small_numbers_have_a_digit_more() {
        assert_eq!(mib(3.44 * MIB), "3.4 MiB");
        assert_eq!(mib(9.97 * MIB), "10 MiB");
        assert_eq!(mib(146.2 * MIB), "146 MiB");
    }
}
