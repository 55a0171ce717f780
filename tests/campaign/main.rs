//! `make campaign MINUTES=10`: mutants of every fixture and example of this repository, each held against what
//! malloclint promises of any file.
//!
//! `SEED=n` makes other mutants; mutant k of a seed is always the same, and `MUTANT=k` runs that one alone. `MUTANTS=n`
//! ends it after so many; where nothing is said it is a few. `JOBS` work at the same time. What breaks a
//! promise is kept below `target/campaign/`, and the campaign goes on; it ends with 1 then.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a campaign prints, and stops where it cannot go on"
)]

#[path = "../support/mod.rs"]
mod support;

mod failures;
mod mutants;
mod others;
mod seeds;
mod tally;
mod trial;

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use failures::{Failures, smaller};
use mutants::Mutant;
use others::Tried;
use seeds::Seed;
use support::buildkit::oracle;
use support::promises::Broken;
use tally::Tally;

/// So many mutants share a run of git and of BuildKit's parser. The real program runs on the first of them.
const BATCH: u64 = 200;

/// How many are tried where nobody says how long or how many.
const MUTANTS: u64 = 600;

/// A mutant that is not done after that time never will be.
const STUCK: Duration = Duration::from_secs(120);

/// So much memory the whole campaign may hold at a time, in KiB. It holds a batch of outcomes per job, and no mutant
/// makes more of itself than a few times its size: a tenth of it is what they take.
const MEMORY: u64 = 512 << 10;

const HELD: &str = "memory is bounded";

struct Campaign {
    seeds: Vec<Seed>,
    seed: u64,
    next: AtomicU64,
    /// Mutants from there on are not tried.
    last: u64,
    end: Option<Instant>,
    /// BuildKit's parser, where it is installed.
    python: Option<PathBuf>,
    /// What each job is at, and since when.
    at: Vec<Mutex<Option<(u64, Instant)>>>,
    tally: Mutex<Tally>,
    failures: Mutex<Failures>,
}

fn main() {
    let seed = asked("SEED").unwrap_or(1);
    let seeds = seeds::all();
    trial::keep_panics();
    if let Some(number) = asked("MUTANT") {
        std::process::exit(alone(seed, number, &seeds));
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let jobs = asked("JOBS").unwrap_or(cores).max(1);
    let minutes: Option<f64> = asked("MINUTES");
    let most = if minutes.is_some() { u64::MAX } else { MUTANTS };
    tell_of_the_last();
    let campaign = Arc::new(Campaign {
        seed,
        next: AtomicU64::new(0),
        last: asked("MUTANTS").unwrap_or(most),
        end: minutes.map(|minutes| Instant::now() + Duration::from_secs_f64(minutes * 60.0)),
        python: oracle::python(),
        at: (0..jobs).map(|_| Mutex::default()).collect(),
        tally: Mutex::new(Tally::new(&seeds)),
        failures: Mutex::new(Failures::of(seed)),
        seeds,
    });
    let work = |job| {
        let campaign = Arc::clone(&campaign);
        thread::spawn(move || campaign.work(job))
    };
    let workers: Vec<_> = (0..jobs).map(work).collect();
    while !workers.iter().all(thread::JoinHandle::is_finished) {
        thread::sleep(Duration::from_millis(100));
        if campaign.is_stuck() || campaign.is_full() {
            // No thread can be ended from outside: the campaign is.
            break;
        }
    }
    for worker in workers.into_iter().filter(thread::JoinHandle::is_finished) {
        worker.join().expect("the campaign itself is broken");
    }
    (0..jobs).for_each(|job| drop(std::fs::remove_file(running(job))));
    std::process::exit(campaign.told());
}

/// What the environment says under that name.
fn asked<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    let value = text.parse().ok();
    Some(value.unwrap_or_else(|| {
        println!("{name}={text} is no number");
        std::process::exit(2);
    }))
}

/// What a job is at: where the whole process dies, that stays.
fn running(job: usize) -> PathBuf {
    failures::folder().join(format!("running-{job}"))
}

fn tell_of_the_last() {
    let folder = failures::folder();
    std::fs::create_dir_all(&folder).unwrap();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("running-")
        {
            let at = std::fs::read_to_string(&path).unwrap_or_default();
            println!("the campaign before this one was ended while it was at: {at}");
            std::fs::remove_file(path).unwrap();
        }
    }
}

impl Campaign {
    /// Batches, one after the other, until the time is over.
    fn work(&self, job: usize) {
        while self.is_on() {
            let from = self.next.fetch_add(BATCH, Ordering::Relaxed);
            let numbers = from..from.saturating_add(BATCH).min(self.last);
            if numbers.is_empty() {
                return;
            }
            let mut tried = Vec::new();
            for number in numbers.take_while(|_| self.is_on()) {
                tried.push(self.one(number, job));
            }
            self.with_others(&tried.iter().collect::<Vec<_>>());
        }
    }

