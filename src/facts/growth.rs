//! Signs that the memory of a service grows with its work (`growth.toml`).

use serde::Deserialize;

use super::data::{Names, Table};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    server: Vec<Server>,
    setting: Vec<Setting>,
    trimming: Trimming,
    weak: Weak,
}

/// How a server is told to end its workers, and to answer in threads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    names: Names,
    /// Options that end workers after so much.
    #[serde(default)]
    recycling: Names,
    /// A variable with further options.
    pub(crate) variable: Option<String>,
    /// Options that name the file of its settings.
    #[serde(default)]
    options: Names,
    /// An argument may name it, too.
    #[serde(default)]
    pub(crate) arguments: bool,
    /// Where that file is looked for otherwise.
    #[serde(default)]
    files: Names,
    /// Settings of the file: how many threads.
    #[serde(default)]
    threads: Names,
    /// Values in the file that make it answer in threads.
    #[serde(default)]
    thread_pools: Names,
    /// Settings of the file that say of what kind workers are.
    #[serde(default)]
    worker_kinds: Names,
    /// Settings of the file that end workers.
    #[serde(default)]
    file_recycling: Names,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Setting {
    names: Names,
    servers: Names,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trimming {
    calls: Names,
    in_loops: Names,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Weak {
    pools: Names,
    pool_workers: Names,
    prefork: Names,
    packages: Names,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader; the tests demand it")
    )]
    #[serde(flatten)]
    sources: Sources,
}

#[derive(Debug, Default, Deserialize)]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "for the reader; the tests demand it")
)]
struct Sources {
    pools_source: String,
    packages_source: String,
}

static FILE: Table<File> = Table::new(include_str!("growth.toml"));

fn holds(names: &Names, name: &str) -> bool {
    names.iter().any(|known| known == name)
}

/// What is known of the server of that name.
#[must_use]
pub(crate) fn server(name: &str) -> Option<&'static Server> {
    let mut servers = FILE.get().server.iter();
    servers.find(|server| holds(&server.names, name))
}

impl Server {
    pub(crate) fn recycling(&self) -> impl Iterator<Item = &str> {
        self.recycling.iter()
    }

    pub(crate) fn options(&self) -> impl Iterator<Item = &str> {
        self.options.iter()
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter()
    }

    /// Whether a setting of its file ends workers.
    pub(crate) fn is_recycling(&self, key: &str) -> bool {
        holds(&self.file_recycling, key)
    }

    /// Whether a setting of its file is the number of threads.
    pub(crate) fn is_threads(&self, key: &str) -> bool {
        holds(&self.threads, key)
    }

    /// Whether a setting of its file says of what kind workers are.
    pub(crate) fn is_worker_kind(&self, key: &str) -> bool {
        holds(&self.worker_kinds, key)
    }

    pub(crate) fn is_thread_pool(&self, value: &str) -> bool {
        holds(&self.thread_pools, value)
    }
}

/// Settings in the source of a program that end its workers, for that server.
pub(crate) fn settings(server: Option<&str>) -> impl Iterator<Item = &'static str> {
    let fits = move |setting: &&Setting| {
        setting.servers.is_empty() || server.is_some_and(|name| holds(&setting.servers, name))
    };
    let settings = FILE.get().setting.iter().filter(fits);
    settings.flat_map(|setting| setting.names.iter())
}

/// Those of all servers.
pub(crate) fn all_settings() -> impl Iterator<Item = &'static str> {
    let settings = FILE.get().setting.iter();
    settings.flat_map(|setting| setting.names.iter())
}

/// Calls that give memory back.
pub(crate) fn trimming_calls() -> impl Iterator<Item = &'static str> {
    FILE.get().trimming.calls.iter()
}

/// Calls that look for it, in loops.
pub(crate) fn collecting_calls() -> impl Iterator<Item = &'static str> {
    FILE.get().trimming.in_loops.iter()
}

/// Whether a server has a pool of threads for what blocks.
#[must_use]
pub(crate) fn has_pool(server: &str) -> bool {
    holds(&FILE.get().weak.pools, server)
}

/// Whether a kind of workers is such a server.
#[must_use]
pub(crate) fn is_pool_worker(word: &str) -> bool {
    holds(&FILE.get().weak.pool_workers, word)
}

/// Whether a server forks workers that take many tasks each.
#[must_use]
pub(crate) fn preforks(server: &str) -> bool {
    holds(&FILE.get().weak.prefork, server)
}

/// Whether a package holds large blocks of memory.
#[must_use]
pub(crate) fn is_large(package: &str) -> bool {
    holds(&FILE.get().weak.packages, package)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::programs;

    #[test]
    fn the_file_is_whole() {
        FILE.check().unwrap();
        let file = FILE.get();
        assert!(file.server.iter().all(|server| !server.source.is_empty()));
        assert!(
            file.setting
                .iter()
                .all(|setting| !setting.source.is_empty())
        );
        let sources = &file.weak.sources;
        for source in [
            &file.trimming.source,
            &sources.pools_source,
            &sources.packages_source,
        ] {
            assert!(!source.is_empty());
        }
        for server in &file.server {
            for name in server.names.iter() {
                assert!(
                    programs::behaviour(name, &[]).is_some()
                        || programs::is_python_server(Some(name)),
                    "{name} is no program of programs.toml"
                );
            }
        }
    }
}
