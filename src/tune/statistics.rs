//! Means of ratios and how sure they are.
//!
//! A machine drifts: what is measured now is compared with what was measured in the same round.
//! Ratios are kept as logarithms, so that half and double weigh the same.

/// A mean with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    pub mean: f64,
    /// Half the width of the interval; `None` for a single value.
    pub half: Option<f64>,
    /// How many values.
    pub count: usize,
}

/// The 97.5 % quantiles of Student's t by degrees of freedom, from 1.
const T: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042,
];
/// That of the normal distribution.
const NORMAL: f64 = 1.960;
/// The same at 99.75 %. Who looks after each round whether one of several wins finds a winner by
/// chance: of settings that do not differ, in 14 % of all cases with the quantiles above, in 2 % with
/// these (30 rounds; 7 % where there are four, instead of 35 %).
const T_SURE: [f64; 30] = [
    127.32, 14.089, 7.453, 5.598, 4.773, 4.317, 4.029, 3.833, 3.690, 3.581, 3.497, 3.428, 3.372,
    3.326, 3.286, 3.252, 3.222, 3.197, 3.174, 3.153, 3.135, 3.119, 3.104, 3.091, 3.078, 3.067,
    3.057, 3.047, 3.038, 3.030,
];
const NORMAL_SURE: f64 = 2.807;

impl Estimate {
    /// The mean of values; `None` without any.
    #[must_use]
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        if count == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let half = (count > 1).then(|| {
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            let deviation = (squares / (count - 1) as f64).sqrt();
            quantile(&T, NORMAL, count - 1) * deviation / (count as f64).sqrt()
        });
        Some(Self { mean, half, count })
    }

    /// The same where each value may be off by so much: however well they agree, the interval is as wide.
    #[must_use]
    pub(crate) fn coarse(mut self, step: f64) -> Self {
        self.half = self.half.map(|half| half.max(step));
        self
    }

    /// Whether it is above zero for sure, however often that is asked.
    #[must_use]
    pub(crate) fn is_positive(&self) -> bool {
        self.sure_ends().is_some_and(|(low, _)| low > 0.0)
    }

    /// The ends of the interval that holds however often it is asked for; `None` for a single value.
    #[must_use]
    pub(crate) fn sure_ends(&self) -> Option<(f64, f64)> {
        let freedom = self.count.saturating_sub(1);
        let wider = quantile(&T_SURE, NORMAL_SURE, freedom) / quantile(&T, NORMAL, freedom);
        let half = self.half? * wider;
        Some((self.mean - half, self.mean + half))
    }

    /// Whether the whole interval is so near to zero that the difference does not matter.
    #[must_use]
    pub(crate) fn is_negligible(&self, margin: f64) -> bool {
        self.half
            .is_some_and(|half| self.mean.abs() + half < margin)
    }

    /// A mean of logarithms as a ratio, with the ends of its interval.
    #[must_use]
    pub(crate) fn ratio(&self) -> (f64, Option<(f64, f64)>) {
        let ends = self
            .half
            .map(|half| ((self.mean - half).exp(), (self.mean + half).exp()));
        (self.mean.exp(), ends)
    }
}

fn quantile(table: &[f64; 30], normal: f64, freedom: usize) -> f64 {
    // Between the table's end and infinity it falls as one over the degrees of freedom.
    let [.., end] = table;
    let known = freedom.checked_sub(1).and_then(|index| table.get(index));
    let beyond = || normal + (end - normal) * table.len() as f64 / freedom.max(1) as f64;
    known.copied().unwrap_or_else(beyond)
}

/// The middle value; the mean of the two middle ones.
#[must_use]
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    let upper = *sorted.get(half)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *sorted.get(half.checked_sub(1)?)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_by_hand() {
        // 1, 2, 3: mean 2, deviation 1, half width 4.303 / sqrt 3.
        let estimate = Estimate::of(&[1.0, 2.0, 3.0]).unwrap();
        assert!((estimate.mean - 2.0).abs() < 1e-12);
        assert!((estimate.half.unwrap() - 2.484).abs() < 1e-3);
        assert!(!estimate.is_positive());
        assert!(Estimate::of(&[2.0, 2.1, 1.9, 2.0]).unwrap().is_positive());
        assert_eq!(Estimate::of(&[7.0]).unwrap().half, None);
        assert!(!Estimate::of(&[7.0]).unwrap().is_positive());
        assert_eq!(Estimate::of(&[]), None);
    }

    #[test]
    fn values_that_are_counted_in_steps_agree_by_chance() {
        let estimate = Estimate::of(&[0.2; 4]).unwrap();
        assert!(estimate.is_positive() && estimate.coarse(0.01).is_positive());
        assert!(!estimate.coarse(0.2).is_positive());
        assert_eq!(Estimate::of(&[0.2]).unwrap().coarse(0.2).half, None);
    }

    #[test]
    fn a_difference_may_not_matter() {
        assert!(
            Estimate::of(&[0.001, -0.001, 0.0])
                .unwrap()
                .is_negligible(0.01)
        );
        assert!(
            !Estimate::of(&[0.05, -0.05, 0.0])
                .unwrap()
                .is_negligible(0.01)
        );
        assert!(!Estimate::of(&[0.0]).unwrap().is_negligible(0.01));
    }

    #[test]
    fn quantiles_fall_and_never_jump() {
        let all: Vec<f64> = (1..200)
            .map(|freedom| quantile(&T, NORMAL, freedom))
            .collect();
        assert!(all.windows(2).all(|pair| pair[0] > pair[1]));
        assert!((quantile(&T, NORMAL, 60) - 2.000).abs() < 0.003);
        assert!((quantile(&T, NORMAL, 120) - 1.980).abs() < 0.003);
    }

    #[test]
    fn half_and_double_cancel() {
        let estimate = Estimate::of(&[0.5_f64.ln(), 2.0_f64.ln()]).unwrap();
        assert!((estimate.ratio().0 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn medians() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}
