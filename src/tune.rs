//! `malloclint tune`: runs the user's own command under one allocator setting after the other, and
//! says which is best for it.
//!
//! | what | module |
//! |---|---|
//! | what is tried, as data | `space`, with `space.toml` |
//! | the variables that are set, the libraries that are there | `environment`, `libraries` |
//! | a setting, and how it is written down; those that are always compared | `candidate`, `anchors` |
//! | start a command so that nothing of it can stay behind | `keeper`, `child`, `tree` |
//! | watch it | `procfs`, `sampler`, `change`, `output`, `ready`, `interrupt` |
//! | the same in a container | `container`, `cgroup`, `reach` |
//! | whether it is a server, and where | `known`, `listening`, `finder` |
//! | prove that what is measured is what is meant | `proof`, `notes` |
//! | what is run; one run, and its figures | `workload`, `run`, `measured` |
//! | which run is next | `schedule`, `session` |
//! | what the runs say, and of what it is too little | `statistics`, `judge`, `verdict`, `floor`, `size` |
//! | say it, and write it down | `report`, `machine`, `save` |
//!
//! It needs Linux: memory is read from `/proc`.

mod anchors;
mod candidate;
mod cgroup;
mod change;
mod child;
mod container;
mod environment;
mod error;
mod finder;
mod floor;
mod interrupt;
mod judge;
mod keeper;
mod known;
mod libraries;
mod limit;
mod listening;
mod machine;
mod measured;
mod notes;
mod output;
mod procfs;
mod proof;
mod reach;
mod ready;
pub(crate) mod report;
mod run;
mod sampler;
mod save;
mod schedule;
mod search_space;
mod session;
mod size;
mod statistics;
mod tree;
mod verdict;
mod why;
mod workload;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::templates;

pub(crate) use candidate::Origin;
pub(crate) use container::Container;
pub(crate) use environment::Beside;
pub(crate) use error::TuneError;
pub(crate) use interrupt::Interrupt;
pub(crate) use judge::{Judge, Memory, Standing, Tried};
pub(crate) use keeper::{Kept, keep};
pub(crate) use known::Known;
pub(crate) use libraries::Library;
pub(crate) use limit::Limit;
pub(crate) use machine::Machine;
pub(crate) use measured::Run;
pub(crate) use ready::Ready;
pub(crate) use sampler::Sample;
pub(crate) use save::{Saved, can_save, save};
pub(crate) use search_space::{Goal, Which};
pub(crate) use size::Size;
pub(crate) use statistics::Estimate;
pub(crate) use workload::{Load, Server, Work, Workload};

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// What is run.
    pub workload: Workload,
    /// How runs are judged.
    pub judge: Judge,
    /// How long it may take in all.
    pub budget: Duration,
    /// Runs that do not count.
    pub warmup: usize,
    /// The most rounds.
    pub rounds: usize,
    /// The most settings that are tried besides those that are always compared.
    pub candidates: usize,
    /// What drawings start from.
    pub seed: u64,
    /// The allocators that are tried; `None` = all that are there.
    pub allocators: Option<Vec<Which>>,
    /// Libraries by path.
    pub libs: Vec<PathBuf>,
    /// Settings that are asked for.
    pub tries: Vec<String>,
}

/// Why measuring ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The best is told apart from the others.
    Decided,
    /// They are too near to each other.
    Undecided,
    /// There were as many rounds as there were to be.
    Rounds,
    /// The time is up.
    Budget,
    /// Nothing is left that could be compared.
    Discarded,
    /// Ctrl-C.
    Interrupted,
    /// What all is compared with failed.
    Failed(String),
}

/// What came out.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// All settings; the first is the baseline.
    pub tried: Vec<Tried>,
    /// What is said of each.
    pub standings: Vec<Standing>,
    /// What malloclint was started with, where that is a setting.
    pub current: Option<usize>,
    /// What is there, and is kept unless another is better.
    pub stays: usize,
    /// What `fix` would write.
    pub fix: Option<usize>,
    /// `MALLOC_ARENA_MAX=2`.
    pub arena_max: Option<usize>,
    /// What all settings were measured with besides.
    pub beside: Beside,
    /// The best: the baseline, unless another is surely better.
    pub leader: Option<usize>,
    /// What looks better than the baseline, where that is not sure.
    pub nearly: Option<usize>,
    /// What is surely better, and not by enough to be recommended.
    pub too_little: Option<usize>,
    /// Those that could not be told apart from it.
    pub undecided: Vec<usize>,
    /// How large the workload is; `None` where it was never measured.
    pub size: Option<Size>,
    /// What it was measured on, and when.
    pub machine: Machine,
    pub date: SystemTime,
    /// How it was judged.
    pub judge: Judge,
    pub command: Vec<OsString>,
    /// The image that it ran in, where it ran in containers.
    pub image: Option<String>,
    /// The load, in words.
    pub load: Option<String>,
    /// The requests that were made, where they were made here.
    pub requests: Option<crate::load::Settings>,
    /// The port of the pages that name no server, as the server has it, where it was looked for or named.
    pub port: Option<u16>,
    pub seed: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// How many rounds were finished.
    pub rounds: usize,
    /// Why it ended.
    pub stop: Stop,
}

impl Outcome {
    /// Whether anything could be compared with the baseline.
    #[must_use]
    pub(crate) fn compared(&self) -> bool {
        self.standings.iter().skip(1).any(|one| one.score.is_some())
    }
}

/// Who is told how far it is.
pub(crate) trait Watcher {
    /// Something that people should know now.
    fn note(&self, text: &str);
    /// What is done now, and how much of the time has gone.
    fn progress(&self, spent: Duration, budget: Duration, what: &str);
}

/// The goal of that name.
#[must_use]
pub(crate) fn goal(name: templates::Goal) -> Option<&'static Goal> {
    search_space::goal(name)
}

/// Whether there is time for a server of that kind, and it is on this machine.
fn fits(server: &Server, budget: Duration) -> Result<(), TuneError> {
    if server.settle >= budget {
        let (settle, budget) = (
            crate::text::duration::show(server.settle),
            crate::text::duration::show(budget),
        );
        return Err(TuneError::Options(format!(
            "each run rests {settle} (`--settle`): that does not fit into a budget of {budget} (`--budget`)"
        )));
    }
    let Load::Requests(settings) = &server.load else {
        return Ok(());
    };
    for origin in settings.origins() {
        let here = origin.is_here().map_err(|error| {
            TuneError::Options(format!("there is no host for `{origin}`: {error}"))
        })?;
        if !here {
            return Err(TuneError::Options(format!(
                "`{origin}` is another machine: the load must go to the server that CMD starts here"
            )));
        }
    }
    Ok(())
}

/// Measures.
///
/// # Errors
/// Where nothing can be measured; what fails later is in the outcome.
pub(crate) fn tune(
    options: &Options,
    interrupt: &Interrupt,
    watcher: &dyn Watcher,
) -> Result<Outcome, TuneError> {
    if let Some(server) = options.workload.server() {
        fits(server, options.budget)?;
    }
    // What escapes a keeper that is killed comes here, and is ended.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).map_err(|error| {
        TuneError::System {
            what: "this system does not let a program adopt processes",
            error: error.into(),
        }
    })?;
    session::Session::new(options, interrupt, watcher).run()
}
