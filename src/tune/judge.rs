//! What the runs say: ratios against the C library's own allocator in the same round, scores, the
//! Pareto front, the best.

use super::candidate::Candidate;
use super::measured::Run;
use super::schedule::{MARGIN, ROUNDS, is_decided};
use super::search_space::Goal;
use super::statistics::{Estimate, median};

/// A setting and what was measured of it.
#[derive(Clone, Debug)]
pub(crate) struct Tried {
    /// The setting.
    pub candidate: Candidate,
    /// Its runs, each with its round.
    pub runs: Vec<(usize, Run)>,
    /// Why it does not count: it failed, or was not what it should have been.
    pub discarded: Option<String>,
    /// The round after which it was left behind by better ones.
    pub dropped: Option<usize>,
}

/// Which memory counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// The mean over time.
    Mean,
    /// The highest.
    Peak,
    /// What is left at the end.
    End,
}

/// How runs are judged.
#[derive(Clone, Debug)]
pub(crate) struct Judge {
    /// What counts how much.
    pub goal: &'static Goal,
    /// Which memory counts.
    pub memory: Memory,
    /// Whether more of the user's figure is better; `None` without one, then time counts.
    pub more_is_better: Option<bool>,
}

/// How surely a setting is better than another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advantage {
    /// By more than nothing, and more than chance.
    Sure,
    /// It looks so.
    Likely,
    /// It is not, or by next to nothing.
    None,
}

/// What is said of a setting.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// Memory against the baseline, as a logarithm.
    pub memory: Option<Estimate>,
    /// CPU time.
    pub cpu: Option<Estimate>,
    /// The user's figure or the time, turned so that less is better.
    pub cost: Option<Estimate>,
    /// The score: less is better, the baseline has 0.
    pub score: Option<Estimate>,
    /// Whether no other setting is better in one thing and as good in the others.
    pub pareto: bool,
}

/// Numbers below are taken for this much: a logarithm needs something.
const LEAST: f64 = 1e-9;
/// CPU time is counted in steps of this size.
const TICK: f64 = 0.01;

impl Judge {
    /// The memory that counts, in bytes.
    #[must_use]
    pub(crate) fn memory(&self, run: &Run) -> f64 {
        match self.memory {
            Memory::Mean => run.mean(),
            Memory::Peak => run.peak(),
            Memory::End => run.end(),
        }
    }

    /// Logarithms of memory, CPU time and cost.
    fn logarithms(&self, run: &Run) -> [f64; 3] {
        let figure = run.metric.unwrap_or(run.wall.as_secs_f64()).max(LEAST).ln();
        let turned = if self.more_is_better == Some(true) {
            -figure
        } else {
            figure
        };
        [
            self.memory(run).max(1.0).ln(),
            run.cpu.max(TICK).ln(),
            turned,
        ]
    }

    /// By round: the logarithms of the ratios against the baseline.
    fn ratios(&self, tried: &Tried, baseline: &Tried) -> Vec<(usize, [f64; 3])> {
        let one = |(round, run): &(usize, Run)| {
            let other = baseline.runs.iter().find(|(other, _)| other == round)?;
            let [memory, cpu, cost] = self.logarithms(run);
            let [memory_0, cpu_0, cost_0] = self.logarithms(&other.1);
            Some((*round, [memory - memory_0, cpu - cpu_0, cost - cost_0]))
        };
        tried.runs.iter().filter_map(one).collect()
    }

    /// By round: the score.
    pub(super) fn scores(&self, tried: &Tried, baseline: &Tried) -> Vec<(usize, f64)> {
        let score = |[memory, cpu, cost]: [f64; 3]| {
            self.goal.memory * memory + self.goal.cpu * cpu + self.goal.speed * cost
        };
        let ratios = self.ratios(tried, baseline).into_iter();
        ratios
            .map(|(round, ratios)| (round, score(ratios)))
            .collect()
    }

    /// What is said of each setting; the first is the baseline.
    #[must_use]
    pub(crate) fn standings(&self, all: &[Tried]) -> Vec<Standing> {
        let Some(baseline) = all.first() else {
            return Vec::new();
        };
        let mut standings: Vec<Standing> = all
            .iter()
            .map(|tried| self.against(tried, baseline))
            .collect();
        let points: Vec<Option<[f64; 3]>> = standings.iter().map(point).collect();
        for (standing, own) in standings.iter_mut().zip(&points) {
            standing.pareto =
                own.is_some_and(|own| !points.iter().flatten().any(|other| dominates(other, &own)));
        }
        standings
    }

