//! The whole of it: find libraries, choose settings, measure them in rounds, decide.

use std::time::{Duration, Instant};

use crate::facts::{Family, Libc};

use super::candidate::{self, Candidate};
use super::environment::Environment;
use super::error::{RunError, TuneError};
use super::interrupt::Interrupt;
use super::judge::{Judge, Tried};
use super::libraries::{self, Library};
use super::measured::Run;
use super::proof::{self, Proof};
use super::run::{self, Workload};
use super::schedule::{self, Random};
use super::space::Which;
use super::{Options, Outcome, Stop, Watcher, duration, tree};

/// So many rounds tell finalists apart, or nothing does.
const MOST_ROUNDS: usize = 30;

pub(super) struct Session<'a> {
    options: &'a Options,
    environment: Environment,
    interrupt: &'a Interrupt,
    watcher: &'a dyn Watcher,
    start: Instant,
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
            start: Instant::now(),
            random: Random(options.seed),
            all,
            rounds: 0,
            estimate: Duration::ZERO,
        }
    }

    pub(super) fn run(mut self) -> Result<Outcome, TuneError> {
        let (mut allocators, libraries) = self.libraries()?;
        let asked = self.options.tries.iter();
        let asked: Result<Vec<_>, _> = asked
            .map(|text| candidate::asked(text, &libraries))
            .collect();
        let asked = asked?;
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

    /// The allocators that are tried, and their libraries.
    fn libraries(&self) -> Result<(Vec<Which>, Vec<Library>), TuneError> {
        let mut libraries = Vec::new();
        for path in &self.options.libs {
            libraries.push(libraries::at(path).map_err(TuneError::Library)?);
        }
        let allocators = self.options.allocators.clone();
        let allocators = allocators.unwrap_or_else(|| Which::ALL.to_vec());
        for which in &allocators {
            let named = |library: &Library| Some(library.family) == which.family();
            if which.family().is_none() || libraries.iter().any(named) {
                continue;
            }
            match libraries::find(*which) {
                Some(library) => libraries.push(library),
                None => self.missing(*which)?,
            }
        }
        let deaf = |library: &&Library| {
            library.family == Family::Jemalloc && libraries::ignores_conf(library)
        };
        match libraries.iter().find(deaf) {
            Some(deaf) => Err(TuneError::Library(format!(
                "{}: this build does not read MALLOC_CONF (it has a prefix, or no user configuration)",
                deaf.path
            ))),
            None => Ok((allocators, libraries)),
        }
    }

    /// What nearly everybody means must be there, and what is asked for; others may be missing.
    fn missing(&self, which: Which) -> Result<(), TuneError> {
        let name = which.name();
        let hint = which.family().and_then(libraries::install);
        let install = hint.map_or_else(String::new, |command| {
            format!(": install it with `{command}`")
        });
        if self.options.allocators.is_some() || which == Which::Jemalloc {
            let others = "name it with `--libs PATH`, or leave it out with `--allocators`";
            return Err(TuneError::Library(format!(
                "the loader finds no {name} here{install}, {others}"
            )));
        }
        self.watcher.note(&format!(
            "{name} is not tried: the loader finds none here{install}"
        ));
        Ok(())
    }

    /// Runs the baseline without counting: caches fill, and it shows how long a run takes.
    fn warm_up(&mut self) -> Result<Run, RunError> {
        let mut warm = self.options.warmup;
        loop {
            self.show(0, "warm-up");
            let began = Instant::now();
            let run = self.once(0)?;
            self.estimate = began.elapsed();
            warm = warm.saturating_sub(1);
            if warm == 0 {
                return Ok(run);
            }
        }
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
            self.interrupt,
        );
        // What escaped a keeper that somebody killed has come here.
        tree::kill_below(std::process::id(), &[], Duration::from_secs(5));
        done
    }

    fn affordable(&self) -> Result<usize, TuneError> {
        let left = self.options.budget.saturating_sub(self.start.elapsed());
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
            let spent = self.start.elapsed();
            if spent + self.expected(index) > self.options.budget {
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
                        tried.runs.push((rounds, run));
                    }
                }
                Err(RunError::Interrupted) => return Err(Stop::Interrupted),
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
            self.start.elapsed(),
            self.options.budget,
            &format!("{what}: {name}"),
        );
    }

    fn outcome(self, stop: Stop) -> Outcome {
        let first = self.leader();
        let alive = self.alive();
        let sure = |index: &usize| *index == 0 || self.judge().is_better(&self.all, *index);
        // Without proof that another is better, what everybody has anyway stays.
        let leader = first.map(|first| if sure(&first) { first } else { 0 });
        let undecided = leader
            .map(|leader| self.judge().undecided(&self.all, leader, &alive))
            .unwrap_or_default();
        let standings = self.judge().standings(&self.all);
        Outcome {
            current: (self.anchors > 1).then_some(1),
            judge: self.options.judge.clone(),
            command: self.options.workload.command.clone(),
            load: self
                .options
                .workload
                .server
                .as_ref()
                .map(|server| server.load.clone()),
            seed: self.options.seed,
            elapsed: self.start.elapsed(),
            rounds: self.rounds,
            nearly: first.filter(|first| Some(*first) != leader),
            tried: self.all,
            standings,
            leader,
            undecided,
            stop,
        }
    }
}
