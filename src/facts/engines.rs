//! Container engines: where they are, and how their builds are run (`engines.toml`).

use std::path::Path;

use serde::Deserialize;

use super::data::{Names, Table};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    addresses: Names,
    #[cfg_attr(
        not(feature = "network"),
        expect(dead_code, reason = "registries and engines are asked with it")
    )]
    socket: String,
    certificates: Names,
    #[cfg_attr(
        not(feature = "network"),
        expect(dead_code, reason = "registries and engines are asked with it")
    )]
    no_login: Vec<String>,
    engine: Vec<Engine>,
}

/// How the command line of its build is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Engine {
    pub(crate) name: String,
    /// The command that builds.
    pub(crate) build: String,
    flags: Names,
    short: Names,
    files: Names,
    ignored: Names,
    #[serde(default)]
    confined: Names,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

static ENGINES: Table<File> = Table::new(include_str!("engines.toml"));

/// All of them, the one that is taken first if nobody says otherwise.
pub(crate) fn engines() -> &'static [Engine] {
    &ENGINES.get().engine
}

/// Whether engines fetch a context of that name themselves.
pub(crate) fn is_fetched(context: &str) -> bool {
    let mut addresses = ENGINES.get().addresses.iter();
    addresses.any(|address| context.starts_with(address))
}

/// Where docker is asked if nobody says anything else.
#[cfg(feature = "network")]
pub(crate) fn usual_engine() -> &'static str {
    &ENGINES.get().socket
}

/// Folders with certificates of single registries.
pub(crate) fn certificate_folders() -> impl Iterator<Item = &'static str> {
    ENGINES.get().certificates.iter()
}

/// Whether a credential helper says that it has no login.
#[cfg(feature = "network")]
pub(crate) fn says_no_login(text: &str) -> bool {
    let mut known = ENGINES.get().no_login.iter();
    known.any(|none| text.contains(none))
}

impl Engine {
    /// Whether an option takes no value; without its dashes.
    pub(crate) fn is_flag(&self, option: &str) -> bool {
        let names = if option.len() == 1 {
            &self.short
        } else {
            &self.flags
        };
        names.iter().any(|name| name == option)
    }

    /// What a Dockerfile may be called in a context.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter()
    }

    /// Whether one that is installed there sees the files of the home folder alone.
    pub(crate) fn is_confined(&self, program: &Path) -> bool {
        let mut confined = self.confined.iter();
        confined.any(|folder| program.starts_with(folder))
    }

    /// How files end that say what of a context is left out.
    pub(crate) fn ignored(&self) -> impl Iterator<Item = &str> {
        self.ignored.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_right() {
        ENGINES.check().unwrap();
        assert!(is_fetched("https://example.org/x.git") && !is_fetched("./https"));
        assert_eq!(certificate_folders().count(), 2);
        for engine in engines() {
            assert!(
                engine.source.contains("http") || engine.source.contains("github.com"),
                "{}",
                engine.name
            );
            let docker = engine.name == "docker";
            assert_eq!(engine.is_confined(Path::new("/snap/bin/docker")), docker);
            assert!(!engine.is_confined(Path::new("/usr/bin/docker")));
            assert!(engine.is_flag("no-cache") && engine.is_flag("q") && !engine.is_flag("tag"));
        }
    }
}
