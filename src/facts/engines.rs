//! Container engines whose builds are run (`engines.toml`).

use std::path::Path;

use serde::Deserialize;

use super::data::{Names, Table};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
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
    confined: Option<String>,
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
        let confined = self.confined.as_deref();
        confined.is_some_and(|folder| program.starts_with(folder))
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
