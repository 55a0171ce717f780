//! Programs that a preloaded allocator, or jemalloc's thread, breaks. The data is `fragile.toml`.

use serde::Deserialize;

use super::data::{Names, Pairs, Table};
use super::distros::Release;
use super::images;

/// What breaks a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Breaks {
    /// `background_thread:true` in its environment.
    Thread,
    /// Any preloaded allocator.
    Preload,
}

/// A program that lives on one malloc, or one thread, only.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fragile {
    /// What a message calls it.
    pub name: String,
    pub breaks: Breaks,
    #[serde(default)]
    packages: Names,
    #[serde(default)]
    python: Names,
    #[serde(default)]
    drivers: Names,
    #[serde(default)]
    node: Names,
    #[serde(default)]
    node_drivers: Names,
    #[serde(default)]
    fetch: Vec<Names>,
    #[serde(default)]
    fetched: Names,
    #[serde(default)]
    unfetched: Names,
    #[serde(default)]
    images: Names,
    #[serde(default)]
    likely: Names,
    #[serde(default)]
    starts: Names,
    #[serde(default)]
    asked: Names,
    spares: Option<String>,
    variable: Option<String>,
    /// The first version that breaks.
    pub from: Option<String>,
    /// The first version behind those that lives again.
    pub until: Option<String>,
    /// Where the version is not known, nothing is said of it.
    #[serde(default)]
    pub versioned: bool,
    #[serde(default)]
    seen: Pairs,
    #[serde(default)]
    lives: Pairs,
    compiled: Option<String>,
    /// What becomes of it, as the end of a sentence that begins with its name.
    pub what: String,
    /// What to do.
    pub help: String,
    /// Where that was measured or read.
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "tests demand that every fact says where it was read"
        )
    )]
    pub source: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    python_installers: Names,
    node_installers: Names,
    verbs: Names,
    with_developers: Names,
    without_developers: Names,
    asks_developers: Names,
    all_extras: Names,
    options_with_values: Names,
    program: Vec<Fragile>,
}

static FILE: Table<File> = Table::new(include_str!("fragile.toml"));

/// Where packages come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Index {
    /// The distribution's repositories.
    Distribution,
    /// Python's package index, and conda's channels.
    Python,
    /// npm.
    Node,
}

/// How a name of a package is about a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// The package brings the program.
    Brings,
    /// What the package holds starts the program, wherever that comes from.
    Drives,
}

/// All programs.
pub(crate) fn fragile() -> impl Iterator<Item = &'static Fragile> {
    FILE.get().program.iter()
}

/// Where a program of that name installs from: `pip`, `npm`.
#[must_use]
pub(crate) fn index_of_installer(program: &str) -> Option<Index> {
    let file = FILE.get();
    let program = match program.strip_prefix("pip") {
        Some(rest) if rest.bytes().all(|b| b.is_ascii_digit() || b == b'.') => "pip",
        _ => program,
    };
    let is = |names: &Names| names.iter().any(|name| name == program);
    if is(&file.python_installers) {
        return Some(Index::Python);
    }
    is(&file.node_installers).then_some(Index::Node)
}

/// Whether that word tells an installer to install.
#[must_use]
pub(crate) fn is_install_verb(word: &str) -> bool {
    has(&FILE.get().verbs, word)
}

/// Whether the next word belongs to that option of an installer.
#[must_use]
pub(crate) fn takes_value(option: &str) -> bool {
    has(&FILE.get().options_with_values, option)
}

/// Whether what a project's developers need is installed by that program with those words.
#[must_use]
pub(crate) fn brings_developers(installer: &str, words: &[&str]) -> bool {
    let file = FILE.get();
    let given = |names: &Names| words.iter().any(|word| has(names, word));
    if has(&file.with_developers, installer) {
        return !given(&file.without_developers);
    }
    given(&file.asks_developers)
}

/// Whether an installation is one with all extras.
#[must_use]
pub(crate) fn brings_all_extras(words: &[&str]) -> bool {
    words.iter().any(|word| has(&FILE.get().all_extras, word))
}

