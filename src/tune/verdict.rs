//! What is said of a figure, in one word: surely lower, surely higher, unchanged, or undecided.

use super::judge::Standing;
use super::schedule::ROUNDS;
use super::search_space::{Margins, margins};
use super::statistics::Estimate;

/// What is said of a figure beside that of another setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Surely below it by more than the margin.
    Lower,
    /// Surely above it by more than the margin.
    Higher,
    /// Surely so near to it that the difference does not matter.
    Unchanged,
    /// The runs do not tell.
    #[default]
    Undecided,
}

impl Verdict {
    /// That of a mean of logarithms; `margin` is a part of the figure.
    pub(super) fn of(estimate: Option<Estimate>, margin: f64) -> Self {
        let estimate = estimate.filter(|estimate| estimate.count >= ROUNDS);
        let Some((low, high)) = estimate.and_then(|estimate| estimate.sure_ends()) else {
            return Self::Undecided;
        };
        let (below, above) = ((-margin).ln_1p(), margin.ln_1p());
        if high < below {
            Self::Lower
        } else if low > above {
            Self::Higher
        } else if below <= low && high <= above {
            Self::Unchanged
        } else {
            Self::Undecided
        }
    }

    /// As people and programs read it.
    #[must_use]
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Lower => "surely lower",
            Self::Higher => "surely higher",
            Self::Unchanged => "unchanged",
            Self::Undecided => "undecided",
        }
    }

    /// The same of one over the figure.
    #[must_use]
    pub(crate) const fn turned(self) -> Self {
        match self {
            Self::Lower => Self::Higher,
            Self::Higher => Self::Lower,
            same => same,
        }
    }
}

/// What is said of each figure of a setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdicts {
    pub memory: Verdict,
    /// CPU time.
    pub cpu: Verdict,
    /// The user's figure or the time, turned so that less is better.
    pub cost: Verdict,
}

impl Verdicts {
    /// Those of what was measured against another setting.
    #[must_use]
    pub(crate) fn of(standing: &Standing) -> Self {
        let Margins {
            memory, cpu, speed, ..
        } = margins();
        Self {
            memory: Verdict::of(standing.memory, *memory),
            cpu: Verdict::of(standing.cpu, *cpu),
            cost: Verdict::of(standing.cost, *speed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ratios: &[f64]) -> Verdict {
        let values: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
        Verdict::of(Estimate::of(&values), 0.02)
    }

    #[test]
    fn what_is_sure_is_said_and_what_is_not_is_not() {
        for (ratios, expected) in [
            (&[0.42, 0.43, 0.42][..], Verdict::Lower),
            (&[1.42, 1.43, 1.42], Verdict::Higher),
            (&[1.001, 1.0, 0.999, 1.0], Verdict::Unchanged),
            (&[0.9, 1.2, 1.0], Verdict::Undecided),
            // Lower for sure, but by how much is not.
            (&[0.985, 0.984, 0.985, 0.985], Verdict::Unchanged),
            (&[0.979, 0.982, 0.979, 0.981], Verdict::Undecided),
            // Two rounds say nothing, however well they agree.
            (&[0.5, 0.5], Verdict::Undecided),
            (&[], Verdict::Undecided),
        ] {
            assert_eq!(of(ratios), expected, "{ratios:?}");
        }
    }

    #[test]
    fn it_is_asked_after_every_round_so_the_interval_is_the_wider_one() {
        // By the interval of 95 % it would be lower.
        let ratios = [0.90, 0.92, 0.94];
        let values: Vec<f64> = ratios.iter().map(|ratio: &f64| ratio.ln()).collect();
        let (_, ends) = Estimate::of(&values).unwrap().ratio();
        assert!(ends.unwrap().1 < 0.98);
        assert_eq!(of(&ratios), Verdict::Undecided);
    }

    #[test]
    fn more_of_a_figure_is_less_of_its_cost() {
        assert_eq!(Verdict::Lower.turned(), Verdict::Higher);
        assert_eq!(Verdict::Unchanged.turned(), Verdict::Unchanged);
    }
}