    /// What is said of a setting beside another, in the rounds that have both.
    pub(super) fn against(&self, tried: &Tried, baseline: &Tried) -> Standing {
        if tried.discarded.is_some() {
            return Standing::default();
        }
        let ratios = self.ratios(tried, baseline);
        let of = |part: fn(&[f64; 3]) -> f64| {
            let values: Vec<f64> = ratios.iter().map(|(_, ratios)| part(ratios)).collect();
            Estimate::of(&values)
        };
        let scores: Vec<f64> = self
            .scores(tried, baseline)
            .into_iter()
            .map(|(_, score)| score)
            .collect();
        Standing {
            memory: of(|ratios| ratios[0]),
            cpu: of(|ratios| ratios[1]).map(|cpu| cpu.coarse(step(tried, baseline))),
            cost: of(|ratios| ratios[2]),
            score: Estimate::of(&scores),
            pareto: false,
        }
    }

    /// How surely a setting is better than another.
    pub(super) fn advantage(&self, all: &[Tried], index: usize, than: usize) -> Advantage {
        let gains = self.differences(all, index, than);
        let Some(gain) = Estimate::of(&gains).filter(|gain| gain.mean > MARGIN) else {
            return Advantage::None;
        };
        if gains.len() >= ROUNDS && gain.is_positive() {
            Advantage::Sure
        } else {
            Advantage::Likely
        }
    }

    /// The scores of `other` less those of `index`, in the rounds that have both: positive where
    /// `index` is better.
    fn differences(&self, all: &[Tried], index: usize, other: usize) -> Vec<f64> {
        let (Some(baseline), Some(one), Some(other)) =
            (all.first(), all.get(index), all.get(other))
        else {
            return Vec::new();
        };
        let own = self.scores(one, baseline);
        let theirs = self.scores(other, baseline).into_iter();
        let difference = |(round, score): (usize, f64)| {
            let own = own.iter().find(|(other, _)| *other == round)?;
            Some(score - own.1)
        };
        theirs.filter_map(difference).collect()
    }

    /// Those that cannot be told apart from the leader yet.
    pub(super) fn undecided(&self, all: &[Tried], leader: usize, rivals: &[usize]) -> Vec<usize> {
        let is_open = |rival: &usize| !is_decided(&self.differences(all, leader, *rival));
        rivals
            .iter()
            .copied()
            .filter(|rival| *rival != leader && is_open(rival))
            .collect()
    }
}

/// How much of a difference of CPU time may come from the steps in which it is counted, as a logarithm. Nothing differs from
/// itself.
fn step(one: &Tried, other: &Tried) -> f64 {
    if std::ptr::eq(one, other) {
        return 0.0;
    }
    let typical = |tried: &Tried| tried.typical(|run| run.cpu).unwrap_or(0.0).max(TICK);
    (TICK / typical(one).min(typical(other))).ln_1p()
}

fn point(standing: &Standing) -> Option<[f64; 3]> {
    Some([
        standing.memory?.mean,
        standing.cpu?.mean,
        standing.cost?.mean,
    ])
}

/// Nowhere worse, and somewhere better.
fn dominates(one: &[f64; 3], other: &[f64; 3]) -> bool {
    let pairs = || one.iter().zip(other);
    pairs().all(|(one, other)| one <= other) && pairs().any(|(one, other)| one < other)
}

impl Tried {
    pub(super) const fn new(candidate: Candidate) -> Self {
        Self {
            candidate,
            runs: Vec::new(),
            discarded: None,
            dropped: None,
        }
    }

    /// The middle of a figure over all runs.
    #[must_use]
    pub(crate) fn typical(&self, figure: impl Fn(&Run) -> f64) -> Option<f64> {
        let values: Vec<f64> = self.runs.iter().map(|(_, run)| figure(run)).collect();
        median(&values)
    }

