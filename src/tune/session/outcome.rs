//! What comes out: which setting wins, and what only looks better.

use super::Session;
use crate::tune::judge::Advantage;
use crate::tune::{Outcome, Stop};

impl Session<'_> {
    pub(super) fn outcome(self, stop: Stop) -> Outcome {
        let standings = self.judge().standings(&self.all);
        let compared = standings.iter().skip(1).any(|one| one.score.is_some());
        let (leader, nearly) = Some(self.winner()).filter(|_| compared).unwrap_or_default();
        let alive = self.alive();
        let mut undecided = leader
            .map(|leader| self.judge().undecided(&self.all, leader, &alive))
            .unwrap_or_default();
        // What was never measured is no rival.
        let measured = |index: &usize| standings.get(*index).is_some_and(|one| one.score.is_some());
        undecided.retain(measured);
        let server = self.workload.server();
        Outcome {
            current: self.current(),
            beside: self.environment.beside(),
            judge: self.judge.clone(),
            command: self.workload.command.clone(),
            load: server.map(|server| server.load.shown()),
            requests: self.workload.requests().cloned(),
            seed: self.options.seed,
            elapsed: self.deadline.spent(),
            rounds: self.rounds,
            nearly,
            tried: self.all,
            standings,
            leader,
            undecided,
            stop,
        }
    }

    /// What malloclint was started with, where that is a setting.
    fn current(&self) -> Option<usize> {
        (self.anchors > 1).then_some(1)
    }

    /// The best, and what only looks better. Without proof that another is better, what is there
    /// anyway stays: the setting of now, else none.
    fn winner(&self) -> (Option<usize>, Option<usize>) {
        let ranked = self.ranked();
        let stays = self.current().filter(|current| ranked.contains(current));
        let stays = stays.unwrap_or(0);
        let Some(first) = ranked.first().copied() else {
            return (None, None);
        };
        let advantage = |index: usize| self.judge().advantage(&self.all, index, stays);
        let sure = |index: &&usize| **index != stays && advantage(**index) == Advantage::Sure;
        if let Some(best) = ranked.iter().find(sure) {
            return (Some(*best), None);
        }
        let likely = first != stays && advantage(first) == Advantage::Likely;
        (Some(stays), likely.then_some(first))
    }
}
