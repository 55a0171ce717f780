//! The options of `MALLOC_CONF` in every jemalloc that images have, and how distributions build it.
//! The data is `jemalloc.toml`. Strings are read by the model, not here.

use std::cmp::Ordering;
use std::fmt;

use serde::Deserialize;

use super::data::{Names, Table};
use super::glibc::edits;
use super::terms::Arch;

/// A version of jemalloc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JemallocVersion([u32; 3]);

impl JemallocVersion {
    /// The version written as `5.3.0`; what stands behind the numbers of a part is left out
    /// (`5.3.0-1`). `None` for what begins with no number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(['.', '-', '+', '~', '_']).map(str::parse);
        let first = parts.next()?.ok()?;
        let mut rest = parts.map_while(Result::ok);
        Some(Self([
            first,
            rest.next().unwrap_or(0),
            rest.next().unwrap_or(0),
        ]))
    }

    /// Its first number.
    #[must_use]
    pub const fn major(self) -> u32 {
        let [major, ..] = self.0;
        major
    }

    /// Whether it is at least `major.minor.patch`.
    #[must_use]
    pub fn at_least(self, version: [u32; 3]) -> bool {
        self.0.cmp(&version) != Ordering::Less
    }
}

impl fmt::Display for JemallocVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

impl<'de> Deserialize<'de> for JemallocVersion {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no version")))
    }
}

/// One option, as a range of versions knows it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JemallocOption {
    pub name: String,
    /// What its value is.
    pub kind: OptionKind,
    /// The first version that knows it.
    pub from: JemallocVersion,
    /// The first version that no longer knows it so.
    pub below: Option<JemallocVersion>,
    #[serde(default)]
    words: Names,
    min: Option<Bound>,
    max: Option<Bound>,
    /// A number out of its range is moved into it.
    #[serde(default)]
    pub clip: bool,
    /// Of a larger number only so many bits are kept, without a word.
    pub bits: Option<u32>,
    /// Its name may be cut short.
    #[serde(default)]
    pub short: bool,
    /// The part of jemalloc that has to be built in.
    pub part: Option<String>,
    /// What it does, where that has no place in production.
    pub debug: Option<String>,
    /// What it is for costs lines of output, and nothing else.
    #[serde(default)]
    pub prints: bool,
    /// What does its work in earlier versions, as a power of two.
    pub before: Option<String>,
    /// What does its work in later versions.
    pub instead: Option<String>,
    /// It is a time after which unused pages are given back, in so many milliseconds each.
    pub decay: Option<i64>,
}

/// What the value of an option is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptionKind {
    /// `true` or `false`.
    Bool,
    /// A number that is read without its sign.
    Unsigned,
    /// A number that may be negative.
    Signed,
    /// A decimal fraction.
    Ratio,
    /// One of its words.
    Words,
    /// The beginning of one of its words.
    Starts,
    /// Letters, of which unknown ones are passed over.
    Letters,
    /// Anything.
    Text,
    /// Ranges of sizes, each with a number.
    Sizes,
}

/// A limit, which may depend on the page size that jemalloc is built for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
enum Bound {
    Number(i128),
    Page,
    HugePage,
    SlowGrowth,
    LgSlowGrowth,
    LargestClass,
}

impl TryFrom<String> for Bound {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Ok(match text.as_str() {
            "page" => Self::Page,
            "hugepage" => Self::HugePage,
            "slow" => Self::SlowGrowth,
            "lg_slow" => Self::LgSlowGrowth,
            "largest" => Self::LargestClass,
            number => Self::Number(
                number
                    .parse()
                    .map_err(|_| format!("`{number}` is no bound"))?,
            ),
        })
    }
}

impl Bound {
    fn of(self, lg_page: u8) -> i128 {
        // `SC_NGROUP` is 4, huge pages are of 2 MiB wherever `--with-lg-hugepage` is not given.
        match self {
            Self::Number(number) => number,
            Self::Page => 1 << lg_page,
            Self::HugePage => 1 << 21,
            Self::SlowGrowth => 1 << (lg_page + 3),
            Self::LgSlowGrowth => i128::from(lg_page) + 3,
            Self::LargestClass => 7 << 60,
        }
    }
}

impl JemallocOption {
    /// Values by name.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter()
    }

    /// Whether `version` knows it.
    #[must_use]
    pub fn is_in(&self, version: JemallocVersion) -> bool {
        self.from <= version && self.below.is_none_or(|below| version < below)
    }

    /// The smallest and the largest value, built for pages of `2^lg_page` bytes.
    #[must_use]
    pub fn range(&self, lg_page: u8) -> (Option<i128>, Option<i128>) {
        let of = |bound: Option<Bound>| bound.map(|bound| bound.of(lg_page));
        (of(self.min), of(self.max))
    }
}

