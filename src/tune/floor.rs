//! What is too little to be recommended: a change of the allocator is worth nobody's while for a few
//! megabytes, however sure they are. And what is too much: the memory that speed may take.

use super::judge::{Judge, Standing, Tried};
use super::schedule::ROUNDS;
use super::search_space::{Floor, floor, margins};
use super::statistics::Estimate;
use super::verdict::{Verdict, Verdicts};

/// Memory that a setting saves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Saving {
    /// The part of what another takes; negative where it takes more.
    pub share: f64,
    /// The same in bytes.
    pub bytes: f64,
}

impl Saving {
    /// Whether a change is worth it.
    #[must_use]
    pub(crate) fn is_enough(&self) -> bool {
        let Floor { share, mib, .. } = floor();
        self.share >= *share && self.bytes >= mib * super::size::MIB
    }

    /// Whether it is printed as more than nothing, in both.
    #[must_use]
    pub(crate) fn is_something(&self) -> bool {
        self.share >= 0.0005 && self.bytes >= 0.05 * super::size::MIB
    }

    fn of(judge: &Judge, ratio: f64, than: &Tried) -> Option<Self> {
        let share = 1.0 - ratio;
        let bytes = share * than.typical(|run| judge.memory(run))?;
        Some(Self { share, bytes })
    }
}

/// What `one` saves, as it looks.
pub(super) fn likely_saving(judge: &Judge, one: &Tried, than: &Tried) -> Option<Saving> {
    let memory = judge.against(one, than).memory?;
    Saving::of(judge, memory.ratio().0, than)
}

/// What `one` surely saves at least, where that can be said.
pub(super) fn sure_saving(judge: &Judge, one: &Tried, than: &Tried) -> Option<Saving> {
    let memory = judge.against(one, than).memory;
    let enough = |memory: &Estimate| memory.count >= ROUNDS;
    let (_, high) = memory.filter(enough)?.sure_ends()?;
    Saving::of(judge, high.exp(), than)
}

/// Whether `one` may be recommended over another: it surely saves enough memory, or it is surely faster
/// and does not surely take more than the goal lets it.
pub(super) fn is_worth(judge: &Judge, one: &Tried, than: &Tried) -> bool {
    let standing = judge.against(one, than);
    let verdicts = Verdicts::of(&standing);
    let faster = [verdicts.cpu, verdicts.cost].contains(&Verdict::Lower);
    sure_saving(judge, one, than).is_some_and(|saving| saving.is_enough())
        || faster && !takes_too_much(judge, &standing)
}

/// Whether it looks as if it were worth it. Times vary much more than memory: theirs must look so by the whole
/// interval of 95 %.
pub(super) fn may_be_worth(judge: &Judge, one: &Tried, than: &Tried) -> bool {
    let standing = judge.against(one, than);
    let below = |estimate: Option<Estimate>, margin: f64| {
        let high = estimate.and_then(|estimate| Some(estimate.mean + estimate.half?));
        high.is_some_and(|high| high < (-margin).ln_1p())
    };
    let margins = margins();
    let faster = below(standing.cpu, margins.cpu) || below(standing.cost, margins.speed);
    let more = seems_too_much(judge, &standing);
    likely_saving(judge, one, than).is_some_and(|saving| saving.is_enough()) || faster && !more
}

/// Whether a setting surely takes more memory than speed is worth to the goal.
pub(crate) fn takes_too_much(judge: &Judge, standing: &Standing) -> bool {
    Verdict::of(standing.memory, most(judge)) == Verdict::Higher
}

/// Whether it looks so.
pub(super) fn seems_too_much(judge: &Judge, standing: &Standing) -> bool {
    (standing.memory).is_some_and(|memory| memory.mean > most(judge).ln_1p())
}

