//! A run in a container: it is waited for, and its processes are watched, which the engine has started and not the keeper.

use std::time::Duration;

use super::Watch;
use crate::tune::container::{Contained, Container};
use crate::tune::error::{Ending, RunError};
use crate::tune::limit::Limit;
use crate::tune::sampler::Sampler;
use crate::tune::tree::Root;

/// An engine may take so long to start one, and is asked so often.
const STARTS: Limit = Limit {
    time: Duration::from_secs(60),
    why: "more than an engine needs to start a container",
};
const PAUSE: Duration = Duration::from_millis(50);
/// The code of `docker run` and `podman run` where they start nothing (docker-run(1), podman-run(1)).
const REFUSED: Ending = Ending::Code(125);

impl Watch<'_> {
    /// Waits until a container runs, and watches it from then on.
    pub(super) fn enter(&mut self, container: &Container, name: &str) -> Result<(), RunError> {
        let limit = self.deadline.within(STARTS);
        let mut contained = Contained::named(container, name);
        let pid = loop {
            if self.interrupt.came() {
                return Err(RunError::Interrupted);
            }
            if let Some(pid) = contained.enter()? {
                break pid;
            }
            if let Some(ending) = self.running.wait(PAUSE) {
                self.contained = Some(contained);
                return Err(match ending {
                    // It was over before anybody saw it.
                    Ending::Code(0) => RunError::Unseen,
                    ending => self.died("the container", ending),
                });
            }
            if self.start.elapsed() > limit.time {
                return Err(self.late("the start of the container", limit));
            }
        };
        self.sampler = Sampler::new(Root::At(pid), self.start);
        self.contained = Some(contained);
        Ok(())
    }

    /// What has ended while it was needed, or in failure.
    pub(super) fn died(&mut self, who: &'static str, how: Ending) -> RunError {
        let known = self.known_reason(how);
        self.running.finish_reading();
        let tail = self.running.tail();
        match known {
            Some(RunError::OutOfMemory { limit, .. }) => RunError::OutOfMemory { limit, tail },
            Some(_) => RunError::NoContainer { tail },
            None => RunError::Ended { who, how, tail },
        }
    }

    /// Why a container has ended, where its code does not say it. To be asked before it is removed.
    fn known_reason(&self, how: Ending) -> Option<RunError> {
        let contained = self.contained.as_ref()?;
        let tail = self.running.tail();
        if how == REFUSED && !contained.is_entered() {
            return Some(RunError::NoContainer { tail });
        }
        contained.out_of_memory(tail)
    }

    /// An error as it is told: a server may fail because the kernel has ended one of its processes.
    pub(super) fn explained(&self, error: RunError) -> RunError {
        let of_server = matches!(
            error,
            RunError::Requests { .. }
                | RunError::Load { .. }
                | RunError::NotReady { .. }
                | RunError::Unreachable { .. }
                | RunError::Timeout { .. }
        );
        let contained = self.contained.as_ref().filter(|_| of_server);
        let killed = contained.and_then(|contained| contained.out_of_memory(self.running.tail()));
        killed.unwrap_or(error)
    }
}