/// How a jemalloc was built.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JemallocBuild {
    distros: Option<Names>,
    archs: Option<Vec<Arch>>,
    has: Names,
    #[serde(default)]
    lacks: Names,
    /// The page size that it is built for, as a power of two.
    pub lg_page: u8,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

impl JemallocBuild {
    /// Whether it has a part; `None` where that is not known.
    #[must_use]
    pub fn has(&self, part: &str) -> Option<bool> {
        let named = |names: &Names| names.iter().any(|name| name == part);
        if named(&self.has) {
            return Some(true);
        }
        named(&self.lacks).then_some(false)
    }

    fn fits(&self, distro: Option<&str>, arch: Arch) -> bool {
        let of_distro = self
            .distros
            .as_ref()
            .is_none_or(|names| names.iter().any(|name| Some(name) == distro));
        of_distro
            && self
                .archs
                .as_ref()
                .is_none_or(|archs| archs.contains(&arch))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: Vec<KnownVersion>,
    build: Vec<JemallocBuild>,
    option: Vec<JemallocOption>,
    forgiven: Vec<Forgiven>,
    breaks: Option<Breaks>,
}

/// Names for which a version never ends a process, right or wrong.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Forgiven {
    from: JemallocVersion,
    /// How they begin.
    beginnings: Names,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

/// Whether strings that break off count.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Breaks {
    counted_from: JemallocVersion,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownVersion {
    number: JemallocVersion,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

static FILE: Table<File> = Table::new(include_str!("jemalloc.toml"));

/// The versions that images have, oldest first.
pub fn jemalloc_versions() -> impl DoubleEndedIterator<Item = JemallocVersion> {
    FILE.get().version.iter().map(|version| version.number)
}

/// All options, each as often as its meaning changed, in jemalloc's own order.
#[must_use]
pub fn jemalloc_options() -> &'static [JemallocOption] {
    &FILE.get().option
}

/// Whether `abort_conf` makes `version` end the process for what is wrong with this option.
#[must_use]
pub(crate) fn jemalloc_counts(name: &str, version: JemallocVersion) -> bool {
    let covers = |rule: &Forgiven| {
        rule.from <= version && rule.beginnings.iter().any(|start| name.starts_with(start))
    };
    !FILE.get().forgiven.iter().any(covers)
}

/// Whether `abort_conf` makes `version` end the process for a string that breaks off.
#[must_use]
pub(crate) fn jemalloc_counts_breaks(version: JemallocVersion) -> bool {
    FILE.get()
        .breaks
        .as_ref()
        .is_some_and(|breaks| breaks.counted_from <= version)
}

/// The option of `version` that `name` probably means: written otherwise, its last word left out
/// (`dirty_decay`), or at most two edits away.
/// Nothing where several are as near.
#[must_use]
pub(crate) fn jemalloc_near(
    name: &str,
    version: JemallocVersion,
) -> Option<&'static JemallocOption> {
    let plain = |name: &str| name.to_ascii_lowercase().replace(['-', '_', '.'], "");
    let known = || {
        jemalloc_options()
            .iter()
            .filter(|option| option.is_in(version))
    };
    if let Some(option) = known().find(|option| plain(&option.name) == plain(name)) {
        return Some(option);
    }
    let longer = |option: &&JemallocOption| {
        let rest = option.name.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with('_') && rest.matches('_').count() == 1)
    };
    if let [option] = known().filter(longer).collect::<Vec<_>>().as_slice() {
        return Some(option);
    }
    // Two edits make another word of a short one.
    let most = if name.len() < 8 { 1 } else { 2 };
    let mut near: Vec<_> = known()
        .filter_map(|option| {
            Some((
                edits(name, &option.name).filter(|count| *count <= most)?,
                option,
            ))
        })
        .collect();
    near.sort_by_key(|(count, _)| *count);
    match near.as_slice() {
        [(_, option)] => Some(option),
        [(first, option), (second, _), ..] if first < second => Some(option),
        _ => None,
    }
}

/// How jemalloc is built in a distribution, or elsewhere where none is given.
#[must_use]
pub fn jemalloc_build(distro: Option<&str>, arch: Arch) -> Option<&'static JemallocBuild> {
    FILE.get()
        .build
        .iter()
        .find(|build| build.fits(distro, arch))
}

#[cfg(test)]
mod tests;