/// So much more memory may be taken by what is faster, as a part of the other's.
fn most(judge: &Judge) -> f64 {
    judge.goal.more_memory.max(margins().memory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::templates::Goal;
    use crate::tune::judge::tests::{judge, tried};
    use crate::tune::search_space::goal;
    use crate::tune::size::MIB;

    /// Whether a setting with these figures may be recommended over one of 200 MiB.
    fn worth(memory: f64, cpu: f64, metric: f64) -> bool {
        worth_to(&judge(), (memory, cpu, metric))
    }

    fn worth_to(judge: &Judge, (memory, cpu, metric): (f64, f64, f64)) -> bool {
        let of = |memory: f64, cpu: f64, metric: f64| {
            // A little noise: no two runs are the same.
            let round = |noise: f64| (memory * MIB * noise, cpu * noise, metric * noise);
            tried(&[1.0, 1.004, 0.996, 1.002].map(round))
        };
        let (one, than) = (of(memory, cpu, metric), of(200.0, 1.0, 100.0));
        let sure = is_worth(judge, &one, &than);
        assert!(!sure || may_be_worth(judge, &one, &than));
        sure
    }

    #[test]
    fn a_big_saving_may_be_recommended_and_a_small_one_not() {
        assert!(worth(100.0, 1.0, 100.0), "half of it");
        assert!(worth(100.0, 1.3, 100.0), "the score weighs the CPU time");
        assert!(worth(184.0, 1.0, 100.0), "8 % and 16 MiB");
        assert!(!worth(192.0, 1.0, 100.0), "4 %, though 8 MiB");
        assert!(!worth(200.0, 1.0, 100.0));
        assert!(!worth(240.0, 1.0, 100.0));
    }

    #[test]
    fn ten_mebibytes_in_all_at_least() {
        let of = |memory: f64| tried(&[(memory * MIB, 1.0, 1.0); 3]);
        let judge = judge();
        assert!(
            !is_worth(&judge, &of(50.0), &of(59.0)),
            "15 %, and only 9 MiB"
        );
        assert!(is_worth(&judge, &of(50.0), &of(61.0)));
    }

    #[test]
    fn speed_is_worth_it_where_it_costs_no_memory() {
        assert!(worth(200.0, 0.9, 100.0), "less CPU time");
        assert!(worth(200.0, 1.0, 110.0), "more of the user's figure");
        assert!(!worth(200.0, 0.98, 100.0), "within the margin");
        assert!(!worth(240.0, 0.9, 110.0), "a fifth more memory");
    }

    #[test]
    fn where_speed_is_the_goal_it_may_take_some_memory() {
        let to = |name, figures| {
            let judge = Judge {
                goal: goal(name).unwrap(),
                ..judge()
            };
            worth_to(&judge, figures)
        };
        let (a_tenth_more, a_third_more) = ((220.0, 1.0, 120.0), (266.0, 1.0, 120.0));
        assert!(to(Goal::Throughput, a_tenth_more));
        assert!(!to(Goal::Throughput, a_third_more));
        assert!(!to(Goal::Throughput, (220.0, 1.0, 102.0)), "no faster");
        assert!(!to(Goal::Balanced, a_tenth_more));
        assert!(!to(Goal::LowMemory, a_tenth_more));
    }

    #[test]
    fn a_time_that_varies_looks_like_nothing() {
        let of = |times: [f64; 3]| tried(&times.map(|time| (200.0 * MIB, time, 1.0)));
        let there = of([1.0; 3]);
        let looks = |times| may_be_worth(&judge(), &of(times), &there);
        assert!(!looks([0.5, 1.1, 0.9]));
        assert!(looks([0.8, 0.82, 0.78]));
    }

    #[test]
    fn what_is_not_sure_does_not_count() {
        let judge = judge();
        let of = |memory: [f64; 3]| tried(&memory.map(|memory| (memory * MIB, 1.0, 1.0)));
        let (one, there) = (of([100.0, 220.0, 120.0]), of([200.0; 3]));
        assert!(may_be_worth(&judge, &one, &there));
        assert!(!is_worth(&judge, &one, &there));
        let twice = |one: &Tried| Tried {
            runs: one.runs[..2].to_vec(),
            ..one.clone()
        };
        let half = of([100.0; 3]);
        assert!(is_worth(&judge, &half, &there));
        assert!(!is_worth(&judge, &twice(&half), &twice(&there)));
        assert_eq!(sure_saving(&judge, &twice(&half), &there), None);
    }
}