fn has(names: &Names, word: &str) -> bool {
    names.iter().any(|name| name == word)
}

/// What a command has to do with the download of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fetch {
    /// It downloads it.
    Program,
    /// It downloads others of its kind only.
    Others,
}

impl Fragile {
    /// What a package of that name has to do with it.
    #[must_use]
    pub(crate) fn named(&self, index: Index, package: &str) -> Option<Named> {
        let (brings, drives) = match index {
            Index::Distribution => (Some(&self.packages), None),
            Index::Python => (Some(&self.python), Some(&self.drivers)),
            Index::Node => (Some(&self.node), Some(&self.node_drivers)),
        };
        let has = |names: Option<&Names>| {
            names.is_some_and(|names| names.iter().any(|name| images::part_matches(name, package)))
        };
        if has(brings) {
            return Some(Named::Brings);
        }
        has(drives).then_some(Named::Drives)
    }

    /// What the words of a command download, where that is this program or what is downloaded as it is.
    #[must_use]
    pub(crate) fn fetched_by(&self, words: &[&str]) -> Option<Fetch> {
        let behind = |command: &Names| {
            let command: Vec<&str> = command.iter().collect();
            let at = words
                .windows(command.len())
                .position(|some| some == command)?;
            words.get(at + command.len()..)
        };
        let rest = self.fetch.iter().find_map(behind)?;
        if rest.contains(&"--dry-run") {
            return None;
        }
        let is_name = |word: &&&str| !word.starts_with('-');
        let mut names = rest.iter().filter(is_name).peekable();
        let fetched = |name: &&str| {
            let name = name.split('@').next().unwrap_or_default();
            has(&self.fetched, name) || name.contains('$')
        };
        if names.peek().is_none() || names.any(fetched) {
            return Some(Fetch::Program);
        }
        Some(Fetch::Others)
    }

    /// The variables with which its packages download nothing.
    pub(crate) fn unfetched(&self) -> impl Iterator<Item = &str> {
        self.unfetched.iter()
    }

    /// Whether a base image brings it: surely, or as a rule.
    #[must_use]
    pub(crate) fn is_in_image(&self, reference: &str) -> Option<Named> {
        if images::is_at(reference, self.images.iter()) {
            return Some(Named::Brings);
        }
        images::is_at(reference, self.likely.iter()).then_some(Named::Drives)
    }

    /// Whether that is a start of it which can break.
    #[must_use]
    pub(crate) fn is_started_by(&self, program: &str, arguments: &[&str]) -> bool {
        let given = |option: &str| {
            let same = |word: &&str| {
                *word == option
                    || word
                        .strip_prefix(option)
                        .is_some_and(|rest| rest.starts_with('='))
            };
            arguments
                .iter()
                .any(|word| same(word) || in_cluster(word, option))
        };
        self.starts.iter().any(|name| name == program)
            && (self.asked.is_empty() || self.asked.iter().any(given))
    }

    /// Whether it lives with the arguments that it is started with.
    #[must_use]
    pub(crate) fn is_spared_by(&self, arguments: &[&str]) -> bool {
        self.spares
            .as_deref()
            .is_some_and(|option| arguments.contains(&option))
    }

    /// The setting with which it lives, and its value.
    #[must_use]
    pub(crate) fn variable(&self) -> Option<(&str, &str)> {
        self.variable.as_deref()?.split_once('=')
    }

    /// Whether the text of a build step makes it.
    #[must_use]
    pub(crate) fn is_compiled_by(&self, text: &str) -> bool {
        self.compiled
            .as_deref()
            .is_some_and(|sign| text.contains(sign))
    }

    /// Whether it breaks wherever it comes from.
    #[must_use]
    pub(crate) fn is_everywhere(&self) -> bool {
        self.seen.is_empty()
    }

