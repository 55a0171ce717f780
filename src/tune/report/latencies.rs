//! How long the requests took that `tune` made.

use std::time::Duration;

use super::roles::shown;
use crate::load::Summary;
use crate::tune::{Outcome, Run, Tried};

/// A line for each setting that the charts show; none where no requests were made here.
pub(super) fn latencies(outcome: &Outcome) -> Vec<String> {
    let shown = shown(outcome);
    let lines = shown.iter().filter_map(|one| line(&one.title(), one.tried));
    lines.collect()
}

fn line(title: &str, tried: &Tried) -> Option<String> {
    let count = tried.runs.last()?.1.requests?.requests;
    let typical = |time: fn(&Summary) -> Duration| {
        let of = |run: &Run| {
            let took = run.requests.as_ref();
            took.map_or(0.0, |took| time(took).as_secs_f64() * 1e3)
        };
        tried.typical(of).unwrap_or(0.0)
    };
    Some(format!(
        "{title}: {count} requests a run, p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, longest {:.1} ms{}",
        typical(|took| took.p50),
        typical(|took| took.p90),
        typical(|took| took.p99),
        typical(|took| took.max),
        failed(tried)
    ))
}

/// How many requests failed in all runs, where some did.
fn failed(tried: &Tried) -> String {
    let runs = tried.runs.iter().filter_map(|(_, run)| run.requests);
    let (failures, all) = runs.fold((0, 0), |(failures, all), took| {
        (failures + took.failures, all + took.requests)
    });
    if failures == 0 {
        return String::new();
    }
    format!("; {failures} of {all} failed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::candidate::Candidate;

    #[test]
    fn a_line_says_what_is_typical_and_what_failed() {
        let mut tried = Tried::new(Candidate::baseline());
        assert_eq!(line("glibc", &tried), None);
        for (round, millis) in [(0, 10), (1, 30), (2, 20)] {
            let time = Duration::from_millis(millis);
            let requests = Some(Summary {
                requests: 100,
                failures: u64::from(round == 1),
                time,
                p50: time,
                p90: time,
                p99: time,
                max: time * 2,
            });
            tried.runs.push((
                round,
                Run {
                    requests,
                    ..Run::default()
                },
            ));
        }
        assert_eq!(
            line("glibc", &tried).unwrap(),
            "glibc: 100 requests a run, p50 20.0 ms, p90 20.0 ms, p99 20.0 ms, longest 40.0 ms; 1 of 300 failed"
        );
    }
}