    /// The run whose memory is the most typical: that of the charts.
    #[must_use]
    pub(crate) fn typical_run(&self) -> Option<&Run> {
        let middle = self.typical(Run::mean)?;
        let distance = |run: &Run| (run.mean() - middle).abs();
        let runs = self.runs.iter().map(|(_, run)| run);
        runs.min_by(|one, other| distance(one).total_cmp(&distance(other)))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::tune::sampler::Sample;
    use crate::tune::search_space;
    use crate::tune::verdict::{Verdict, Verdicts};

    /// A setting with runs of these memories, CPU times and figures of the user.
    pub(in crate::tune) fn tried(figures: &[(f64, f64, f64)]) -> Tried {
        let mut tried = Tried::new(Candidate::baseline());
        for (round, (memory, cpu, metric)) in figures.iter().enumerate() {
            let at = |at| Sample {
                at: Duration::from_secs(at),
                memory: *memory as u64,
                processes: 1,
                ticks: 0,
            };
            let run = Run {
                samples: vec![at(0), at(1)],
                wall: Duration::from_secs(1),
                cpu: *cpu,
                metric: Some(*metric),
                ..Run::default()
            };
            tried.runs.push((round, run));
        }
        tried
    }

    /// Memory and speed alike; more of the user's figure is better.
    pub(in crate::tune) fn judge() -> Judge {
        Judge {
            goal: search_space::goal(crate::templates::Goal::Balanced).unwrap(),
            memory: Memory::Mean,
            more_is_better: Some(true),
        }
    }

    #[test]
    fn drift_of_the_machine_cancels() {
        // The machine gets slower; each round says half the memory at the same speed.
        let all = [
            tried(&[
                (1000.0, 1.0, 100.0),
                (1000.0, 2.0, 50.0),
                (1000.0, 4.0, 25.0),
            ]),
            tried(&[(500.0, 1.0, 100.0), (500.0, 2.0, 50.0), (500.0, 4.0, 25.0)]),
        ];
        let standings = judge().standings(&all);
        let (memory, ends) = standings[1].memory.unwrap().ratio();
        assert!((memory - 0.5).abs() < 1e-9);
        assert!((ends.unwrap().1 - 0.5).abs() < 1e-9);
        assert!(standings[1].cpu.unwrap().mean.abs() < 1e-9);
        assert!(standings[1].score.unwrap().mean < 0.0);
        assert!(standings[1].pareto && !standings[0].pareto);
        assert!(judge().undecided(&all, 1, &[0, 1]).is_empty());
        assert_eq!(judge().advantage(&all, 1, 0), Advantage::Sure);
        assert_eq!(judge().advantage(&all, 0, 1), Advantage::None);
        assert_eq!(judge().advantage(&all, 0, 0), Advantage::None);
        let twice: Vec<Tried> = all
            .iter()
            .map(|one| Tried {
                runs: one.runs[..2].to_vec(),
                ..one.clone()
            })
            .collect();
        assert_eq!(judge().advantage(&twice, 1, 0), Advantage::Likely);
    }

    #[test]
    fn more_of_a_figure_may_be_better() {
        let all = [
            tried(&[(1000.0, 1.0, 100.0)]),
            tried(&[(1000.0, 1.0, 200.0)]),
        ];
        let mut judge = judge();
        assert!(judge.standings(&all)[1].score.unwrap().mean < 0.0);
        judge.more_is_better = Some(false);
        assert!(judge.standings(&all)[1].score.unwrap().mean > 0.0);
    }

    #[test]
    fn a_tick_of_cpu_time_is_no_difference() {
        let of = |cpu: f64| tried(&[(1000.0, cpu, 100.0); 4]);
        let verdict = |one, other| Verdicts::of(&judge().against(&of(one), &of(other))).cpu;
        assert_eq!(verdict(0.02, 0.03), Verdict::Undecided);
        assert_eq!(verdict(0.2, 0.3), Verdict::Lower);
        assert_eq!(verdict(2.0, 2.0), Verdict::Unchanged);
    }

    #[test]
    fn what_is_cheaper_or_smaller_is_on_the_front() {
        let all = [
            tried(&[(1000.0, 1.0, 100.0)]),
            tried(&[(500.0, 1.5, 100.0)]),
            tried(&[(600.0, 1.6, 100.0)]),
        ];
        let front: Vec<bool> = judge()
            .standings(&all)
            .iter()
            .map(|one| one.pareto)
            .collect();
        assert_eq!(front, [true, true, false]);
        assert_eq!(
            judge().undecided(&all, 1, &[0, 1, 2]),
            [0, 2],
            "one round decides nothing"
        );
    }

    #[test]
    fn a_round_without_the_baseline_does_not_count() {
        let mut other = tried(&[(500.0, 1.0, 100.0), (1.0, 1.0, 100.0)]);
        other.discarded = None;
        let all = [tried(&[(1000.0, 1.0, 100.0)]), other];
        assert_eq!(judge().standings(&all)[1].memory.unwrap().count, 1);
    }
}
