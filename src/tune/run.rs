//! One run of the command under one setting: started, watched, proved, ended.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use regex::Regex;

use super::candidate::Candidate;
use super::child::Running;
use super::duration::{BUDGET, Deadline, Limit};
use super::environment::Environment;
use super::error::{Ending, RunError};
use super::interrupt::Interrupt;
use super::keeper::Kept;
use super::measured::Run;
use super::output::Wanted;
use super::proof::{self, Proof};
use super::ready::Ready;
use super::sampler::{Sample, Sampler};

/// A shorter run says nothing about memory.
const LEAST: Duration = Duration::from_millis(200);
/// A server that has made its load fail takes so long to end.
const GRACE: Duration = Duration::from_millis(500);

/// What is run.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The command.
    pub command: Vec<OsString>,
    /// Where it is a server.
    pub server: Option<Server>,
    /// The user's own figure, looked for in the output of the load, or of the command.
    pub metric: Option<Regex>,
    /// How long the command, or the load, may take.
    pub limit: Limit,
}

/// What a server needs.
#[derive(Clone, Debug)]
pub struct Server {
    /// The load, as the shell reads it.
    pub load: String,
    /// When it is ready.
    pub ready: Ready,
    /// How long that may take.
    pub ready_limit: Limit,
    /// How long it is watched after the load.
    pub settle: Duration,
}

/// Runs the workload once.
pub(super) fn measure(
    workload: &Workload,
    environment: &Environment,
    candidate: &Candidate,
    deadline: Deadline,
    interrupt: &Interrupt,
) -> Result<Run, RunError> {
    let start = Instant::now();
    if let Some(ready) = workload.server.as_ref().map(|server| &server.ready)
        && ready.answers()
    {
        return Err(RunError::AlreadyReady(format!(
            "`--ready` is fulfilled ({})",
            already(ready)
        )));
    }
    let wanted = Wanted {
        ready: workload
            .server
            .as_ref()
            .and_then(|server| server.ready.line().cloned()),
        metric: workload
            .metric
            .clone()
            .filter(|_| workload.server.is_none()),
    };
    let running = Running::start(&kept(workload, environment, candidate), &wanted)?;
    let mut watch = Watch {
        sampler: Sampler::new(running.keeper(), start),
        running,
        interrupt,
        deadline,
        start,
    };
    match &workload.server {
        None => watch.command(workload, candidate),
        Some(server) => watch.server(workload, server, environment, candidate),
    }
}

fn already(ready: &Ready) -> String {
    match ready {
        Ready::Http { host, path, .. } => format!("http://{host}{path} answers"),
        Ready::Tcp(address) => format!("{address} takes connections"),
        Ready::Line(pattern) => pattern.to_string(),
    }
}

/// What the keeper is to start. jemalloc is asked to say what it takes, where it can.
fn kept(workload: &Workload, environment: &Environment, candidate: &Candidate) -> Kept {
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
    Kept {
        set,
        unset,
        command: workload.command.clone(),
    }
}

struct Watch<'a> {
    running: Running,
    sampler: Sampler,
    interrupt: &'a Interrupt,
    deadline: Deadline,
    start: Instant,
}

