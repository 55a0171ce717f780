//! Which page each request asks for: smooth weighted round robin, by the request's number alone. Every run of as many
//! requests asks for the same ones.

/// The order of the pages, over and over.
#[derive(Clone, Debug)]
pub(super) struct Mix(Vec<usize>);

impl Mix {
    /// The order of pages with these weights: each turn everybody gains their weight, and the richest pays all of it.
    pub(super) fn of(weights: &[u32]) -> Self {
        let total: i64 = weights.iter().copied().map(i64::from).sum();
        let mut credit = vec![0_i64; weights.len()];
        let turn = |_| {
            let mut best: Option<(usize, i64)> = None;
            for (index, (own, weight)) in credit.iter_mut().zip(weights).enumerate() {
                *own += i64::from(*weight);
                if best.is_none_or(|(_, most)| *own > most) {
                    best = Some((index, *own));
                }
            }
            let index = best.map_or(0, |(index, _)| index);
            if let Some(own) = credit.get_mut(index) {
                *own -= total;
            }
            index
        };
        Self((0..total).map(turn).collect())
    }

    /// The page of the request of that number.
    pub(super) fn at(&self, number: u64) -> usize {
        let turn = number.checked_rem(self.0.len() as u64).unwrap_or(0);
        let turn = usize::try_from(turn).unwrap_or(0);
        self.0.get(turn).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_kept_and_no_page_comes_in_a_heap() {
        let mix = Mix::of(&[5, 1, 1]);
        let first: Vec<usize> = (0..7).map(|number| mix.at(number)).collect();
        assert_eq!(first, [0, 0, 1, 0, 2, 0, 0]);
        assert_eq!(mix.at(7_000_000_000_002), mix.at(2));
        assert_eq!((Mix::of(&[1]).at(9), Mix::of(&[]).at(9)), (0, 0));
    }

    #[test]
    fn large_weights_are_kept_exactly() {
        let mix = Mix::of(&[999, 500, 1]);
        let count = |page| (0..1500).filter(|number| mix.at(*number) == page).count();
        assert_eq!([0, 1, 2].map(count), [999, 500, 1]);
    }
}
