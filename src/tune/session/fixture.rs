//! Outcomes for tests, from figures instead of runs.

use std::time::Duration;

use super::Session;
use crate::templates::Goal;
use crate::tune::anchors;
use crate::tune::candidate::{Candidate, Origin};
use crate::tune::judge::{Tried, tests};
use crate::tune::search_space;
use crate::tune::size::MIB;
use crate::tune::workload::Work;
use crate::tune::{Interrupt, Limit, Options, Outcome, Stop, Watcher, Workload};

/// Nobody listens.
struct Deaf;

impl Watcher for Deaf {
    fn note(&self, _: &str) {}
    fn progress(&self, _: Duration, _: Duration, _: &str) {}
}

/// Memory in MiB, CPU time, and a figure of which more is better.
pub(in crate::tune) type Figures = (f64, f64, f64);

/// Runs with these figures, each a little different from the last, in so many processes.
pub(in crate::tune) fn tried(candidate: Candidate, figures: Figures, processes: usize) -> Tried {
    let (memory, cpu, metric) = figures;
    let rounds = [1.0, 1.003, 0.997, 1.001];
    let mut tried = tests::tried(&rounds.map(|noise| (memory * MIB * noise, cpu, metric)));
    for (_, run) in &mut tried.runs {
        for sample in &mut run.samples {
            sample.processes = processes;
        }
    }
    tried.candidate = candidate;
    tried
}

/// What `fix` sets, as far as its name goes.
fn fix() -> Candidate {
    let env = vec![("MALLOC_CONF".to_owned(), "narenas:2".to_owned())];
    Candidate::new(Origin::Fix, None, env)
}

/// Hands a session to `look`: the C library, what `fix` sets, and `MALLOC_ARENA_MAX=2`, with their figures.
pub(in crate::tune) fn with_session<T>(
    figures: [Figures; 3],
    processes: usize,
    look: impl FnOnce(Session<'_>) -> T,
) -> T {
    let limit = Limit {
        time: Duration::from_secs(60),
        why: "a test",
    };
    let options = Options {
        workload: Workload {
            container: None,
            command: vec!["x".into()],
            work: Work::Command,
            metric: None,
            limit,
        },
        judge: tests::judge(),
        budget: Duration::from_secs(60),
        warmup: 1,
        rounds: 30,
        candidates: 8,
        seed: 1,
        allocators: None,
        libs: Vec::new(),
        tries: Vec::new(),
    };
    let interrupt = Interrupt::default();
    let mut session = Session::new(&options, &interrupt, &Deaf);
    let candidates = [Candidate::baseline(), fix(), anchors::arena_max()];
    let all = candidates.into_iter().zip(figures);
    session.all = all
        .map(|(candidate, figures)| tried(candidate, figures, processes))
        .collect();
    session.given = 1;
    session.fix = Some(1);
    session.arena_max = Some(2);
    session.anchors = 3;
    look(session)
}

/// The outcome of such a session.
pub(in crate::tune) fn outcome(figures: [Figures; 3], processes: usize) -> Outcome {
    with_session(figures, processes, |session| session.outcome(Stop::Decided))
}

/// The same of one process, where speed is the goal.
pub(in crate::tune) fn fast_outcome(figures: [Figures; 3]) -> Outcome {
    with_session(figures, 1, |mut session| {
        if let Some(goal) = search_space::goal(Goal::Throughput) {
            session.judge.goal = goal;
        }
        session.outcome(Stop::Decided)
    })
}