impl Watch<'_> {
    /// A command that ends by itself.
    fn command(&mut self, workload: &Workload, candidate: &Candidate) -> Result<Run, RunError> {
        let limit = self.deadline.within(workload.limit);
        let ended = self.until(limit.time, |watch, pause| watch.running.wait(pause))?;
        let Some(ending) = ended else {
            return Err(self.late("the command", limit));
        };
        let wall = self.start.elapsed();
        // What a command leaves behind belongs to its run.
        let ticks = self.running.end(false);
        self.running.finish();
        if ending != Ending::Code(0) {
            return Err(self.ended("the command", ending));
        }
        if wall < LEAST {
            return Err(RunError::TooShort {
                ran: wall,
                least: LEAST,
            });
        }
        let metric = self.metric(workload, "the command", &self.running)?;
        self.result(candidate, wall, ticks, metric, Duration::ZERO)
    }

    /// A server, its load, and the time after it.
    fn server(
        &mut self,
        workload: &Workload,
        server: &Server,
        environment: &Environment,
        candidate: &Candidate,
    ) -> Result<Run, RunError> {
        self.until_ready(server)?;
        let ready = self.start.elapsed();
        let before = self.ticks();
        let began = Instant::now();
        let load = self.load(workload, server, environment)?;
        let wall = began.elapsed();
        self.settle(server)?;
        let ticks = self.ticks().saturating_sub(before);
        let metric = self.metric(workload, "the load", &load)?;
        self.running.end(false);
        self.running.finish();
        self.result(candidate, wall, ticks, metric, ready)
    }

    /// Watches the server at rest.
    fn settle(&mut self, server: &Server) -> Result<(), RunError> {
        let limit = self.deadline.within(Limit {
            time: server.settle,
            option: "--settle",
        });
        let ended = self.until(limit.time, |watch, pause| watch.running.wait(pause))?;
        match ended {
            Some(ending) => {
                self.running.finish_reading();
                Err(self.ended("the server", ending))
            }
            None if limit.option == BUDGET => Err(self.late("the rest after the load", limit)),
            None => Ok(()),
        }
    }

    fn until_ready(&mut self, server: &Server) -> Result<(), RunError> {
        enum Either {
            Ready,
            Ended(Ending),
        }
        let limit = self.deadline.within(server.ready_limit);
        let found = self.until(limit.time, |watch, pause| {
            if let Some(ending) = watch.running.wait(pause) {
                return Some(Either::Ended(ending));
            }
            let printed = watch.running.with_output(|output| output.ready);
            (printed || server.ready.answers()).then_some(Either::Ready)
        })?;
        match found {
            Some(Either::Ready) => Ok(()),
            Some(Either::Ended(ending)) => {
                self.running.finish_reading();
                Err(self.ended("the server", ending))
            }
            None => Err(RunError::NotReady {
                limit,
                check: server.ready.lack(),
                tail: self.running.tail(),
            }),
        }
    }

    /// Runs the load; the server must outlive it.
    fn load(
        &mut self,
        workload: &Workload,
        server: &Server,
        environment: &Environment,
    ) -> Result<Running, RunError> {
        // The load is not what is measured: it runs without an allocator's settings.
        let (set, unset) = environment.with(None, &[]);
        let command = ["sh", "-c", &server.load].map(OsString::from).to_vec();
        let wanted = Wanted {
            ready: None,
            metric: workload.metric.clone(),
        };
        let mut load = Running::start(
            &Kept {
                set,
                unset,
                command,
            },
            &wanted,
        )?;
        enum Which {
            Load(Ending),
            Server(Ending),
        }
        let limit = self.deadline.within(workload.limit);
        let found = self.until(limit.time, |watch, pause| {
            if let Some(ending) = load.wait(pause) {
                return Some(Which::Load(ending));
            }
            watch.running.wait(Duration::ZERO).map(Which::Server)
        })?;
        match found {
            Some(Which::Load(ending)) => {
                load.end(true);
                load.finish();
                if ending == Ending::Code(0) {
                    return Ok(load);
                }
                // A load that fails may be the first to notice that the server is gone.
                if let Some(ending) = self.running.wait(GRACE) {
                    self.running.finish_reading();
                    return Err(self.ended("the server", ending));
                }
                Err(RunError::Load {
                    how: ending,
                    tail: load.tail(),
                    server: self.running.tail(),
                })
            }
            Some(Which::Server(ending)) => {
                self.running.finish_reading();
                Err(self.ended("the server", ending))
            }
            None => Err(RunError::Timeout {
                who: "the load",
                limit,
                tail: load.tail(),
            }),
        }
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
        self.running.end(true);
        RunError::Timeout {
            who,
            limit,
            tail: self.running.tail(),
        }
    }

    fn ended(&self, who: &'static str, how: Ending) -> RunError {
        RunError::Ended {
            who,
            how,
            tail: self.running.tail(),
        }
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
        match printed.with_output(|output| output.metric) {
            Some(figure) => Ok(Some(figure)),
            None => Err(RunError::Metric {
                who,
                tail: printed.tail(),
            }),
        }
    }

    /// Puts together what was seen from `from` on, once it is proved that it counts.
    fn result(
        &mut self,
        candidate: &Candidate,
        wall: Duration,
        ticks: u64,
        metric: Option<f64>,
        from: Duration,
    ) -> Result<Run, RunError> {
        let proof = self.prove(candidate).map_err(RunError::Proof)?;
        let all = std::mem::take(&mut self.sampler.samples);
        let samples: Vec<Sample> = all.into_iter().filter(|sample| sample.at >= from).collect();
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        Ok(Run {
            samples,
            wall,
            cpu: ticks as f64 / per_second as f64,
            metric,
            proof,
        })
    }

    fn prove(&self, candidate: &Candidate) -> Result<Proof, String> {
        let seen: Vec<_> = self.sampler.seen.values().collect();
        if candidate.is_current() {
            return proof::whatever(&seen);
        }
        let library = candidate.library.as_ref();
        let mut proof = proof::judge(&seen, library.map(|library| library.path.as_str()))?;
        if let Some(library) = library {
            let conf = candidate.variable("MALLOC_CONF").unwrap_or_default();
            proof.confirmed = self
                .running
                .with_output(|output| proof::confirm(conf, library.confirms, output.jemalloc()))?;
        }
        Ok(proof)
    }
}
