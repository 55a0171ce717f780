//! One run of the command under one setting: started, watched, proved, ended.

mod enter;
mod placing;
mod requests;
mod server;

use std::ffi::OsString;
use std::time::{Duration, Instant};

use super::candidate::Candidate;
use super::cgroup::Usage;
use super::child::Running;
use super::container::Contained;
use super::environment::Environment;
use super::error::{Ending, RunError};
use super::finder::Finder;
use super::interrupt::Interrupt;
use super::keeper::Kept;
use super::known::Known;
use super::limit::{Deadline, Limit};
use super::measured::Run;
use super::output::Wanted;
use super::proof::{self, Proof};
use super::ready::Ready;
use super::sampler::{Sample, Sampler};
use super::tree::Root;
use super::workload::{Load, Server, Work, Workload};
use crate::engine;
use crate::inspect::Holdings;
use crate::load::{Settings, Summary};
use placing::Came;

/// A shorter run has not been seen; the baseline must run longer.
const LEAST: Duration = Duration::from_millis(50);

/// A run, and what it showed of the command.
pub(super) struct Measured {
    pub(super) run: Run,
    /// What the command is, where that was not known before.
    pub(super) work: Option<Work>,
    /// What people should know.
    pub(super) notes: Vec<String>,
}

/// A command that was not taken for a server, and does not end.
const LISTENS: &str =
    "the command, which listens on a port (`--server` if it is a server that is never idle),";

/// Runs the workload once.
///
/// `limit` is for the command, or the load.
pub(super) fn measure(
    workload: &Workload,
    limit: Limit,
    environment: &Environment,
    candidate: &Candidate,
    deadline: Deadline,
    interrupt: &Interrupt,
) -> Result<Measured, RunError> {
    let start = Instant::now();
    if let Some(server) = workload.server() {
        free(server)?;
    }
    let ready = workload.server().and_then(|server| server.ready.as_ref());
    let wanted = Wanted {
        ready: ready.and_then(|ready| ready.line().cloned()),
        metric: workload
            .metric
            .clone()
            .filter(|_| workload.server().is_none()),
    };
    let name = engine::Container::name();
    let kept = kept(workload, environment, candidate, &name);
    let running = Running::start(&kept, &wanted, &environment.children)?;
    let mut watch = Watch {
        sampler: Sampler::new(Root::Below(running.keeper()), start),
        running,
        interrupt,
        limit,
        deadline,
        start,
        starts: start,
        contained: None,
        held: None,
        usage: None,
        requests: None,
    };
    if let Some(container) = &workload.container {
        watch.enter(container, &name)?;
        watch.starts = Instant::now();
    }
    let measured = watch.measured(workload, environment, candidate);
    measured.map_err(|error| watch.explained(error))
}

/// Whether nothing is where the server will be.
fn free(server: &Server) -> Result<(), RunError> {
    if let Some(ready) = server.ready.as_ref().filter(|ready| ready.answers()) {
        return Err(RunError::AlreadyReady(format!(
            "`--ready` is fulfilled ({})",
            already(ready)
        )));
    }
    match &server.load {
        Load::Requests(settings) => placing::unused(settings, server.at.as_ref()),
        Load::Command(_) => Ok(()),
    }
}

fn already(ready: &Ready) -> String {
    match ready {
        Ready::Http(page) => format!("{} answers", page.url()),
        Ready::Tcp(address) => format!("{address} takes connections"),
        Ready::Line(pattern) => pattern.to_string(),
    }
}

/// What the keeper is to start, in a container of that name where it is one. jemalloc is asked to say what it takes, where it can.
fn kept(workload: &Workload, environment: &Environment, candidate: &Candidate, name: &str) -> Kept {
    let mut env = candidate.env.clone();
    let library = candidate.library.as_ref();
    if library.is_some_and(|library| library.confirms)
        && let Some((_, value)) = env.iter_mut().find(|(name, _)| name == "MALLOC_CONF")
    {
        *value = proof::asking(value);
    }
    let (set, unset) = if candidate.is_current() {
        environment.unchanged()
    } else {
        environment.with(library.map(|library| library.path.as_str()), &env)
    };
    if let Some(container) = &workload.container {
        return container.kept(name, set, unset);
    }
    Kept {
        set,
        unset,
        command: workload.command.clone(),
        cleanup: Vec::new(),
    }
}

