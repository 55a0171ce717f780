//! `MALLOC_CONF` as jemalloc reads it: which settings it takes, which it rejects and why, and what it
//! never gets to see.
//!
//! It follows `malloc_conf_init` of each version, quirks included: numbers may be octal, some names may
//! be cut short, and one bad character between settings ends the reading. What a writer may have
//! meant is in [`fix`]; who reads the variable is in [`readers`].

mod conf;
mod fix;
mod grammar;
mod number;
mod readers;
mod unread;

use std::ops::Range;

use crate::facts::{
    Arch, JemallocBuild, JemallocOption, JemallocVersion, OptionKind, jemalloc_counts,
    jemalloc_counts_breaks, jemalloc_options,
};

pub(crate) use conf::{Conf, Pair, outlived};
pub(crate) use fix::{fix, fix_pair, separate};
pub(crate) use grammar::Break;
pub use grammar::BreakKind;
pub(crate) use readers::{Readers, readers, rejected};
pub(crate) use unread::{Unread, unread};

/// One jemalloc: its version, and how it was built.
#[derive(Clone, Copy, Debug)]
pub struct Jemalloc {
    /// Its version.
    pub version: JemallocVersion,
    /// How it was built.
    pub build: &'static JemallocBuild,
    /// The architecture it was built for.
    pub arch: Arch,
}

/// A whole string as it is read.
#[derive(Debug)]
pub struct Reading {
    /// The settings that are read, in order.
    pub settings: Vec<Setting>,
    /// What ends the reading before the end of the string.
    pub broken: Option<Break>,
    /// The string ends with a comma; that is complained about, and harmless.
    pub final_comma: bool,
    /// `abort_conf` ends the process for a string that breaks off or ends with a comma.
    breaks_count: bool,
}

impl Reading {
    /// Whether jemalloc ends the process for what it found: `abort_conf:true` is in force, and something
    /// is wrong.
    #[must_use]
    pub fn aborts(&self) -> bool {
        let mut asked = self
            .settings
            .iter()
            .filter_map(|setting| match &setting.verdict {
                Verdict::Taken(option, Effect::Word(word)) if option.name == "abort_conf" => {
                    Some(*word == "true")
                }
                _ => None,
            });
        let counted = |setting: &Setting| setting.verdict.is_rejection() && setting.counts;
        let breaks = self.broken.is_some() || self.final_comma;
        let wrong = breaks && self.breaks_count || self.settings.iter().any(counted);
        wrong && asked.next_back() == Some(true)
    }
}

/// One setting, in bytes of the string.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its name.
    pub key: Range<usize>,
    /// Its value.
    pub value: Range<usize>,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Where it is not taken, `abort_conf` ends the process.
    pub counts: bool,
}

impl Setting {
    /// All of it.
    #[must_use]
    pub const fn all(&self) -> Range<usize> {
        self.key.start..self.value.end
    }
}

/// What becomes of a setting.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It is taken.
    Taken(&'static JemallocOption, Effect),
    /// It may be: that depends on a part that this build may not have.
    Unclear(&'static JemallocOption),
    /// No such option: `Invalid conf pair`.
    NoOption,
    /// The build lacks the part of jemalloc that has it: `Invalid conf pair`.
    NotBuilt(&'static JemallocOption),
    /// No such value: `Invalid conf value`.
    NoValue(&'static JemallocOption),
    /// `Out-of-range conf value`.
    OutOfRange(&'static JemallocOption),
    /// `Invalid settings for` the option.
    NoSizes(&'static JemallocOption),
}

impl Verdict {
    /// Whether it is surely not taken.
    #[must_use]
    pub const fn is_rejection(&self) -> bool {
        !matches!(self, Self::Taken(..) | Self::Unclear(_))
    }

    /// The option that it is about.
    #[must_use]
    pub const fn option(&self) -> Option<&'static JemallocOption> {
        match self {
            Self::Taken(option, _)
            | Self::Unclear(option)
            | Self::NotBuilt(option)
            | Self::NoValue(option)
            | Self::OutOfRange(option)
            | Self::NoSizes(option) => Some(option),
            Self::NoOption => None,
        }
    }

    /// What jemalloc says of a setting that it does not take.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        Some(match self {
            Self::Taken(..) | Self::Unclear(_) => return None,
            Self::NoOption | Self::NotBuilt(_) => "Invalid conf pair".into(),
            Self::NoValue(_) => "Invalid conf value".into(),
            Self::OutOfRange(_) => "Out-of-range conf value".into(),
            Self::NoSizes(option) => format!("Invalid settings for {}", option.name),
        })
    }
}

/// The value that a setting has in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A number.
    Number(i128),
    /// A number that was moved into its range.
    Clipped(i128),
    /// One of the words of the option.
    Word(&'static str),
    /// As it is written.
    Text,
}

/// Reads `text` as `jemalloc` does.
#[must_use]
pub fn read(text: &str, jemalloc: Jemalloc) -> Reading {
    let parsed = grammar::split(text);
    let setting = |(key, value): (Range<usize>, Range<usize>)| {
        let of = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default();
        let verdict = judge(
            of(&key),
            of(&value),
            text.get(value.start..).unwrap_or_default(),
            jemalloc,
        );
        let counts = jemalloc_counts(of(&key), jemalloc.version);
        Setting {
            key,
            value,
            verdict,
            counts,
        }
    };
    Reading {
        settings: parsed.pairs.into_iter().map(setting).collect(),
        broken: parsed.broken,
        final_comma: parsed.final_comma,
        breaks_count: jemalloc_counts_breaks(jemalloc.version),
    }
}

/// The option that a version reads under this name.
#[must_use]
pub(crate) fn option_of(key: &str, version: JemallocVersion) -> Option<&'static JemallocOption> {
    let known = || {
        jemalloc_options()
            .iter()
            .filter(|option| option.is_in(version))
    };
    let exact = known().find(|option| option.name == key);
    exact.or_else(|| known().find(|option| option.short && option.name.starts_with(key)))
}

