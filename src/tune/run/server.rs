//! A run of a server: until it is ready, under its load, at rest.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use super::placing::Placed;
use super::{Measured, Times, Watch};
use crate::load::{Amount, Settings, Summary};
use crate::tune::candidate::Candidate;
use crate::tune::child::Running;
use crate::tune::container::Contained;
use crate::tune::environment::Environment;
use crate::tune::error::{Ending, RunError};
use crate::tune::keeper::Kept;
use crate::tune::limit::{BUDGET, Limit};
use crate::tune::measured::Run;
use crate::tune::output::Wanted;
use crate::tune::ready::Ready;
use crate::tune::why;
use crate::tune::workload::{Load, Server, Work, Workload};

/// A server that has made its load fail takes so long to end.
pub(super) const GRACE: Duration = Duration::from_millis(500);

/// What a server was seen to do under its load.
struct Under<T> {
    /// What the load gave.
    gave: T,
    /// How long it took.
    wall: Duration,
    /// The CPU time of the server, the rest after the load included, in clock ticks.
    ticks: u64,
}

/// The figure by which servers are compared: requests per second; by a schedule, which all keep, milliseconds that 99 of 100
/// requests do not exceed.
fn figure(settings: &Settings, took: &Summary) -> f64 {
    match settings.rate {
        Some(_) => took.p99.as_secs_f64() * 1e3,
        None => took.per_second(),
    }
}

