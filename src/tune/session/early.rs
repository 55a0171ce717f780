//! After a minute: whether going on is worth it.

use std::time::Duration;

use super::Session;
use crate::text::duration;
use crate::tune::floor::{self, Saving};
use crate::tune::judge::{Judge, Tried};
use crate::tune::size::{Size, mib};
use crate::tune::verdict::{Verdict, Verdicts};

/// So long people wait for a first word,
const SOON: Duration = Duration::from_secs(60);
/// but no longer than this part of the budget.
const PART: u32 = 4;

/// Whether it is time for the first word.
fn is_due(spent: Duration, budget: Duration) -> bool {
    spent >= SOON.min(budget / PART)
}

impl Session<'_> {
    /// Says once, and early, whether going on is worth it.
    pub(super) fn tell_early(&mut self) {
        let spent = self.deadline.spent();
        let is_open = |one: &Tried| one.runs.is_empty() && one.discarded.is_none();
        let waits = self.all.iter().take(self.anchors).any(is_open);
        if self.told || waits || !is_due(spent, self.options.budget) {
            return;
        }
        let hint = Hint {
            judge: self.judge(),
            all: &self.all,
            stays: self.stays(),
            fix: self.fix,
            size: self.size(),
        };
        if let Some(word) = hint.word() {
            // Nobody wants to know it to the millisecond.
            let spent = duration::show(Duration::from_secs(spent.as_secs().max(1)));
            self.watcher.note(&format!("after {spent}: {word}"));
            self.told = true;
        }
    }
}

/// What the first word is taken from.
struct Hint<'a> {
    judge: &'a Judge,
    all: &'a [Tried],
    /// What is there, and is kept unless something is better.
    stays: usize,
    fix: Option<usize>,
    size: Option<Size>,
}

impl Hint<'_> {
    /// The first word; nothing where nothing has been compared yet.
    fn word(&self) -> Option<String> {
        let there = self.all.get(self.stays)?;
        let compared: Vec<(usize, &Tried)> = (self.all.iter().enumerate())
            .filter(|(index, one)| *index != self.stays && one.discarded.is_none())
            .filter(|(_, one)| self.judge.against(one, there).memory.is_some())
            .collect();
        if let Some((best, saving)) = self.saver(&compared, there) {
            return Some(self.going_on(best, 1.0 - saving.share, "memory"));
        }
        if let Some((one, ratio, what)) = self.faster(&compared, there) {
            return Some(self.going_on(one, ratio, what));
        }
        self.hardly(&compared, there)
    }

    /// The best of those that may save enough.
    fn saver<'a>(
        &self,
        compared: &[(usize, &'a Tried)],
        there: &Tried,
    ) -> Option<((usize, &'a Tried), Saving)> {
        let score = |one: &Tried| {
            let score = self.judge.against(one, there).score;
            score.map_or(f64::INFINITY, |score| score.mean)
        };
        let savers = compared.iter().filter_map(|one| {
            let saving = floor::likely_saving(self.judge, one.1, there)?;
            saving.is_enough().then_some((*one, saving))
        });
        savers.min_by(|(one, _), (other, _)| score(one.1).total_cmp(&score(other.1)))
    }

    /// How little there is to be saved.
    fn hardly(&self, compared: &[(usize, &Tried)], there: &Tried) -> Option<String> {
        let savings = compared.iter();
        let savings = savings.filter_map(|one| floor::likely_saving(self.judge, one.1, there));
        let most = savings.max_by(|one, other| one.share.total_cmp(&other.share))?;
        // What would be printed as nothing is nothing.
        let saves = if most.share >= 0.0005 {
            let percent = most.share * 100.0;
            format!("saves more than {percent:.1} % ({})", mib(most.bytes))
        } else {
            "saves memory".into()
        };
        let size = self.size.as_ref().map(|size| format!("{size}, and "));
        Some(format!(
            "{}none of the {} settings so far {saves}: going on is hardly worth it (Ctrl-C keeps this answer)",
            size.unwrap_or_default(),
            compared.len()
        ))
    }

    fn going_on(&self, (index, one): (usize, &Tried), ratio: f64, what: &str) -> String {
        let name = if Some(index) == self.fix {
            "what `fix` sets"
        } else {
            &one.candidate.name
        };
        let there = self.all.get(self.stays);
        let there = there.map_or("", |there| there.candidate.name.as_str());
        format!("{name} is at {ratio:.2} of the {what} of {there} so far: going on")
    }

    /// What surely takes less CPU time or time, and no more memory than the goal lets it. What only looks so does not
    /// count: of many settings one always does.
    fn faster<'a>(
        &self,
        compared: &[(usize, &'a Tried)],
        there: &Tried,
    ) -> Option<((usize, &'a Tried), f64, &'static str)> {
        compared.iter().find_map(|one| {
            let standing = self.judge.against(one.1, there);
            let verdicts = Verdicts::of(&standing);
            let too_much = floor::takes_too_much(self.judge, &standing);
            let less = |verdict| verdict == Verdict::Lower && !too_much;
            if less(verdicts.cpu) {
                return Some((*one, standing.cpu?.ratio().0, "CPU time"));
            }
            let cost = less(verdicts.cost).then_some(standing.cost?)?;
            let name = match self.judge.more_is_better {
                Some(_) => "cost (by `--metric`)",
                None => "time",
            };
            Some((*one, cost.ratio().0, name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::session::fixture::{Figures, with_session};

    #[test]
    fn after_a_minute_and_never_later_than_a_quarter() {
        let due = |spent, budget| is_due(Duration::from_secs(spent), Duration::from_secs(budget));
        assert!(!due(59, 600) && due(60, 600));
        assert!(!due(2, 12) && due(3, 12), "a quarter of the budget");
    }

    fn word(figures: [Figures; 3]) -> String {
        with_session(figures, 3, |session| {
            let hint = Hint {
                judge: session.judge(),
                all: &session.all,
                stays: session.stays(),
                fix: session.fix,
                size: session.size(),
            };
            hint.word().unwrap()
        })
    }

    #[test]
    fn going_on_is_worth_it_or_it_is_not() {
        let there = (100.0, 1.0, 100.0);
        assert_eq!(
            word([there, (55.0, 1.0, 100.0), there]),
            "what `fix` sets is at 0.55 of the memory of glibc so far: going on"
        );
        assert_eq!(
            word([there, there, (80.0, 1.0, 100.0)]),
            "glibc MALLOC_ARENA_MAX=2 is at 0.80 of the memory of glibc so far: going on"
        );
        assert_eq!(
            word([there, (100.0, 0.8, 100.0), there]),
            "what `fix` sets is at 0.80 of the CPU time of glibc so far: going on"
        );
        let hardly = "going on is hardly worth it (Ctrl-C keeps this answer)";
        let peak = "the command took 100 MiB at its peak in 3 processes, and none of the 2 settings so far";
        assert_eq!(
            word([there, (97.5, 1.0, 100.0), there]),
            format!("{peak} saves more than 2.5 % (2.5 MiB): {hardly}")
        );
        let more = (110.0, 1.0, 100.0);
        assert_eq!(
            word([there, more, more]),
            format!("{peak} saves memory: {hardly}")
        );
    }

    #[test]
    fn where_nothing_was_compared_nothing_is_said() {
        let there = (100.0, 1.0, 100.0);
        with_session([there; 3], 1, |session| {
            let hint = Hint {
                judge: session.judge(),
                all: &session.all[..1],
                stays: 0,
                fix: None,
                size: None,
            };
            assert_eq!(hint.word(), None);
        });
    }
}
