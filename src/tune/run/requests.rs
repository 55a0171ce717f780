//! A server under requests that are made here.

use std::time::Duration;

use super::Watch;
use super::server::GRACE;
use crate::load::{Load, Problem, Settings, Summary};
use crate::tune::error::{Ending, RunError};

impl Watch<'_> {
    /// Makes the requests; the server must outlive them.
    pub(super) fn requests(&mut self, settings: &Settings) -> Result<Summary, RunError> {
        enum Which {
            Load(Result<Summary, Problem>),
            Server(Ending),
        }
        let limit = self.deadline.within(self.limit);
        let mut load = Load::start(settings).map_err(|problem| self.unanswered(problem))?;
        let found = self.until(limit.time, |watch, pause| {
            if let Some(ending) = watch.running.wait(Duration::ZERO) {
                return Some(Which::Server(ending));
            }
            load.wait(pause).map(Which::Load)
        })?;
        let ending = match found {
            Some(Which::Load(Ok(summary))) => return Ok(summary),
            // A load that fails may be the first to notice that the server is gone.
            Some(Which::Load(Err(problem))) => match self.running.wait(GRACE) {
                Some(ending) => ending,
                None => return Err(self.unanswered(problem)),
            },
            Some(Which::Server(ending)) => ending,
            None => {
                return Err(RunError::Timeout {
                    who: "the load",
                    limit,
                    tail: self.running.tail(),
                });
            }
        };
        Err(self.died("the server", ending))
    }

    fn unanswered(&self, problem: Problem) -> RunError {
        RunError::Requests {
            problem,
            sure: true,
            tail: self.running.tail(),
        }
    }
}