impl Watch<'_> {
    /// A server, its load, and the time after it.
    pub(super) fn server(
        &mut self,
        workload: &Workload,
        server: &Server,
        environment: &Environment,
        candidate: &Candidate,
    ) -> Result<Measured, RunError> {
        if let Some(ready) = &server.ready {
            self.until_ready(server, ready)?;
        }
        match &server.load {
            Load::Command(command) => {
                let ready = self.start.elapsed();
                let under = self.under_load(server, |watch| {
                    watch.command_load(workload, command, environment)
                })?;
                let metric = self.metric(workload, "the load", &under.gave)?;
                let run = self.ended_run(candidate, ready, &under, metric)?;
                let next = Server {
                    ready_limit: server.ready_limit_after(ready),
                    ..server.clone()
                };
                Ok(Measured {
                    run,
                    work: Some(Work::Server(next)),
                    notes: Vec::new(),
                })
            }
            Load::Requests(settings) => {
                let placed = if settings.is_placed() {
                    Placed::named(settings)
                } else {
                    self.find(server, settings, &workload.command)?
                };
                self.placed(server, placed, candidate)
            }
        }
    }

    /// A server that is there, under requests that are made here.
    pub(super) fn placed(
        &mut self,
        server: &Server,
        mut placed: Placed,
        candidate: &Candidate,
    ) -> Result<Measured, RunError> {
        if server.ready.is_none() {
            self.until_page(server, &mut placed)?;
        }
        let load = placed.load();
        let ready = self.start.elapsed();
        let under = self.under_load(server, |watch| watch.requests(&load))?;
        let took = under.gave;
        self.requests = Some(took);
        let metric = figure(&load, &took);
        let (note, several) = self.told(&placed, server);
        let run = self.ended_run(candidate, ready, &under, Some(metric))?;
        // Every other run does the same work. The next container may have another address.
        let at = placed.found.as_ref().map(|spot| spot.origin.clone());
        let next = Server {
            load: Load::Requests(Settings {
                amount: Amount::Requests(took.requests),
                ..placed.settings
            }),
            port: placed.found.map(|spot| spot.port).or(server.port),
            pinned: server.pinned || several,
            at: at.filter(|_| self.contained.is_none()),
            ready_limit: server.ready_limit_after(ready),
            ..server.clone()
        };
        Ok(Measured {
            run,
            work: Some(Work::Server(next)),
            notes: note.into_iter().chain(placed.notes).collect(),
        })
    }

    /// Does something with the server, and watches it at rest.
    fn under_load<T>(
        &mut self,
        server: &Server,
        load: impl FnOnce(&mut Self) -> Result<T, RunError>,
    ) -> Result<Under<T>, RunError> {
        let before = self.ticks();
        self.sampler.load_begins()?;
        let began = Instant::now();
        let gave = load(self)?;
        let wall = began.elapsed();
        self.sampler.load_ends()?;
        self.settle(server)?;
        let ticks = self.ticks().saturating_sub(before);
        // Nothing is measured any more.
        self.held = why::held(self.sampler.root());
        self.usage = self.contained.as_ref().and_then(Contained::usage);
        Ok(Under { gave, wall, ticks })
    }

    /// Ends the server: what the run gave.
    fn ended_run<T>(
        &mut self,
        candidate: &Candidate,
        from: Duration,
        under: &Under<T>,
        metric: Option<f64>,
    ) -> Result<Run, RunError> {
        let (_, stopping) = self.stop();
        let times = Times {
            wall: under.wall,
            stopping,
            from,
        };
        self.result(candidate, times, under.ticks, metric)
    }

    /// Watches the server at rest.
    fn settle(&mut self, server: &Server) -> Result<(), RunError> {
        let limit = self.deadline.within(Limit {
            time: server.settle,
            why: "`--settle`",
        });
        let ended = self.until(limit.time, |watch, pause| watch.running.wait(pause))?;
        match ended {
            Some(ending) => Err(self.died("the server", ending)),
            None if limit.why == BUDGET => Err(self.late("the rest after the load", limit)),
            None => Ok(()),
        }
    }

    fn until_ready(&mut self, server: &Server, ready: &Ready) -> Result<(), RunError> {
        enum Either {
            Ready,
            Ended(Ending),
        }
        let limit = self.deadline.within(server.ready_limit);
        let found = self.until(self.left_of(limit), |watch, pause| {
            if let Some(ending) = watch.running.wait(pause) {
                return Some(Either::Ended(ending));
            }
            let printed = watch.running.with_output(|output| output.ready);
            (printed || ready.answers()).then_some(Either::Ready)
        })?;
        match found {
            Some(Either::Ready) => Ok(()),
            Some(Either::Ended(ending)) => Err(self.died("the server", ending)),
            None => Err(RunError::NotReady {
                limit,
                check: ready.lack(),
                tail: self.running.tail(),
            }),
        }
    }

    /// Runs the load; the server must outlive it.
    fn command_load(
        &mut self,
        workload: &Workload,
        load: &str,
        environment: &Environment,
    ) -> Result<Running, RunError> {
        // The load is not what is measured: it runs here, without an allocator's settings.
        let (set, unset) = match self.contained {
            Some(_) => Environment::here().with(None, &[]),
            None => environment.with(None, &[]),
        };
        let command = ["sh", "-c", load].map(OsString::from).to_vec();
        let wanted = Wanted {
            ready: None,
            metric: workload.metric.clone(),
        };
        let mut load = Running::start(
            &Kept {
                set,
                unset,
                command,
                cleanup: Vec::new(),
            },
            &wanted,
            &environment.children,
        )?;
        enum Which {
            Load(Ending),
            Server(Ending),
        }
        let limit = self.deadline.within(self.limit);
        let found = self.until(limit.time, |watch, pause| {
            if let Some(ending) = load.wait(pause) {
                return Some(Which::Load(ending));
            }
            watch.running.wait(Duration::ZERO).map(Which::Server)
        })?;
        match found {
            Some(Which::Load(ending)) => {
                load.kill();
                load.finish();
                if ending == Ending::Code(0) {
                    return Ok(load);
                }
                // A load that fails may be the first to notice that the server is gone.
                if let Some(ending) = self.running.wait(GRACE) {
                    return Err(self.died("the server", ending));
                }
                Err(RunError::Load {
                    how: ending,
                    tail: load.tail(),
                    server: self.running.tail(),
                })
            }
            Some(Which::Server(ending)) => Err(self.died("the server", ending)),
            None => Err(RunError::Timeout {
                who: "the load",
                limit,
                tail: load.tail(),
            }),
        }
    }
}
