//! The whole of it: find libraries, choose settings, measure them in rounds, decide.

mod choice;
mod early;
#[cfg(test)]
pub(super) mod fixture;
mod outcome;

use std::time::{Duration, Instant};

use super::candidate::{self, Candidate};
use super::environment::Environment;
use super::error::{Ending, RunError, TuneError};
use super::interrupt::Interrupt;
use super::judge::{Judge, Tried};
use super::libraries;
use super::limit::{Deadline, Limit};
use super::measured::Run;
use super::notes;
use super::proof::Proof;
use super::run::{self, Measured};
use super::schedule::{self, Random};
use super::size::Size;
use super::workload::{Work, Workload};
use super::{Options, Outcome, Stop, Watcher};

/// A run may take so many times what the baseline takes,
const PACE: u32 = 4;
/// and this, since the shortest ones vary.
const SLACK: Duration = Duration::from_secs(2);
/// So often a run is tried that nobody saw.
const TRIES: usize = 3;
/// The command must run so long: a shorter run says nothing about memory.
const LEAST: Duration = Duration::from_millis(200);

pub(super) struct Session<'a> {
    options: &'a Options,
    /// What is run; the first run may show more of it than was known.
    workload: Workload,
    judge: Judge,
    environment: Environment,
    interrupt: &'a Interrupt,
    watcher: &'a dyn Watcher,
    deadline: Deadline,
    random: Random,
    /// All settings: first those that are given, then the other anchors.
    all: Vec<Tried>,
    /// The C library's own allocator, and what is set now.
    given: usize,
    /// What every round measures.
    anchors: usize,
    /// What `fix` would write,
    fix: Option<usize>,
    /// and would write for other libraries than the first.
    more_fixes: Vec<Candidate>,
    arena_max: Option<usize>,
    rounds: usize,
    /// What was said of whether going on is worth it.
    told: early::Told,
    /// How long one run takes.
    estimate: Duration,
    /// The longest that the baseline's command, or load, took.
    longest: Duration,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        options: &'a Options,
        interrupt: &'a Interrupt,
        watcher: &'a dyn Watcher,
    ) -> Self {
        let environment = match &options.workload.container {
            Some(container) => Environment::of_container(container),
            None => Environment::here(),
        };
        let mut all = vec![Tried::new(Candidate::baseline())];
        if !environment.current.is_empty() {
            all.push(Tried::new(Candidate::current(&environment.current)));
        }
        Self {
            given: all.len(),
            anchors: all.len(),
            workload: options.workload.clone(),
            judge: options.judge.clone(),
            fix: None,
            more_fixes: Vec::new(),
            arena_max: None,
            told: early::Told::default(),
            options,
            environment,
            interrupt,
            watcher,
            deadline: Deadline::of(options.budget),
            random: Random(options.seed),
            all,
            rounds: 0,
            estimate: Duration::ZERO,
            longest: Duration::ZERO,
        }
    }

    pub(super) fn run(mut self) -> Result<Outcome, TuneError> {
        let (mut allocators, libraries) = libraries::chosen(self.options, self.watcher)?;
        let asked = self.options.tries.iter();
        let asked: Result<Vec<_>, _> = asked
            .map(|text| candidate::asked(text, &libraries))
            .collect();
        let asked = asked?;
        notes::on_asked(&asked, self.watcher);
        self.anchor(&allocators, &libraries, &Proof::default());
        let stop = match self.warm_up() {
            Ok(first) => {
                self.suits(&first.proof, &mut allocators, &libraries)?;
                self.anchor(&allocators, &libraries, &first.proof);
                let most = self.affordable().ok_or_else(|| self.too_short())?;
                self.choose(asked, &allocators, &libraries, most);
                self.measure()
            }
            Err(RunError::Interrupted) => Stop::Interrupted,
            Err(error) => return Err(TuneError::Baseline(error)),
        };
        Ok(self.outcome(stop))
    }

    /// Runs the baseline without counting: caches fill, and it shows how long a run takes.
    fn warm_up(&mut self) -> Result<Run, RunError> {
        let mut last = self.warm()?;
        notes::on_warm_up(&last, &self.workload, self.watcher);
        for _ in 1..self.options.warmup {
            match self.warm() {
                Err(error) if error.is_out_of_budget() => break,
                run => last = run?,
            }
        }
        if self.affordable().is_none() && self.estimate < self.deadline.left() {
            // A first run may be slow for what it reads from the disk.
            let first = self.estimate;
            match self.warm() {
                Err(error) if error.is_out_of_budget() => {}
                run => last = run?,
            }
            self.estimate = self.estimate.min(first);
        }
        Ok(last)
    }

    fn warm(&mut self) -> Result<Run, RunError> {
        self.show(0, "warm-up");
        let began = Instant::now();
        let run = self.shown()?;
        if self.workload.server().is_none() && run.wall < LEAST {
            return Err(RunError::TooShort {
                ran: run.wall,
                least: LEAST,
            });
        }
        self.estimate = began.elapsed();
        self.longest = self.longest.max(run.wall);
        if self.interrupt.came() {
            return Err(RunError::Interrupted);
        }
        Ok(run)
    }

    /// A run that shows what the command is.
    fn shown(&mut self) -> Result<Run, RunError> {
        let measured = self.seen(0);
        if matches!(&self.workload.work, Work::Unknown(_))
            && let Err(RunError::Ended {
                who: "the server",
                how: Ending::Code(0),
                ..
            }) = measured
        {
            self.watcher.note(
                "the command answered HTTP and has ended by itself: it is measured as one that does",
            );
            self.workload.work = Work::Command;
            return self.seen(0).map(|measured| measured.run);
        }
        let Measured { run, work, notes } = measured?;
        for note in notes {
            self.watcher.note(&note);
        }
        if let Some(work) = work {
            self.workload.work = work;
        }
        if let Some(settings) = self.workload.requests() {
            // By a schedule all answer as many, and it counts how soon.
            self.judge.more_is_better = Some(settings.rate.is_none());
        }
        Ok(run)
    }

    fn once(&self, index: usize) -> Result<Measured, RunError> {
        let Some(tried) = self.all.get(index) else {
            return Err(RunError::Interrupted);
        };
        run::measure(
            &self.workload,
            self.limit(index),
            &self.environment,
            &tried.candidate,
            self.deadline,
            self.interrupt,
        )
    }

    /// How long a run may take. One that takes much longer than the baseline cannot win, and one that
    /// hangs must not use up the time of all others.
    fn limit(&self, index: usize) -> Limit {
        let pace = self.longest * PACE + SLACK;
        let limit = self.workload.limit;
        if index < self.given || limit.time < pace {
            return limit;
        }
        Limit {
            time: pace,
            why: "far longer than the baseline takes",
        }
    }

    /// Halving, then rounds of the finalists; no more rounds than are wanted.
    fn measure(&mut self) -> Stop {
        let alive = self.alive().len().saturating_sub(self.anchors);
        let mut rungs = schedule::rungs(alive).into_iter().skip(1);
        while self.rounds < self.options.rounds {
            if let Err(stop) = self.round() {
                return stop;
            }
            let keep = rungs.next();
            if let Some(keep) = keep {
                self.halve(keep);
            }
            let halved = keep.is_none() || rungs.len() == 0;
            let last = self.rounds >= self.options.rounds;
            if let Some(stop) = self.settled().filter(|_| halved || last) {
                return stop;
            }
            if !last {
                self.tell_early();
            }
        }
        Stop::Rounds
    }

    /// Why more rounds would tell nothing more, if that is so.
    fn settled(&self) -> Option<Stop> {
        let alive = self.alive();
        if alive.len() <= 1 {
            let compared = self.all.iter().skip(1).any(|one| one.dropped.is_some());
            return Some(if compared {
                Stop::Undecided
            } else {
                Stop::Discarded
            });
        }
        let Some(leader) = self.ranked().first().copied() else {
            return Some(Stop::Undecided);
        };
        let apart = self.judge().undecided(&self.all, leader, &alive).is_empty();
        // Better for sure need not be worth it for sure.
        (apart && self.decide().nearly.is_none()).then_some(Stop::Decided)
    }

    /// Measures all that are left once each.
    fn round(&mut self) -> Result<(), Stop> {
        let mut order = schedule::order(self.alive(), self.rounds, &mut self.random);
        if self.rounds == 0 {
            // The first word is about the anchors at least.
            order.sort_by_key(|index| *index >= self.anchors);
        }
        let count = order.len();
        for (number, index) in order.into_iter().enumerate() {
            if self.expected(index) > self.deadline.left() {
                return Err(Stop::Budget);
            }
            self.show(
                index,
                &format!("round {}, {} of {count}", self.rounds + 1, number + 1),
            );
            match self.seen(index) {
                Ok(Measured { run, .. }) => {
                    if index == 0 {
                        self.longest = self.longest.max(run.wall);
                    }
                    let rounds = self.rounds;
                    if let Some(tried) = self.all.get_mut(index) {
                        notes::on_first_run(tried, &run.proof, self.watcher);
                        tried.runs.push((rounds, run));
                    }
                    // After the last of a round it shows whether there is another.
                    if number + 1 < count {
                        self.tell_early();
                    }
                }
                Err(RunError::Interrupted) => return Err(Stop::Interrupted),
                Err(error) if error.is_out_of_budget() => return Err(Stop::Budget),
                Err(error) if index == 0 => return Err(Stop::Failed(error.to_string())),
                Err(error) => self.discard(index, &error.to_string()),
            }
        }
        self.rounds += 1;
        Ok(())
    }

    /// A run that was seen: a short one may be over before it is looked at.
    fn seen(&self, index: usize) -> Result<Measured, RunError> {
        let mut run = self.once(index);
        for _ in 1..TRIES {
            if !matches!(run, Err(RunError::Unseen)) {
                break;
            }
            run = self.once(index);
        }
        run
    }

    /// How long a run of it will take: as long as its last.
    fn expected(&self, index: usize) -> Duration {
        let runs = self
            .all
            .get(index)
            .map(|tried| tried.runs.as_slice())
            .unwrap_or_default();
        let walls = runs.last().map(|(_, run)| run.wall);
        walls.unwrap_or_default().max(self.estimate)
    }

    fn discard(&mut self, index: usize, reason: &str) {
        self.watcher
            .note(&format!("discarded {}: {reason}", self.name(index)));
        if let Some(tried) = self.all.get_mut(index) {
            tried.discarded = Some(reason.to_owned());
        }
    }

    fn halve(&mut self, keep: usize) {
        let rivals = |index: &usize| *index >= self.anchors;
        let left: Vec<usize> = self
            .ranked()
            .into_iter()
            .filter(rivals)
            .take(keep)
            .collect();
        let alive: Vec<usize> = self.alive().into_iter().filter(rivals).collect();
        for index in alive {
            if let Some(tried) = self.all.get_mut(index)
                && !left.contains(&index)
            {
                tried.dropped = Some(self.rounds);
            }
        }
    }

    /// What is still measured; the anchors always are, unless they failed.
    fn alive(&self) -> Vec<usize> {
        let is_alive = |(index, tried): (usize, &Tried)| {
            (tried.discarded.is_none() && tried.dropped.is_none()).then_some(index)
        };
        self.all.iter().enumerate().filter_map(is_alive).collect()
    }

    /// What is still measured and has a score, the best first.
    fn ranked(&self) -> Vec<usize> {
        let standings = self.judge().standings(&self.all);
        let score = |index: usize| {
            let score = standings.get(index).and_then(|one| one.score);
            (index, score.map(|score| score.mean))
        };
        let scores: Vec<_> = self.alive().into_iter().map(score).collect();
        schedule::survivors(&scores, scores.len())
    }

    /// What malloclint was started with, where that is a setting.
    fn current(&self) -> Option<usize> {
        (self.given > 1).then_some(1)
    }

    /// How much memory there is to be saved.
    fn size(&self) -> Option<Size> {
        Size::of(self.all.first()?, self.workload.server().is_some())
    }

    const fn judge(&self) -> &Judge {
        &self.judge
    }

    fn name(&self, index: usize) -> String {
        self.all
            .get(index)
            .map(|tried| tried.candidate.name.clone())
            .unwrap_or_default()
    }

    fn show(&self, index: usize, what: &str) {
        let name = self.name(index);
        self.watcher.progress(
            self.deadline.spent(),
            self.options.budget,
            &format!("{what}: {name}"),
        );
    }
}
