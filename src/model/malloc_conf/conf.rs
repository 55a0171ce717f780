//! The `MALLOC_CONF` of a unit with all that may read it: what is the same for every reader, and what
//! is not.

use std::ops::Range;

use super::{Effect, Jemalloc, Readers, Reading, Setting, Verdict, read, readers};
use crate::facts::JemallocOption;
use crate::model::{EnvVar, Unit};
use crate::text::Place;

/// The variable and its readers.
#[derive(Debug)]
pub(crate) struct Conf<'u> {
    /// The variable.
    pub var: &'u EnvVar,
    /// Its value.
    pub text: &'u str,
    /// What may read it.
    pub readers: Readers,
    readings: Vec<Reading>,
}

/// One setting, as all readers see it.
#[derive(Debug)]
pub(crate) struct Pair<'c> {
    /// Its name.
    pub key: &'c str,
    pub value: &'c str,
    /// Where it stands in the string; the same for all.
    pub setting: &'c Setting,
    verdicts: Vec<(&'c Jemalloc, &'c Verdict)>,
}

impl<'u> Conf<'u> {
    /// The `MALLOC_CONF` of a unit; nothing where there is none, or its text is not known.
    #[must_use]
    pub(crate) fn of(unit: &'u Unit) -> Option<Self> {
        let var = unit.env.get("MALLOC_CONF")?;
        let text = var.now.value.known().filter(|text| !text.is_empty())?;
        let readers = readers(unit);
        let readings = readers
            .all
            .iter()
            .map(|jemalloc| read(text, *jemalloc))
            .collect();
        Some(Self {
            var,
            text,
            readers,
            readings,
        })
    }

    /// How it is taken apart, which is the same for all.
    #[must_use]
    pub(crate) fn reading(&self) -> Option<&Reading> {
        self.readings.first()
    }

    /// Its settings.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = Pair<'_>> {
        let settings = self
            .reading()
            .map_or([].as_slice(), |first| first.settings.as_slice());
        settings.iter().enumerate().map(|(at, setting)| {
            let all = self.readers.all.iter().zip(&self.readings);
            Pair {
                key: self.part(&setting.key),
                value: self.part(&setting.value),
                setting,
                verdicts: all
                    .filter_map(|(jemalloc, reading)| {
                        Some((jemalloc, &reading.settings.get(at)?.verdict))
                    })
                    .collect(),
            }
        })
    }

    /// The last setting of an option that is taken, which is the one in force.
    #[must_use]
    pub(crate) fn last(&self, option: &str) -> Option<Pair<'_>> {
        self.pairs()
            .filter(|pair| pair.taken().is_some_and(|(taken, _)| taken.name == option))
            .last()
    }

    /// Whether the process ends at start for what is wrong, whatever reads it.
    #[must_use]
    pub(crate) fn aborts(&self) -> bool {
        !self.readings.is_empty() && self.readings.iter().all(Reading::aborts)
    }

    /// Where a part of the string stands.
    #[must_use]
    pub(crate) fn place(&self, range: Range<usize>) -> Place {
        self.var.now.part(range)
    }

    /// The string with another text in place of `range`.
    #[must_use]
    pub(crate) fn with(&self, range: &Range<usize>, text: &str) -> String {
        let before = self.text.get(..range.start).unwrap_or_default();
        let after = self.text.get(range.end..).unwrap_or_default();
        format!("{before}{text}{after}")
    }

    /// The string without the setting at `range`.
    #[must_use]
    pub(crate) fn without(&self, range: &Range<usize>) -> String {
        let rest = self.with(range, "");
        let empty = |part: &&str| !part.is_empty();
        rest.split(',').filter(empty).collect::<Vec<_>>().join(",")
    }

    /// What reads it, for a message: `jemalloc 5.2.1`.
    #[must_use]
    pub(crate) fn reader(&self) -> String {
        self.readers.version.map_or_else(
            || "jemalloc".into(),
            |version| format!("jemalloc {version}"),
        )
    }

    fn part(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }
}

impl Pair<'_> {
    /// The verdict of a reader, where all reject it.
    #[must_use]
    pub(crate) fn rejected(&self) -> Option<&Verdict> {
        let all = !self.verdicts.is_empty()
            && self
                .verdicts
                .iter()
                .all(|(_, verdict)| verdict.is_rejection());
        // The newest version's reason is the one that helps.
        all.then(|| self.verdicts.last().map(|(_, verdict)| *verdict))
            .flatten()
    }

    /// The readers that reject it, where others do not.
    pub(crate) fn rejected_by_some(&self) -> impl Iterator<Item = (&Jemalloc, &Verdict)> {
        let some = self.rejected().is_none();
        self.verdicts
            .iter()
            .copied()
            .filter(move |(_, verdict)| some && verdict.is_rejection())
    }

    /// The option and its value, where no reader rejects it.
    #[must_use]
    pub(crate) fn taken(&self) -> Option<(&'static JemallocOption, Effect)> {
        if self
            .verdicts
            .iter()
            .any(|(_, verdict)| verdict.is_rejection())
        {
            return None;
        }
        self.taken_by_some()
    }

    /// The option and its value, where a reader takes it.
    #[must_use]
    pub(crate) fn taken_by_some(&self) -> Option<(&'static JemallocOption, Effect)> {
        self.verdicts
            .iter()
            .rev()
            .find_map(|(_, verdict)| match verdict {
                Verdict::Taken(option, effect) => Some((*option, *effect)),
                _ => None,
            })
    }
}

/// The option that older versions had under the name of `pair`, and no version that may read it has.
#[must_use]
pub(crate) fn outlived(conf: &Conf<'_>, pair: &Pair<'_>) -> Option<&'static JemallocOption> {
    let oldest = conf
        .readers
        .all
        .iter()
        .map(|jemalloc| jemalloc.version)
        .min()?;
    let gone = |option: &&JemallocOption| {
        option.name == pair.key && option.below.is_some_and(|below| below <= oldest)
    };
    crate::facts::jemalloc_options().iter().rfind(gone)
}
