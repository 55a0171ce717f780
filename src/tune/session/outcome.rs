//! What comes out: which setting wins, and what only looks better.

use std::time::SystemTime;

use super::Session;
use crate::tune::judge::Advantage;
use crate::tune::machine::Machine;
use crate::tune::{Outcome, Stop, floor};

/// What is said of the settings together.
#[derive(Default)]
pub(super) struct Decision {
    /// The best: what is there, unless another is surely better and worth it.
    pub(super) leader: Option<usize>,
    /// What may be better and worth it, where that is not sure.
    pub(super) nearly: Option<usize>,
    /// What is surely better, and not by enough.
    pub(super) too_little: Option<usize>,
}

impl Session<'_> {
    pub(super) fn outcome(self, stop: Stop) -> Outcome {
        let standings = self.judge().standings(&self.all);
        let compared = standings.iter().skip(1).any(|one| one.score.is_some());
        let decision = if compared {
            self.decide()
        } else {
            Decision::default()
        };
        let alive = self.alive();
        let mut undecided = decision
            .leader
            .map(|leader| self.judge().undecided(&self.all, leader, &alive))
            .unwrap_or_default();
        // What was never measured is no rival.
        let measured = |index: &usize| standings.get(*index).is_some_and(|one| one.score.is_some());
        undecided.retain(measured);
        let server = self.workload.server();
        let baseline = self.all.first().and_then(|first| first.runs.last());
        let proof = baseline.map(|(_, run)| run.proof.clone());
        Outcome {
            current: self.current(),
            stays: self.stays(),
            fix: self.fix,
            arena_max: self.arena_max,
            size: self.size(),
            machine: Machine::here(&proof.unwrap_or_default()),
            date: SystemTime::now(),
            beside: self.environment.beside(),
            judge: self.judge.clone(),
            command: self.workload.command.clone(),
            image: (self.workload.container.as_ref()).map(|container| container.image.clone()),
            load: server.map(|server| server.load_shown()),
            requests: self.workload.requests(),
            port: server.and_then(|server| server.port),
            seed: self.options.seed,
            elapsed: self.deadline.spent(),
            rounds: self.rounds,
            leader: decision.leader,
            nearly: decision.nearly,
            too_little: decision.too_little,
            tried: self.all,
            standings,
            undecided,
            stop,
        }
    }

    /// What is there, and is kept unless another is better: the setting of now, else none.
    pub(super) fn stays(&self) -> usize {
        let ranked = self.ranked();
        let current = self.current().filter(|current| ranked.contains(current));
        current.unwrap_or(0)
    }

    /// Which setting wins. It must be surely better than what is there, and by enough.
    pub(super) fn decide(&self) -> Decision {
        let (ranked, stays) = (self.ranked(), self.stays());
        let advantage = |index: usize| self.advantage(index, stays);
        let sure: Vec<usize> = (ranked.iter().copied())
            .filter(|index| *index != stays && advantage(*index) == Advantage::Sure)
            .collect();
        let best = sure.iter().find(|index| self.is_worth(**index, stays));
        if let Some(best) = best.copied() {
            return Decision {
                leader: Some(self.simpler(best, &sure, stays)),
                ..Decision::default()
            };
        }
        let rival = |index: &&usize| **index != stays && advantage(**index) != Advantage::None;
        let nearly = (ranked.iter().filter(rival)).find(|index| self.may_be_worth(**index, stays));
        Decision {
            leader: (!ranked.is_empty()).then_some(stays),
            nearly: nearly.copied(),
            too_little: sure.first().copied().filter(|_| nearly.is_none()),
        }
    }

    /// In a small service `MALLOC_ARENA_MAX=2`, which needs no library, unless the best is worth it over
    /// that, too.
    fn simpler(&self, best: usize, sure: &[usize], stays: usize) -> usize {
        let small = self.size().is_some_and(|size| size.is_small());
        let simple = self
            .arena_max
            .filter(|simple| small && sure.contains(simple));
        match simple.filter(|simple| self.is_worth(*simple, stays)) {
            Some(simple) => {
                let better = self.advantage(best, simple) == Advantage::Sure;
                if better && self.is_worth(best, simple) {
                    best
                } else {
                    simple
                }
            }
            None => best,
        }
    }

    fn advantage(&self, index: usize, than: usize) -> Advantage {
        self.judge().advantage(&self.all, index, than)
    }

    fn is_worth(&self, index: usize, than: usize) -> bool {
        let pair = self.all.get(index).zip(self.all.get(than));
        pair.is_some_and(|(one, than)| floor::is_worth(self.judge(), one, than))
    }

    fn may_be_worth(&self, index: usize, than: usize) -> bool {
        let pair = self.all.get(index).zip(self.all.get(than));
        pair.is_some_and(|(one, than)| floor::may_be_worth(self.judge(), one, than))
    }
}

#[cfg(test)]
mod tests {
    use crate::tune::session::fixture::{Figures, fast_outcome, outcome};

    /// What wins, what nearly does, and what is too little: of the C library (0), `fix` (1), and
    /// `MALLOC_ARENA_MAX=2` (2) in one process of 200 MiB.
    fn decided(fix: Figures, arena_max: Figures) -> [Option<usize>; 3] {
        let outcome = outcome([(200.0, 1.0, 100.0), fix, arena_max], 1);
        [outcome.leader, outcome.nearly, outcome.too_little]
    }

    const SAME: Figures = (200.0, 1.0, 100.0);

    #[test]
    fn a_big_saving_is_recommended_and_a_small_one_is_not() {
        let half = (100.0, 1.0, 100.0);
        assert_eq!(decided(half, SAME), [Some(1), None, None]);
        assert_eq!(decided(SAME, half), [Some(2), None, None]);
        // The score is surely better; 4 % of the memory are too little.
        let little = (192.0, 1.0, 100.0);
        assert_eq!(decided(little, SAME), [Some(0), None, Some(1)]);
        assert_eq!(decided(SAME, SAME), [Some(0), None, None]);
    }

    #[test]
    fn speed_is_recommended_where_it_takes_no_more_memory() {
        assert_eq!(decided((200.0, 1.0, 120.0), SAME), [Some(1), None, None]);
        assert_eq!(decided((220.0, 1.0, 150.0), SAME), [Some(0), None, Some(1)]);
    }

    #[test]
    fn where_speed_is_the_goal_it_may_take_some_memory() {
        let leader = |fix| fast_outcome([SAME, fix, SAME]).leader;
        assert_eq!(leader((220.0, 1.0, 120.0)), Some(1));
        assert_eq!(leader((280.0, 1.0, 120.0)), Some(0), "too much of it");
    }

    #[test]
    fn a_small_service_needs_no_library_unless_that_is_worth_it_again() {
        // Ten processes of 9 MiB each.
        let leader = |fix: f64, arena_max: f64| {
            let figures = [90.0, fix, arena_max].map(|memory| (memory, 1.0, 100.0));
            outcome(figures, 10).leader
        };
        assert_eq!(leader(85.0, 89.0), Some(0), "too little");
        assert_eq!(
            leader(72.0, 75.0),
            Some(2),
            "3 MiB are no reason for a library"
        );
        assert_eq!(leader(50.0, 75.0), Some(1), "25 MiB are");
        assert_eq!(leader(72.0, 89.0), Some(1));
        // A large one takes the best.
        let large = [900.0, 720.0, 750.0].map(|memory| (memory, 1.0, 100.0));
        assert_eq!(outcome(large, 10).leader, Some(1));
    }
}