    /// Whether the package of that release breaks: `None` where that was not seen.
    #[must_use]
    pub(crate) fn is_seen_in(&self, release: Option<&Release>) -> Option<bool> {
        if self.seen.is_empty() {
            return Some(true);
        }
        let release = release?;
        let among = |pairs: &Pairs| {
            let mut pairs = pairs.iter();
            pairs.any(|pair| pair == (release.distro.as_str(), release.release.as_str()))
        };
        if among(&self.lives) {
            return Some(false);
        }
        among(&self.seen).then_some(true)
    }
}

/// Whether a one-letter option is one of several in a word: `-Ur`.
fn in_cluster(word: &str, option: &str) -> bool {
    let letter = option.strip_prefix('-').filter(|letter| letter.len() == 1);
    let letters = word
        .strip_prefix('-')
        .filter(|rest| rest.bytes().all(|b| b.is_ascii_alphabetic()));
    letter
        .zip(letters)
        .is_some_and(|(letter, letters)| letters.contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> &'static Fragile {
        fragile().find(|program| program.name == name).unwrap()
    }

    #[test]
    fn parses_with_sources() {
        FILE.check().unwrap();
        for program in fragile() {
            assert!(!program.source.is_empty() && !program.what.is_empty());
            assert!(program.variable.is_none() || program.variable().is_some());
        }
    }

    #[test]
    fn packages_that_bring_or_drive() {
        let chromium = of("Chromium");
        let named = |index, name| chromium.named(index, name);
        assert_eq!(named(Index::Distribution, "chromium"), Some(Named::Brings));
        assert_eq!(named(Index::Distribution, "chromium-bsu"), None);
        assert_eq!(named(Index::Python, "playwright"), Some(Named::Drives));
        assert_eq!(named(Index::Node, "puppeteer"), Some(Named::Brings));
        assert_eq!(
            of("PHP").named(Index::Distribution, "php8.2-cli"),
            Some(Named::Brings)
        );
        assert_eq!(of("PHP").named(Index::Distribution, "php8.2-mysql"), None);
    }

    #[test]
    fn browsers_that_are_downloaded() {
        let fetched = |text: &str| {
            let words: Vec<&str> = text.split(' ').collect();
            of("Chromium").fetched_by(&words) == Some(Fetch::Program)
        };
        assert!(fetched("playwright install --with-deps"));
        assert!(fetched("python -m playwright install chromium"));
        assert!(fetched("npx puppeteer browsers install chrome@stable"));
        assert!(!fetched("playwright install firefox"));
        assert!(!fetched("playwright install --dry-run chromium"));
        assert_eq!(
            of("Chromium").fetched_by(&["playwright", "install", "webkit"]),
            Some(Fetch::Others)
        );
        assert!(!fetched("playwright install-deps"));
        assert!(!fetched("pip install playwright"));
    }

    #[test]
    fn starts_that_break() {
        let starts =
            |name: &str, program: &str, rest: &[&str]| of(name).is_started_by(program, rest);
        assert!(starts("setpriv", "setpriv", &["--reuid=1000"]));
        assert!(starts("setpriv", "setpriv", &["--reuid", "app"]));
        assert!(!starts("setpriv", "setpriv", &["--no-new-privs"]));
        assert!(starts("unshare", "unshare", &["-Ur", "sh"]));
        assert!(!starts("unshare", "unshare", &["-n", "sh"]));
        assert!(of("Chromium").is_spared_by(&["--no-zygote"]));
    }

    #[test]
    fn images_that_bring_it() {
        let chromium = of("Chromium");
        assert_eq!(
            chromium.is_in_image("mcr.microsoft.com/playwright/python:v1.48.0-jammy"),
            Some(Named::Brings)
        );
        assert_eq!(chromium.is_in_image("python:3.12"), None);
        assert_eq!(of("PHP").is_in_image("php:8.3-cli"), Some(Named::Drives));
        assert_eq!(
            of("OpenVINO").is_in_image("openvino/model_server:latest"),
            Some(Named::Brings)
        );
    }
}