/// `rest` begins with the value and goes on to the end of the string, as jemalloc's number reader does.
fn judge(key: &str, value: &str, rest: &str, jemalloc: Jemalloc) -> Verdict {
    let Some(option) = option_of(key, jemalloc.version) else {
        return Verdict::NoOption;
    };
    let has = option.part.as_deref().map(|part| jemalloc.build.has(part));
    if has == Some(Some(false)) {
        return Verdict::NotBuilt(option);
    }
    let verdict = judge_value(option, value, rest, jemalloc);
    match has {
        // Rejected either way, as a value or as a name: one may say so.
        Some(None) if !verdict.is_rejection() => Verdict::Unclear(option),
        _ => verdict,
    }
}

fn judge_value(
    option: &'static JemallocOption,
    value: &str,
    rest: &str,
    jemalloc: Jemalloc,
) -> Verdict {
    let word = option.words().find(|word| *word == value);
    let effect = match option.kind {
        OptionKind::Bool => ["true", "false"]
            .into_iter()
            .find(|word| *word == value)
            .map(Effect::Word),
        OptionKind::Words => word.map(Effect::Word),
        OptionKind::Starts => option
            .words()
            .find(|word| word.starts_with(value))
            .map(Effect::Word),
        OptionKind::Letters | OptionKind::Text => Some(Effect::Text),
        OptionKind::Ratio => word.map(Effect::Word).or_else(|| {
            let one = option.range(jemalloc.build.lg_page).1;
            number::ratio(value, one).then_some(Effect::Text)
        }),
        OptionKind::Sizes if word.is_none() => {
            // `bin_shards` alone has limits of its own.
            let shards = option.name == "bin_shards";
            return match number::sizes(rest, value.len(), shards) {
                true => Verdict::Taken(option, Effect::Text),
                false => Verdict::NoSizes(option),
            };
        }
        OptionKind::Sizes => word.map(Effect::Word),
        OptionKind::Unsigned | OptionKind::Signed => match word {
            Some(word) => Some(Effect::Word(word)),
            None => return judge_number(option, value, rest, jemalloc),
        },
    };
    effect.map_or(Verdict::NoValue(option), |effect| {
        Verdict::Taken(option, effect)
    })
}

fn judge_number(
    option: &'static JemallocOption,
    value: &str,
    rest: &str,
    jemalloc: Jemalloc,
) -> Verdict {
    let signed = option.kind == OptionKind::Signed;
    // Signed numbers were read with the C library's strtol before 5.3.0.
    let strict = signed && !jemalloc.version.at_least([5, 3, 0]);
    let Some(number) = number::read(rest, strict).filter(|read| read.end == value.len()) else {
        return Verdict::NoValue(option);
    };
    let number = if signed {
        i128::from(number.bits.cast_signed())
    } else {
        i128::from(number.bits)
    };
    let (min, max) = option.range(jemalloc.build.lg_page);
    let inside = number
        .max(min.unwrap_or(number))
        .min(max.unwrap_or(i128::MAX).max(min.unwrap_or(i128::MIN)));
    if inside == number {
        let kept = |bits| number & ((1_i128 << bits) - 1);
        let number = option.bits.map_or(number, kept);
        return Verdict::Taken(option, Effect::Number(number));
    }
    if option.clip {
        Verdict::Taken(option, Effect::Clipped(inside))
    } else {
        Verdict::OutOfRange(option)
    }
}

#[cfg(test)]
mod tests;
