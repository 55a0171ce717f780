//! A run of a server: until it is ready, under its load, at rest.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use super::{Times, Watch};
use crate::tune::candidate::Candidate;
use crate::tune::child::Running;
use crate::tune::environment::Environment;
use crate::tune::error::{Ending, RunError};
use crate::tune::keeper::Kept;
use crate::tune::limit::{BUDGET, Limit};
use crate::tune::measured::Run;
use crate::tune::output::Wanted;
use crate::tune::why;
use crate::tune::workload::{Server, Workload};

/// A server that has made its load fail takes so long to end.
const GRACE: Duration = Duration::from_millis(500);

impl Watch<'_> {
    /// A server, its load, and the time after it.
    pub(super) fn server(
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
        // Nothing is measured any more.
        self.held = why::held(self.running.keeper());
        let metric = self.metric(workload, "the load", &load)?;
        let (_, stopping) = self.stop();
        self.result(
            candidate,
            Times {
                wall,
                stopping,
                from: ready,
            },
            ticks,
            metric,
        )
    }

    /// Watches the server at rest.
    fn settle(&mut self, server: &Server) -> Result<(), RunError> {
        let limit = self.deadline.within(Limit {
            time: server.settle,
            why: "`--settle`",
        });
        let ended = self.until(limit.time, |watch, pause| watch.running.wait(pause))?;
        match ended {
            Some(ending) => {
                self.running.finish_reading();
                Err(self.ended("the server", ending))
            }
            None if limit.why == BUDGET => Err(self.late("the rest after the load", limit)),
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
}