    fn is_on(&self) -> bool {
        self.end.is_none_or(|end| Instant::now() < end)
    }

    fn one(&self, number: u64, job: usize) -> Tried {
        *self.at[job].lock().unwrap() = Some((number, Instant::now()));
        let again = format!("SEED={} MUTANT={number}\n", self.seed);
        std::fs::write(running(job), again).unwrap();
        let mutant = mutants::mutant(self.seed, number, &self.seeds);
        let outcome = trial::run(&mutant);
        *self.at[job].lock().unwrap() = None;
        for broken in &outcome.broken {
            self.failed(&mutant, broken, |less| {
                let outcome = trial::run(less);
                outcome
                    .broken
                    .iter()
                    .any(|(promise, _)| *promise == broken.0)
            });
        }
        self.tally.lock().unwrap().count(&mutant, &outcome);
        (mutant, outcome)
    }

    /// What needs other programs.
    fn with_others(&self, tried: &[&Tried]) {
        for (mutant, broken) in others::applied(tried) {
            self.failed(mutant, &broken, |less| {
                let outcome = trial::run(less);
                !others::applied(&[&(less.clone(), outcome)]).is_empty()
            });
        }
        if let Some(python) = &self.python {
            let (wrong, asked) = others::refused(python, tried);
            for (mutant, broken) in wrong {
                self.failed(mutant, &broken, |less| {
                    let outcome = trial::run(less);
                    !others::refused(python, &[&(less.clone(), outcome)])
                        .0
                        .is_empty()
                });
            }
            self.tally.lock().unwrap().asked_buildkit += asked;
        }
        let Some((mutant, outcome)) = tried.first() else {
            return;
        };
        for broken in others::program(mutant, outcome) {
            self.failed(mutant, &broken, |_| false);
        }
        self.tally.lock().unwrap().ran_program += 1;
    }

    fn failed(&self, mutant: &Mutant, broken: &Broken, fails: impl Fn(&Mutant) -> bool) {
        let keep = self.failures.lock().unwrap().count(broken.0);
        if keep {
            let slow = broken.0 == trial::TIME;
            let small = if slow {
                mutant.clone()
            } else {
                smaller(mutant, fails)
            };
            self.failures.lock().unwrap().keep(mutant, &small, broken);
        }
    }

    fn is_stuck(&self) -> bool {
        let mut stuck = false;
        for at in &self.at {
            let Some((number, since)) = *at.lock().unwrap() else {
                continue;
            };
            if since.elapsed() > STUCK {
                let mutant = mutants::mutant(self.seed, number, &self.seeds);
                let why = format!("it was still going on after {STUCK:?}: the campaign ends here");
                self.failed(&mutant, &(trial::TIME, why), |_| false);
                stuck = true;
            }
        }
        stuck
    }

    fn is_full(&self) -> bool {
        let full = tally::peak().filter(|peak| *peak > MEMORY);
        let Some(peak) = full else { return false };
        let why = format!("{} MiB: the campaign ends here", peak >> 10);
        println!("broken: {HELD}: {why}");
        self.failures.lock().unwrap().count(HELD);
        // One of them it is.
        let at = self.at.iter().filter_map(|at| *at.lock().unwrap());
        for (number, _) in at.collect::<Vec<_>>() {
            let mutant = mutants::mutant(self.seed, number, &self.seeds);
            self.failed(&mutant, &(HELD, why.clone()), |_| false);
        }
        true
    }

    /// Prints the figures; gives the exit code.
    fn told(&self) -> i32 {
        let failures = self.failures.lock().unwrap();
        self.tally
            .lock()
            .unwrap()
            .tell(self.seed, self.python.is_some());
        for (promise, count) in &failures.counts {
            println!("broken {count} times: {promise}");
        }
        let broken: usize = failures.counts.values().sum();
        println!("{broken} failures");
        i32::from(broken > 0)
    }
}

/// One mutant, shown.
fn alone(seed: u64, number: u64, seeds: &[Seed]) -> i32 {
    let mutant = mutants::mutant(seed, number, seeds);
    println!("{:?}, fixed as {:?}", mutant.kind, mutant.way);
    for (path, bytes) in &mutant.files {
        println!("=== {path}\n{}", String::from_utf8_lossy(bytes));
    }
    let tried = (mutant.clone(), trial::run(&mutant));
    println!("=== diff\n{}", String::from_utf8_lossy(&tried.1.diff));
    let mut broken: Vec<Broken> = tried.1.broken.clone();
    broken.extend(
        others::applied(&[&tried])
            .into_iter()
            .map(|(_, broken)| broken),
    );
    if let Some(python) = oracle::python() {
        let refused = others::refused(&python, &[&tried]).0.into_iter();
        broken.extend(refused.map(|(_, broken)| broken));
    }
    broken.extend(others::program(&tried.0, &tried.1));
    for (promise, why) in &broken {
        println!("=== broken: {promise}\n{why}");
    }
    i32::from(!broken.is_empty())
}
