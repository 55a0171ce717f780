//! Values for `MALLOC_CONF` (`malloc-conf.toml`), each with the measurement that supports it.

use std::sync::OnceLock;

use serde::Deserialize;

use crate::model::ProcessModel;

use super::numbers;

const PROFILES: &str = include_str!("../../templates/malloc-conf.toml");

/// What counts how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// Memory first.
    LowMemory,
    /// Memory and speed alike.
    #[default]
    Balanced,
    /// Speed first.
    Throughput,
}

impl Goal {
    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::LowMemory => "low-memory",
            Self::Balanced => "balanced",
            Self::Throughput => "throughput",
        }
    }
}

/// What a value is wanted for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Need<'a> {
    /// How the process makes workers, where that is known.
    pub model: Option<ProcessModel>,
    /// What the user wants.
    pub goal: Goal,
    /// The version of jemalloc; one that is not known is taken for a recent one.
    pub version: Option<&'a str>,
    /// Its Python processes run jemalloc's thread, by the thread hook.
    pub thread: bool,
}

/// A value for `MALLOC_CONF` and what supports it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    model: Option<Model>,
    #[serde(default)]
    goal: Goal,
    #[serde(default)]
    thread: bool,
    from: String,
    below: Option<String>,
    pub value: String,
    /// The measurement that supports it.
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "tests demand that every profile says how it was measured"
        )
    )]
    pub measured: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Model {
    Fork,
    Spawn,
    Threads,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profiles {
    profile: Vec<Profile>,
}

/// What `MALLOC_CONF` is set to: the first profile that fits.
#[must_use]
pub(crate) fn malloc_conf(need: &Need<'_>) -> Option<&'static Profile> {
    profiles().iter().find(|profile| profile.fits(need))
}

/// Whether a `MALLOC_CONF` is one of the profiles, as this tool writes them.
#[must_use]
pub(crate) fn is_profile(value: &str) -> bool {
    profiles().iter().any(|profile| profile.value == value)
}

impl Profile {
    fn fits(&self, need: &Need<'_>) -> bool {
        let model = need.model.map(|model| match model {
            ProcessModel::Fork => Model::Fork,
            ProcessModel::Spawn => Model::Spawn,
            ProcessModel::Threads => Model::Threads,
        });
        self.goal == need.goal
            && self.thread == need.thread
            && self.model.is_none_or(|own| Some(own) == model)
            && self.knows(need.version)
    }

    fn knows(&self, version: Option<&str>) -> bool {
        let version = numbers(version.unwrap_or("5.3"));
        let below = self.below.as_deref();
        numbers(&self.from) <= version && below.is_none_or(|below| version < numbers(below))
    }
}

fn profiles() -> &'static [Profile] {
    static ALL: OnceLock<Vec<Profile>> = OnceLock::new();
    let read = || {
        toml_edit::de::from_str::<Profiles>(PROFILES).map_or_else(|_| Vec::new(), |all| all.profile)
    };
    ALL.get_or_init(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOALS: [Goal; 3] = [Goal::LowMemory, Goal::Balanced, Goal::Throughput];
    const MODELS: [Option<ProcessModel>; 4] = [
        None,
        Some(ProcessModel::Fork),
        Some(ProcessModel::Spawn),
        Some(ProcessModel::Threads),
    ];

    fn value(need: Need<'_>) -> Option<&'static str> {
        malloc_conf(&need).map(|profile| profile.value.as_str())
    }

    #[test]
    fn the_file_can_be_read_and_every_value_is_measured() {
        let all = toml_edit::de::from_str::<Profiles>(PROFILES).unwrap();
        assert!(
            all.profile
                .iter()
                .all(|profile| !profile.measured.is_empty())
        );
    }

    #[test]
    fn there_is_one_for_every_goal_model_and_version_from_five() {
        for goal in GOALS {
            for model in MODELS {
                for version in [
                    None,
                    Some("5.0.1"),
                    Some("5.2.1-3"),
                    Some("5.3.0"),
                    Some("5.3.1"),
                ] {
                    let need = Need {
                        model,
                        goal,
                        version,
                        ..Need::default()
                    };
                    assert!(value(need).is_some(), "{need:?}");
                    let thread = Need {
                        thread: true,
                        ..need
                    };
                    assert!(value(thread).is_some(), "{thread:?}");
                }
                let old = Need {
                    model,
                    goal,
                    version: Some("3.6.0"),
                    ..Need::default()
                };
                assert_eq!(value(old), None);
            }
        }
    }

    #[test]
    fn no_profile_has_an_option_that_its_version_does_not_know() {
        use crate::facts::{Arch, jemalloc_build, jemalloc_versions};
        use crate::model::malloc_conf::{Jemalloc, read};
        for version in jemalloc_versions().filter(|version| version.major() >= 5) {
            let text = version.to_string();
            let build = jemalloc_build(Some("debian"), Arch::Amd64).unwrap();
            let jemalloc = Jemalloc {
                version,
                build,
                arch: Arch::Amd64,
            };
            for profile in profiles()
                .iter()
                .filter(|profile| profile.knows(Some(&text)))
            {
                let reading = read(&profile.value, jemalloc);
                let taken = reading
                    .settings
                    .iter()
                    .all(|setting| !setting.verdict.is_rejection());
                assert!(
                    taken && reading.broken.is_none(),
                    "{version}: {}",
                    profile.value
                );
            }
        }
    }

    #[test]
    fn the_profile_is_that_of_the_version() {
        let fork = Need {
            model: Some(ProcessModel::Fork),
            ..Need::default()
        };
        let of = |version| {
            value(Need {
                version: Some(version),
                ..fork
            })
            .unwrap()
        };
        assert!(of("5.3.0").contains("tcache_nslots_small_max:8"));
        assert!(!of("5.1.0").contains("oversize_threshold"));
        assert!(of("5.2.1").contains("lg_tcache_max:10,"));
    }

    #[test]
    fn nothing_that_every_program_reads_asks_for_a_second_thread() {
        let asks = |profile: &&Profile| profile.value.contains("background_thread");
        assert!(!profiles().iter().any(|profile| asks(&profile)));
    }
}
