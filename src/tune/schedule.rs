//! Which settings are measured next: successive halving, then the finalists until they can be told
//! apart. Nothing here runs anything.
//!
//! Of the options' full grid a part is drawn. Every round measures all that are left, and what
//! everything is compared with, once each; the worse half is dropped; at the end a few are
//! measured until their intervals part, or the budget ends.

use super::statistics::Estimate;

/// So many are left for the end.
pub(super) const FINALISTS: usize = 4;
/// The part of the budget that halving may use; the rest tells the finalists apart.
const HALVING: f64 = 0.6;
/// With fewer rounds an interval means little.
pub(super) const ROUNDS: usize = 3;
/// Nobody cares about a smaller difference, as a logarithm.
pub(super) const MARGIN: f64 = 0.01;

/// How many settings remain after each round of halving, the first number being all.
pub(super) fn rungs(candidates: usize) -> Vec<usize> {
    let mut rungs = vec![candidates];
    let mut left = candidates;
    while left > FINALISTS {
        left = left.div_ceil(2).max(FINALISTS);
        rungs.push(left);
    }
    rungs
}

/// How many runs halving takes: every round measures the anchors, too.
pub(super) fn cost(candidates: usize, anchors: usize) -> usize {
    let rungs = rungs(candidates);
    let rounds = rungs.len().saturating_sub(1);
    rungs.iter().take(rounds).map(|left| left + anchors).sum()
}

/// How many settings can be tried besides the anchors with so many runs, and no more than `most`;
/// `None` where there is not even time for `least`.
pub(super) fn affordable(runs: usize, anchors: usize, least: usize, most: usize) -> Option<usize> {
    let last = |candidates: usize| ROUNDS * (candidates.min(FINALISTS) + anchors);
    let fits = |candidates: usize| {
        let halving = cost(candidates, anchors);
        halving + last(candidates) <= runs
            && (halving as f64 <= HALVING * runs as f64 || candidates <= FINALISTS)
    };
    (least..=most).rev().find(|candidates| fits(*candidates))
}

/// The runs that a comparison of `least` settings besides the anchors takes at least.
pub(super) const fn least_runs(anchors: usize, least: usize) -> usize {
    ROUNDS * (least + anchors)
}

/// Those with the lowest scores, best first; what has no score is not among them.
pub(super) fn survivors(scores: &[(usize, Option<f64>)], keep: usize) -> Vec<usize> {
    let mut scored: Vec<(usize, f64)> = scores
        .iter()
        .filter_map(|(index, score)| score.map(|score| (*index, score)))
        .collect();
    scored.sort_by(|one, other| one.1.total_cmp(&other.1).then(one.0.cmp(&other.0)));
    scored
        .into_iter()
        .take(keep)
        .map(|(index, _)| index)
        .collect()
}

/// Whether the leader is told apart from a rival by the differences of their scores, round by
/// round: surely better, or so near that it does not matter.
pub(super) fn is_decided(rival_minus_leader: &[f64]) -> bool {
    rival_minus_leader.len() >= ROUNDS
        && Estimate::of(rival_minus_leader)
            .is_some_and(|estimate| estimate.is_positive() || estimate.is_negligible(MARGIN))
}

/// The order of a round: rotated, so that nothing always comes first or after the same.
pub(super) fn order(mut all: Vec<usize>, round: usize, random: &mut Random) -> Vec<usize> {
    for index in (1..all.len()).rev() {
        all.swap(index, random.below(index + 1));
    }
    let by = round % all.len().max(1);
    all.rotate_left(by);
    all
}

/// SplitMix64: a drawing can be repeated with its seed.
#[derive(Clone, Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    /// A number from 0 to one below `limit`; 0 where there is none.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        usize::try_from(bits % (limit.max(1) as u64)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_is_dropped_until_few_are_left() {
        assert_eq!(rungs(24), [24, 12, 6, 4]);
        assert_eq!(rungs(5), [5, 4]);
        assert_eq!(rungs(3), [3]);
        assert_eq!(cost(24, 2), 26 + 14 + 8);
        assert_eq!(cost(3, 2), 0);
    }

    #[test]
    fn the_budget_limits_how_many_are_tried() {
        assert_eq!(affordable(1000, 2, 1, 24), Some(24));
        let some = affordable(40, 2, 1, 24).unwrap();
        assert!((FINALISTS..24).contains(&some));
        assert!(cost(some, 2) + ROUNDS * (FINALISTS + 2) <= 40);
        assert_eq!(affordable(least_runs(1, 1), 1, 1, 24), Some(1));
        assert_eq!(affordable(least_runs(1, 1) - 1, 1, 1, 24), None);
        let by_budget: Vec<_> = (0..200).map(|runs| affordable(runs, 1, 1, 30)).collect();
        assert!(by_budget.windows(2).all(|pair| pair[0] <= pair[1]));
    }

    #[test]
    fn anchors_alone_are_a_comparison() {
        // The C library, what `fix` writes, and `MALLOC_ARENA_MAX=2`.
        assert_eq!(least_runs(3, 0), 9);
        assert_eq!(affordable(9, 3, 0, 24), Some(0));
        assert_eq!(affordable(8, 3, 0, 24), None);
        assert_eq!(affordable(12, 3, 0, 24), Some(1));
        assert_eq!((rungs(0), cost(0, 3)), (vec![0], 0));
    }

    #[test]
    fn halving_finds_the_best_of_many() {
        // Scores with noise that is a third of the distance between neighbours.
        let mut random = Random(7);
        let mut left: Vec<usize> = (0..24).collect();
        for keep in rungs(24).into_iter().skip(1) {
            let mut noisy = |index: usize| index as f64 + random.below(100) as f64 / 300.0;
            let scores: Vec<_> = left
                .iter()
                .map(|index| (*index, Some(noisy(*index))))
                .collect();
            left = survivors(&scores, keep);
        }
        assert_eq!(left, [0, 1, 2, 3]);
    }

    #[test]
    fn what_failed_does_not_survive() {
        let scores = [(0, None), (1, Some(0.5)), (2, Some(-0.5))];
        assert_eq!(survivors(&scores, 3), [2, 1]);
    }

    #[test]
    fn three_rounds_at_least() {
        assert!(!is_decided(&[0.5, 0.5]));
        assert!(is_decided(&[0.5, 0.5, 0.51]));
        assert!(is_decided(&[0.001, -0.001, 0.001]), "it does not matter");
        assert!(!is_decided(&[0.5, -0.5, 0.1]));
    }

    #[test]
    fn every_round_measures_all_of_them() {
        let mut random = Random(1);
        let orders: Vec<_> = (0..20)
            .map(|round| order((0..5).collect(), round, &mut random))
            .collect();
        for order in &orders {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4]);
        }
        assert!((0..5).all(|first| orders.iter().any(|order| order[0] == first)));
    }
}
