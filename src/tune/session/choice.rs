//! What is measured: what is always compared, and of all others as many as there is time for.

use super::Session;
use crate::facts::Libc;
use crate::text::duration;
use crate::tune::candidate::{self, Candidate};
use crate::tune::error::{RunError, TuneError};
use crate::tune::judge::Tried;
use crate::tune::libraries::{self, Library};
use crate::tune::proof::{self, Proof};
use crate::tune::search_space::Which;
use crate::tune::{anchors, schedule};

impl Session<'_> {
    /// What is always compared, as far as it is known before the first run.
    pub(super) fn anchor(&mut self, allocators: &[Which], libraries: &[Library], baseline: &Proof) {
        self.all.truncate(self.given);
        let mut fix = anchors::fix(libraries, self.judge.goal.name, baseline).into_iter();
        self.fix = fix.next().map(|first| self.add(first));
        self.more_fixes = fix.collect();
        let is_set = anchors::is_arena_max(&self.environment.current);
        self.arena_max = match self.current() {
            Some(current) if is_set => Some(current),
            _ if allocators.contains(&Which::Glibc) => Some(self.add(anchors::arena_max())),
            _ => None,
        };
        self.anchors = self.all.len();
    }

    fn add(&mut self, candidate: Candidate) -> usize {
        self.all.push(Tried::new(candidate));
        self.all.len() - 1
    }

    /// Whether the libraries can have an effect on the command.
    pub(super) fn suits(
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

    /// How many settings there is time for besides the anchors.
    pub(super) fn affordable(&self) -> Option<usize> {
        let one = self.estimate.as_secs_f64().max(1e-3);
        let runs = (self.deadline.left().as_secs_f64() / one) as usize;
        let least = self.least();
        let most = self.options.candidates.max(least);
        schedule::affordable(runs, self.anchors, least, most)
    }

    /// So many settings there must be besides the anchors, for a comparison.
    fn least(&self) -> usize {
        let alone = self.options.tries.is_empty() && self.anchors > self.given;
        usize::from(!alone)
    }

    pub(super) fn too_short(&self) -> TuneError {
        TuneError::Budget {
            budget: duration::show(self.options.budget),
            left: duration::show(self.deadline.left()),
            run: duration::show(self.estimate),
            runs: schedule::least_runs(self.anchors, self.least()),
        }
    }

    /// Adds the settings that are tried besides the anchors, and leaves out what jemalloc does not take.
    pub(super) fn choose(
        &mut self,
        mut asked: Vec<Candidate>,
        which: &[Which],
        libraries: &[Library],
        most: usize,
    ) {
        asked.append(&mut self.more_fixes);
        let takes = |library: &Library, conf: &str| libraries::takes(library, conf).is_ok();
        let most = most.max(asked.len());
        let anchors: Vec<Candidate> = self.all.iter().map(|one| one.candidate.clone()).collect();
        let chosen = candidate::others(
            &anchors,
            asked,
            which,
            libraries,
            most,
            &mut self.random,
            &takes,
        );
        for candidate in chosen {
            self.add(candidate);
        }
        for index in self.given..self.all.len() {
            if let Some(reason) = self.all.get(index).and_then(refused) {
                self.discard(index, &reason);
            }
        }
    }
}

/// Why jemalloc does not take a setting.
fn refused(tried: &Tried) -> Option<String> {
    let candidate = &tried.candidate;
    let conf = candidate.variable("MALLOC_CONF")?;
    libraries::takes(candidate.library.as_ref()?, conf).err()
}
