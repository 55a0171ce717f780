//! The whole of it: find libraries, choose settings, measure them in rounds, decide.

use std::time::{Duration, Instant};

use crate::facts::Libc;

use super::candidate::{self, Candidate};
use super::duration::{self, Deadline};
use super::environment::Environment;
use super::error::{RunError, TuneError};
use super::interrupt::Interrupt;
use super::judge::{Advantage, Judge, Tried};
use super::libraries::{self, Library};
use super::measured::Run;
use super::notes;
use super::proof::{self, Proof};
use super::run::{self, Workload};
use super::schedule::{self, Random};
use super::space::Which;
use super::{Options, Outcome, Stop, Watcher, tree};

/// So many rounds tell finalists apart, or nothing does.
const MOST_ROUNDS: usize = 30;

pub(super) struct Session<'a> {
    options: &'a Options,
    environment: Environment,
    interrupt: &'a Interrupt,
    watcher: &'a dyn Watcher,
    deadline: Deadline,
    random: Random,
    all: Vec<Tried>,
    anchors: usize,
    rounds: usize,
    /// How long one run takes.
    estimate: Duration,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        options: &'a Options,
        interrupt: &'a Interrupt,
        watcher: &'a dyn Watcher,
    ) -> Self {
        let environment = Environment::of(std::env::vars_os());
        let mut all = vec![Tried::new(Candidate::baseline())];
        if !environment.current.is_empty() {
            all.push(Tried::new(Candidate::current(&environment.current)));
        }
        Self {
            anchors: all.len(),
            options,
            environment,
            interrupt,
            watcher,
            deadline: Deadline::of(options.budget),
            random: Random(options.seed),
            all,
            rounds: 0,
            estimate: Duration::ZERO,
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
        let stop = match self.warm_up() {
            Ok(first) => {
                self.suits(&first.proof, &mut allocators, &libraries)?;
                let most = self.affordable()?;
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
        self.show(0, "warm-up");
        let mut began = Instant::now();
        let mut last = self.once(0)?;
        self.estimate = began.elapsed();
        for _ in 1..self.options.warmup {
            self.show(0, "warm-up");
            began = Instant::now();
            match self.once(0) {
                Err(error) if error.is_out_of_budget() => break,
                run => last = run?,
            }
            self.estimate = began.elapsed();
        }
        Ok(last)
    }

    /// Whether the libraries can have an effect on the command.
    fn suits(
        &mut self,
        baseline: &Proof,
        allocators: &mut Vec<Which>,
        libraries: &[Library],
    ) -> Result<(), TuneError> {
        for library in libraries {
            proof::can_preload(baseline, &library.path, library.libc)
                .map_err(|reason| TuneError::Baseline(RunError::Proof(reason)))?;
        }
        if let Some(libc) = baseline.libc.filter(|libc| *libc != Libc::Glibc) {
            // It reads none of glibc's variables.
            allocators.retain(|which| *which != Which::Glibc);
            if let Some(first) = self.all.first_mut() {
                first.candidate.rename_libc(libc);
            }
        }
        Ok(())
    }

    fn once(&self, index: usize) -> Result<Run, RunError> {
        let Some(tried) = self.all.get(index) else {
            return Err(RunError::Interrupted);
        };
        let workload: &Workload = &self.options.workload;
        let done = run::measure(
            workload,
            &self.environment,
            &tried.candidate,
            self.deadline,
            self.interrupt,
        );
        // What escaped a keeper that somebody killed has come here.
        tree::kill_below(std::process::id(), &[], Duration::from_secs(5));
        done
    }

    fn affordable(&self) -> Result<usize, TuneError> {
        let left = self.deadline.left();
        let one = self.estimate.as_secs_f64().max(1e-3);
        let runs = (left.as_secs_f64() / one) as usize;
        let most = self.options.candidates;
        schedule::affordable(runs, self.anchors, most).ok_or_else(|| TuneError::Budget {
            budget: duration::show(self.options.budget),
            run: duration::show(self.estimate),
            runs: schedule::least_runs(self.anchors),
        })
    }

    fn choose(
        &mut self,
        asked: Vec<Candidate>,
        which: &[Which],
        libraries: &[Library],
        most: usize,
    ) {
        let takes = |library: &Library, conf: &str| libraries::takes(library, conf).is_ok();
        let most = most.max(asked.len());
        let chosen = candidate::all(asked, which, libraries, most, &mut self.random, &takes);
        for candidate in chosen {
            let mut tried = Tried::new(candidate);
            let conf = tried.candidate.variable("MALLOC_CONF");
            if let (Some(conf), Some(library)) = (conf, &tried.candidate.library)
                && let Err(reason) = libraries::takes(library, conf)
            {
                self.watcher
                    .note(&format!("discarded {}: {reason}", tried.candidate.name));
                tried.discarded = Some(reason);
            }
            self.all.push(tried);
        }
    }

    /// Halving, then rounds of the finalists.
    fn measure(&mut self) -> Stop {
        let alive = self.alive().len().saturating_sub(self.anchors);
        for keep in schedule::rungs(alive).into_iter().skip(1) {
            if let Err(stop) = self.round() {
                return stop;
            }
            self.halve(keep);
        }
        while self.rounds < MOST_ROUNDS {
            if let Err(stop) = self.round() {
                return stop;
            }
            if self.alive().len() <= 1 {
                return Stop::Discarded;
            }
            let alive = self.alive();
            let Some(leader) = self.leader() else {
                return Stop::Undecided;
            };
            if self.judge().undecided(&self.all, leader, &alive).is_empty() {
                return Stop::Decided;
            }
        }
        Stop::Undecided
    }

    /// Measures all that are left once each.
    fn round(&mut self) -> Result<(), Stop> {
        let order = schedule::order(self.alive(), self.rounds, &mut self.random);
        let count = order.len();
        for (number, index) in order.into_iter().enumerate() {
            if self.expected(index) > self.deadline.left() {
                return Err(Stop::Budget);
            }
            self.show(
                index,
                &format!("round {}, {} of {count}", self.rounds + 1, number + 1),
            );
            match self.once(index) {
                Ok(run) => {
                    let rounds = self.rounds;
                    if let Some(tried) = self.all.get_mut(index) {
                        notes::on_first_run(tried, &run.proof, self.watcher);
                        tried.runs.push((rounds, run));
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
        let standings = self.judge().standings(&self.all);
        let scores: Vec<(usize, Option<f64>)> = self
            .alive()
            .into_iter()
            .filter(|index| *index >= self.anchors)
            .map(|index| {
                (
                    index,
                    standings
                        .get(index)
                        .and_then(|one| one.score)
                        .map(|score| score.mean),
                )
            })
            .collect();
        let left = schedule::survivors(&scores, keep);
        for (index, _) in scores {
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

    fn leader(&self) -> Option<usize> {
        let standings = self.judge().standings(&self.all);
        let scores: Vec<(usize, Option<f64>)> = self
            .alive()
            .into_iter()
            .map(|index| {
                (
                    index,
                    standings
                        .get(index)
                        .and_then(|one| one.score)
                        .map(|score| score.mean),
                )
            })
            .collect();
        schedule::survivors(&scores, 1).first().copied()
    }

    const fn judge(&self) -> &Judge {
        &self.options.judge
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

    fn outcome(self, stop: Stop) -> Outcome {
        let (leader, nearly) = self.winner();
        let alive = self.alive();
        let undecided = leader
            .map(|leader| self.judge().undecided(&self.all, leader, &alive))
            .unwrap_or_default();
        let standings = self.judge().standings(&self.all);
        let server = self.options.workload.server.as_ref();
        Outcome {
            current: self.current(),
            judge: self.options.judge.clone(),
            command: self.options.workload.command.clone(),
            load: server.map(|server| server.load.clone()),
            seed: self.options.seed,
            elapsed: self.deadline.spent(),
            rounds: self.rounds,
            nearly,
            tried: self.all,
            standings,
            leader,
            undecided,
            stop,
        }
    }

    /// What malloclint was started with, where that is a setting.
    fn current(&self) -> Option<usize> {
        (self.anchors > 1).then_some(1)
    }

    /// The best, and what only looks better. Without proof that another is better, what is there
    /// anyway stays: the setting of now, else none.
    fn winner(&self) -> (Option<usize>, Option<usize>) {
        let is_alive = |index: &usize| {
            self.all
                .get(*index)
                .is_some_and(|one| one.discarded.is_none())
        };
        let stays = self.current().filter(is_alive).unwrap_or(0);
        let Some(first) = self.leader() else {
            return (None, None);
        };
        let advantage = self.judge().advantage(&self.all, first, stays);
        match advantage {
            _ if first == stays => (Some(stays), None),
            Advantage::Sure => (Some(first), None),
            Advantage::Likely => (Some(stays), Some(first)),
            Advantage::None => (Some(stays), None),
        }
    }
}