/// Times of a run.
#[derive(Clone, Copy)]
struct Times {
    /// What the command or the load took.
    wall: Duration,
    /// What ending it took.
    stopping: Duration,
    /// From when on memory counts.
    from: Duration,
}

struct Watch<'a> {
    running: Running,
    sampler: Sampler,
    interrupt: &'a Interrupt,
    limit: Limit,
    deadline: Deadline,
    start: Instant,
    /// Since when it gets ready.
    starts: Instant,
    /// The container that it runs in.
    contained: Option<Contained>,
    held: Option<Holdings>,
    usage: Option<Usage>,
    requests: Option<Summary>,
}

impl Watch<'_> {
    /// Does what that kind of command needs.
    fn measured(
        &mut self,
        workload: &Workload,
        environment: &Environment,
        candidate: &Candidate,
    ) -> Result<Measured, RunError> {
        match &workload.work {
            Work::Command => self.command(workload, candidate).map(|run| Measured {
                run,
                work: None,
                notes: Vec::new(),
            }),
            Work::Server(server) => self.server(workload, server, environment, candidate),
            Work::Unknown(server) => self.unknown(workload, server, environment, candidate),
        }
    }

    /// A command that ends by itself.
    fn command(&mut self, workload: &Workload, candidate: &Candidate) -> Result<Run, RunError> {
        let limit = self.deadline.within(self.limit);
        let ended = self.until(limit.time, |watch, pause| watch.running.wait(pause))?;
        match ended {
            Some(ending) => self.over(workload, candidate, ending),
            None => Err(self.late("the command", limit)),
        }
    }

    /// A command of which nobody knows whether it ends by itself.
    fn unknown(
        &mut self,
        workload: &Workload,
        server: &Server,
        environment: &Environment,
        candidate: &Candidate,
    ) -> Result<Measured, RunError> {
        let Load::Requests(settings) = &server.load else {
            return self.server(workload, server, environment, candidate);
        };
        let mut finder = self.finder(settings, &workload.command, false);
        let limit = self.deadline.within(self.limit);
        let found = self.until_found(&mut finder, limit.time)?;
        match found {
            Some(Came::Ended(ending)) if !finder.is_sure() => {
                let run = self.over(workload, candidate, ending)?;
                Ok(Measured {
                    run,
                    work: Some(Work::Command),
                    notes: Vec::new(),
                })
            }
            Some(came) => {
                // That it is a server at all is known since now.
                self.starts = Instant::now();
                let placed = self.place(settings, &finder, came)?;
                self.placed(server, placed, candidate)
            }
            None if finder.listens() => Err(self.late(LISTENS, limit)),
            None => Err(self.late("the command", limit)),
        }
    }

    /// What a command gave that has ended by itself.
    fn over(
        &mut self,
        workload: &Workload,
        candidate: &Candidate,
        ending: Ending,
    ) -> Result<Run, RunError> {
        let wall = self.start.elapsed();
        // What a command leaves behind belongs to its run.
        if ending != Ending::Code(0) {
            return Err(self.died("the command", ending));
        }
        let (ticks, stopping) = self.stop();
        if wall < LEAST {
            return Err(RunError::TooShort {
                ran: wall,
                least: LEAST,
            });
        }
        let metric = self.metric(workload, "the command", &self.running)?;
        let from = Duration::ZERO;
        self.result(
            candidate,
            Times {
                wall,
                stopping,
                from,
            },
            ticks,
            metric,
        )
    }

    /// Ends what still runs: the CPU time of all, and how long that took.
    fn stop(&mut self) -> (u64, Duration) {
        let began = Instant::now();
        let interrupt = self.interrupt;
        let ended = self.running.end(false, &|| interrupt.came());
        // The keeper of a container counts the engine's client alone.
        let ticks = match self.contained {
            Some(_) => self.ticks(),
            None => ended,
        };
        let took = began.elapsed();
        self.running.finish();
        (ticks, took)
    }

    /// Looks at the tree until something has come, or the time is up.
    fn until<T>(
        &mut self,
        limit: Duration,
        mut come: impl FnMut(&mut Self, Duration) -> Option<T>,
    ) -> Result<Option<T>, RunError> {
        let began = Instant::now();
        let limit = limit.min(self.deadline.left());
        loop {
            if self.interrupt.came() {
                return Err(RunError::Interrupted);
            }
            let pause = self.sampler.look()?;
            let left = limit.saturating_sub(began.elapsed());
            if let Some(found) = come(self, pause.min(left)) {
                return Ok(Some(found));
            }
            if began.elapsed() >= limit {
                return Ok(None);
            }
        }
    }

    /// What was not over in time is ended.
    fn late(&mut self, who: &'static str, limit: Limit) -> RunError {
        self.running.kill();
        RunError::Timeout {
            who,
            limit,
            tail: self.running.tail(),
        }
    }

    /// A search for the server.
    fn finder(&self, settings: &Settings, command: &[OsString], sure: bool) -> Finder {
        let reach = self.contained.as_ref().and_then(Contained::reach);
        Finder::new(settings, Known::of(command), sure).within(reach)
    }

    fn ticks(&self) -> u64 {
        self.sampler.samples.last().map_or(0, |sample| sample.ticks)
    }

    fn metric(
        &self,
        workload: &Workload,
        who: &'static str,
        printed: &Running,
    ) -> Result<Option<f64>, RunError> {
        if workload.metric.is_none() {
            return Ok(None);
        }
        printed.with_output(|output| match (output.metric, &output.no_number) {
            (Some(figure), _) => Ok(Some(figure)),
            (None, Some(text)) => Err(RunError::NoNumber(text.clone())),
            (None, None) => Err(RunError::Metric {
                who,
                tail: output.tail(),
            }),
        })
    }

    /// Puts together what was seen, once it is proved that it counts.
    fn result(
        &mut self,
        candidate: &Candidate,
        times: Times,
        ticks: u64,
        metric: Option<f64>,
    ) -> Result<Run, RunError> {
        let mut proof = self.prove(candidate)?;
        proof.libc_version = self.sampler.libc.take();
        let all = std::mem::take(&mut self.sampler.samples);
        let samples: Vec<Sample> = all
            .into_iter()
            .filter(|sample| sample.at >= times.from)
            .collect();
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        Ok(Run {
            samples,
            wall: times.wall,
            stopping: times.stopping,
            cpu: ticks as f64 / per_second as f64,
            metric,
            proof,
            held: self.held,
            usage: self.usage,
            requests: self.requests,
        })
    }

    fn prove(&self, candidate: &Candidate) -> Result<Proof, RunError> {
        let seen: Vec<_> = self.sampler.seen.values().collect();
        if !seen.iter().any(|seen| seen.maps.any) {
            return Err(RunError::Unseen);
        }
        if candidate.is_current() {
            let mut proof = proof::whatever(&seen).map_err(RunError::Proof)?;
            proof.complaint = self
                .running
                .with_output(|output| proof::complaint(output.jemalloc()));
            return Ok(proof);
        }
        let library = candidate.library.as_ref();
        let path = library.map(|library| library.path.as_str());
        let mut proof = proof::judge(&seen, path).map_err(RunError::Proof)?;
        if let Some(library) = library {
            let conf = candidate.variable("MALLOC_CONF").unwrap_or_default();
            proof.confirmed = self
                .running
                .with_output(|output| proof::confirm(conf, library.confirms, output.jemalloc()))
                .map_err(RunError::Proof)?;
        }
        Ok(proof)
    }
}
