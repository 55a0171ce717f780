//! What is tried, as data: options and their values, settings that people use, and what counts how
//! much. The data is `space.toml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::schedule::Random;
use crate::facts::Family;
use crate::templates;

/// An option of jemalloc.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Choice {
    key: String,
    values: Vec<String>,
    /// Left out where this other option is set.
    without: Option<String>,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

/// The names of a library.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    allocator: Which,
    names: Vec<String>,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

/// A setting that people use.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Preset {
    /// `jemalloc`, `glibc`...
    pub(super) allocator: Which,
    /// Its variables.
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    /// Where it comes from.
    pub(super) source: String,
}

/// An allocator that can be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub(crate) enum Which {
    /// That of the C library.
    Glibc,
    Jemalloc,
    Mimalloc,
    Tcmalloc,
}

impl Which {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Glibc, Self::Jemalloc, Self::Mimalloc, Self::Tcmalloc];

    /// As people call it.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Glibc => "glibc",
            Self::Jemalloc => "jemalloc",
            Self::Mimalloc => "mimalloc",
            Self::Tcmalloc => "tcmalloc",
        }
    }

    /// The family of its library; the C library's own has none.
    #[must_use]
    pub(crate) const fn family(self) -> Option<Family> {
        match self {
            Self::Glibc => None,
            Self::Jemalloc => Some(Family::Jemalloc),
            Self::Mimalloc => Some(Family::Mimalloc),
            Self::Tcmalloc => Some(Family::Tcmalloc),
        }
    }
}

/// What counts how much.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Goal {
    /// `balanced`.
    pub name: templates::Goal,
    /// Weights of logarithms.
    pub memory: f64,
    /// CPU time.
    pub cpu: f64,
    /// The user's figure, or the time.
    pub speed: f64,
    /// What is surely faster may take so much more memory, as a part of the other's.
    pub more_memory: f64,
}

/// From where on a difference is one, as a part of the other's figure.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Margins {
    pub(super) memory: f64,
    /// CPU time.
    pub(super) cpu: f64,
    /// The user's figure, or the time.
    pub(super) speed: f64,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

/// Below this nothing is recommended for the memory that it saves.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Floor {
    /// A part of the memory.
    pub(crate) share: f64,
    /// Of all processes together, in MiB.
    pub(crate) mib: f64,
    /// A service that grew by less per process is small, in MiB.
    pub(crate) growth_mib: f64,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Space {
    option: Vec<Choice>,
    library: Vec<Names>,
    preset: Vec<Preset>,
    margin: Margins,
    floor: Floor,
    goal: Vec<Goal>,
}

const TEXT: &str = include_str!("space.toml");

fn space() -> &'static Space {
    static SPACE: OnceLock<Space> = OnceLock::new();
    SPACE.get_or_init(|| toml_edit::de::from_str(TEXT).unwrap_or_default())
}

pub(super) fn presets() -> &'static [Preset] {
    &space().preset
}

pub(super) fn margins() -> &'static Margins {
    &space().margin
}

pub(crate) fn floor() -> &'static Floor {
    &space().floor
}

/// The names under which the loader may know an allocator.
pub(super) fn names(which: Which) -> &'static [String] {
    let own = space()
        .library
        .iter()
        .find(|library| library.allocator == which);
    own.map_or(&[], |library| library.names.as_slice())
}

/// The goal of that name.
pub(super) fn goal(name: templates::Goal) -> Option<&'static Goal> {
    space().goal.iter().find(|goal| goal.name == name)
}

/// Draws a combination, as a `MALLOC_CONF`; "" is a combination, too.
pub(super) fn draw(random: &mut Random) -> String {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for option in &space().option {
        let value = option.values.get(random.below(option.values.len()));
        let value = value.map_or("", String::as_str);
        let other = option.without.as_deref();
        let excluded = pairs.iter().any(|(key, _)| Some(*key) == other);
        if !value.is_empty() && !excluded {
            pairs.push((&option.key, value));
        }
    }
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(key, value)| format!("{key}:{value}"))
        .collect();
    pairs.join(",")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn parses_and_names_its_sources() {
        let space: Space = toml_edit::de::from_str(TEXT).unwrap();
        assert!(space.option.iter().all(|option| !option.source.is_empty()));
        assert!(space.preset.iter().all(|preset| !preset.source.is_empty()));
        assert!(!space.margin.source.is_empty() && !space.floor.source.is_empty());
        assert!(
            space
                .library
                .iter()
                .all(|library| !library.source.is_empty())
        );
        let found = Which::ALL
            .into_iter()
            .filter(|which| which.family().is_some());
        assert!(found.clone().all(|which| !names(which).is_empty()));
        for (which, name) in
            found.flat_map(|which| names(which).iter().map(move |name| (which, name)))
        {
            assert_eq!(
                crate::facts::family_of_library(name),
                which.family(),
                "{name}"
            );
        }
        let sizes = space.option.iter().map(|option| option.values.len());
        assert!(sizes.product::<usize>() > 1000);
        use templates::Goal::{Balanced, LowMemory, Throughput};
        for name in [Balanced, LowMemory, Throughput] {
            assert!(goal(name).is_some(), "{name:?}");
        }
        // What people try first is tried first.
        let article = "narenas:1,tcache:false";
        assert!(
            presets()
                .iter()
                .any(|preset| preset.env.values().any(|value| value == article))
        );
    }

    #[test]
    fn a_seed_repeats_its_drawing() {
        let drawn = |seed| {
            let mut random = Random(seed);
            (0..50).map(|_| draw(&mut random)).collect::<Vec<_>>()
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        let all: BTreeSet<String> = (0..20).flat_map(drawn).collect();
        assert!(all.len() > 500, "{}", all.len());
        let both = |conf: &&String| conf.contains("tcache:false") && conf.contains("lg_tcache_max");
        assert_eq!(all.iter().find(both), None);
    }
}
