//! The configuration of an image: the members that are used here, by the names that docker gives them, which has more of them than the
//! specification (image-spec, config.md; moby, api/types/container).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Deserialize)]
pub(super) struct Configuration {
    pub(super) os: String,
    pub(super) architecture: String,
    pub(super) variant: Option<String>,
    pub(super) config: Option<Config>,
    pub(super) rootfs: Layers,
}

#[derive(Deserialize)]
pub(super) struct Layers {
    /// What each layer comes to when it is unpacked, from below.
    pub(super) diff_ids: Option<Vec<String>>,
}

/// What a container starts with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Config {
    pub(super) env: Option<Vec<String>>,
    pub(super) user: Option<String>,
    pub(super) working_dir: Option<String>,
    pub(super) entrypoint: Option<Vec<String>>,
    pub(super) cmd: Option<Vec<String>>,
    pub(super) shell: Option<Vec<String>>,
    pub(super) exposed_ports: Option<BTreeMap<String, IgnoredAny>>,
    pub(super) volumes: Option<BTreeMap<String, IgnoredAny>>,
    pub(super) healthcheck: Option<Healthcheck>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Healthcheck {
    pub(super) test: Option<Vec<String>>,
}

impl Config {
    /// The first word of what starts.
    pub(super) fn program(&self) -> Option<&str> {
        let entrypoint = self.entrypoint.as_ref().filter(|all| !all.is_empty());
        let words = entrypoint.or(self.cmd.as_ref())?;
        words.first().map(String::as_str)
    }

    /// How much of it is told to a container, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let test = self
            .healthcheck
            .as_ref()
            .and_then(|check| check.test.as_ref());
        let lists = [&self.env, &self.entrypoint, &self.cmd, &self.shell];
        let lists = lists.into_iter().flatten().chain(test).flatten();
        let keys = |all: &Option<BTreeMap<String, IgnoredAny>>| {
            all.iter()
                .flat_map(BTreeMap::keys)
                .map(|key| key.len() + 1)
                .sum::<usize>()
        };
        let words: usize = lists.map(|word| word.len() + 1).sum();
        let single = [&self.user, &self.working_dir].into_iter().flatten();
        words
            + single.map(String::len).sum::<usize>()
            + keys(&self.exposed_ports)
            + keys(&self.volumes)
    }

    /// The value of a variable of its environment; of several the last one counts.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        let pairs = self.env.iter().flatten();
        let mut pairs = pairs.rev().filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }
}
