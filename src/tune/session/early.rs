//! After a minute: whether going on is worth it.

use std::time::Duration;

use super::Session;
use crate::text::duration;
use crate::tune::floor::{self, Saving};
use crate::tune::judge::{Judge, Standing, Tried};
use crate::tune::report;
use crate::tune::schedule::ROUNDS;
use crate::tune::search_space::margins;
use crate::tune::size::{Size, mib};
use crate::tune::statistics::Estimate;
use crate::tune::verdict::{Verdict, Verdicts};

/// So long people wait for a first word,
const SOON: Duration = Duration::from_secs(60);
/// but no longer than this part of the budget.
const PART: u32 = 4;

/// What was said so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Told {
    #[default]
    Nothing,
    /// That it is hardly worth it: what is found later is said, too.
    Hardly,
    /// That it is.
    GoingOn,
}

impl Told {
    /// What is said after that: each thing once, and nothing after that it is worth it.
    fn then(self, word: Word) -> Option<Word> {
        match (self, word.told) {
            (Self::Nothing, _) => Some(word),
            (Self::Hardly, Self::GoingOn) => Some(Word {
                text: format!("{} after all", word.text),
                ..word
            }),
            (Self::Hardly | Self::GoingOn, _) => None,
        }
    }
}

/// What is to be said.
#[derive(Debug, PartialEq, Eq)]
struct Word {
    told: Told,
    text: String,
}

/// Whether it is time for the first word.
fn is_due(spent: Duration, budget: Duration) -> bool {
    spent >= SOON.min(budget / PART)
}

impl Session<'_> {
    /// What the last column of the answer is called.
    fn speed(&self) -> &'static str {
        report::speed_of(
            self.workload.requests().as_ref(),
            self.judge.more_is_better.is_some(),
            self.workload.server().is_some(),
        )
    }

    /// Says early whether going on is worth it; and later that it is, where it did not look so.
    pub(super) fn tell_early(&mut self) {
        let spent = self.deadline.spent();
        let is_open = |one: &Tried| one.runs.is_empty() && one.discarded.is_none();
        let waits = self.all.iter().take(self.anchors).any(is_open);
        if self.told == Told::GoingOn || waits || !is_due(spent, self.options.budget) {
            return;
        }
        let hint = Hint {
            judge: self.judge(),
            all: &self.all,
            stays: self.stays(),
            fix: self.fix,
            size: self.size(),
            speed: self.speed(),
        };
        if let Some(word) = hint.word().and_then(|word| self.told.then(word)) {
            // Nobody wants to know it to the millisecond.
            let spent = duration::show(Duration::from_secs(spent.as_secs().max(1)));
            self.watcher.note(&format!("after {spent}: {}", word.text));
            self.told = word.told;
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
    /// What the figure of speed is called.
    speed: &'static str,
}

impl Hint<'_> {
    /// The first word; nothing where nothing has been compared yet.
    fn word(&self) -> Option<Word> {
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
        self.hardly(&compared, there).map(|text| Word {
            told: Told::Hardly,
            text,
        })
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
        let who = match compared.len() {
            1 => "the only other setting so far does not save".to_owned(),
            several => format!("none of the {several} settings so far saves"),
        };
        let saves = if most.is_something() {
            let percent = most.share * 100.0;
            format!("more than {percent:.1} % ({})", mib(most.bytes))
        } else {
            "memory".into()
        };
        let size = self.size.as_ref().map(|size| format!("{size}, and "));
        let worth = match self.perhaps_faster(compared, there) {
            Some(name) => format!(
                "for memory going on is hardly worth it; whether {name} is faster, more rounds will tell"
            ),
            None => "going on is hardly worth it (Ctrl-C keeps this answer)".into(),
        };
        Some(format!(
            "{}{who} {saves}: {worth}",
            size.unwrap_or_default()
        ))
    }

    /// What looks faster by more than the margin, as long as too few rounds were made to be sure of any speed.
    fn perhaps_faster<'a>(
        &'a self,
        compared: &[(usize, &'a Tried)],
        there: &Tried,
    ) -> Option<&'a str> {
        let margins = margins();
        let looks = |standing: &Standing| {
            let below = |estimate: Option<Estimate>, margin: f64| {
                let few = estimate.filter(|estimate| estimate.count < ROUNDS);
                few.is_some_and(|estimate| estimate.mean < (-margin).ln_1p())
            };
            below(standing.cpu, margins.cpu) || below(standing.cost, margins.speed)
        };
        let found = compared.iter().find(|(_, one)| {
            let standing = self.judge.against(one, there);
            looks(&standing) && !floor::seems_too_much(self.judge, &standing)
        });
        found.map(|(index, one)| self.title(*index, one))
    }

    /// A setting as people know it.
    fn title<'a>(&'a self, index: usize, one: &'a Tried) -> &'a str {
        if Some(index) == self.fix {
            "what `fix` sets"
        } else {
            &one.candidate.name
        }
    }

    fn going_on(&self, (index, one): (usize, &Tried), ratio: f64, what: &str) -> Word {
        let name = self.title(index, one);
        let there = self.all.get(self.stays);
        let there = there.map_or("", |there| there.candidate.name.as_str());
        Word {
            told: Told::GoingOn,
            text: format!("{name} is at {ratio:.2} of the {what} of {there} so far: going on"),
        }
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
            let (ratio, _) = cost.ratio();
            // As the answer has it: of what is better the more there is, the figure itself.
            let ratio = match self.judge.more_is_better {
                Some(true) => 1.0 / ratio,
                _ => ratio,
            };
            Some((*one, ratio, self.speed))
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
        after(3, figures)
    }

    fn after(rounds: usize, figures: [Figures; 3]) -> String {
        with_session(figures, 3, |mut session| {
            for tried in &mut session.all {
                tried.runs.truncate(rounds);
            }
            let hint = Hint {
                judge: session.judge(),
                all: &session.all,
                stays: session.stays(),
                fix: session.fix,
                size: session.size(),
                speed: session.speed(),
            };
            hint.word().unwrap().text
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
    fn of_a_speed_that_only_looks_so_it_is_said_that_rounds_will_tell() {
        let there = (100.0, 1.0, 100.0);
        let faster = (100.0, 0.8, 100.0);
        let tell = "whether what `fix` sets is faster, more rounds will tell";
        assert!(after(1, [there, faster, there]).ends_with(tell));
        assert!(after(3, [there, faster, there]).ends_with("so far: going on"));
        let hardly = "going on is hardly worth it (Ctrl-C keeps this answer)";
        // More of the figure is better, as of requests per second.
        assert_eq!(
            after(3, [there, there, (100.0, 1.0, 190.0)]),
            "glibc MALLOC_ARENA_MAX=2 is at 1.90 of the metric of glibc so far: going on"
        );
        let larger = (150.0, 0.8, 100.0);
        assert!(after(1, [there, larger, there]).ends_with(hardly));
    }

    #[test]
    fn what_did_not_look_worth_it_is_told_once_where_it_is() {
        let word = |told| Word {
            told,
            text: "going on".into(),
        };
        let then = |told: Told, next| told.then(word(next)).map(|word| word.text);
        for told in [Told::Hardly, Told::GoingOn] {
            assert_eq!(then(Told::Nothing, told).as_deref(), Some("going on"));
            assert_eq!(then(Told::GoingOn, told), None);
        }
        assert_eq!(then(Told::Hardly, Told::Hardly), None);
        let after_all = then(Told::Hardly, Told::GoingOn);
        assert_eq!(after_all.as_deref(), Some("going on after all"));
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
                speed: "",
            };
            assert_eq!(hint.word(), None);
        });
    }
}
