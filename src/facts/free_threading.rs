//! What a Python without the interpreter's lock is called (`free-threading.toml`).

use serde::Deserialize;

use super::data::{Names, Table};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    words: Names,
    since: String,
    switch: String,
    choosers: Names,
    asks: Names,
    variable: String,
    file: String,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader; the tests demand it")
    )]
    words_source: String,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader; the tests demand it")
    )]
    build_source: String,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader; the tests demand it")
    )]
    choosers_source: String,
}

static FILE: Table<File> = Table::new(include_str!("free-threading.toml"));

/// Names in front of a version: `cpython-3.14t`, `python@3.14t`.
const PYTHON: [&str; 5] = ["cpython-", "cpython@", "cpython", "python@", "python"];

/// Whether the name of an image, a package, a program or a version says that its Python has no lock.
#[must_use]
pub(crate) fn is_free_threaded(name: &str) -> bool {
    let name = name
        .to_ascii_lowercase()
        .replace("free-thread", "freethread");
    let mut parts = name.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
    let file = FILE.get();
    parts.any(|part| file.words.iter().any(|word| word == part) || is_version(part))
}

/// Whether it is a version of a build without the lock: `3.14t`, `python3.14.0t`, `cp314t`.
fn is_version(part: &str) -> bool {
    let Some(version) = part.strip_suffix('t') else {
        return false;
    };
    let dotted = version.trim_start_matches('c').trim_start_matches("python");
    let minor = match (version.strip_prefix("cp3"), dotted.strip_prefix("3.")) {
        (Some(minor), _) => Some(minor),
        (None, Some(rest)) => rest.split('.').next(),
        (None, None) => None,
    };
    let since = FILE.get().since.strip_prefix("3.");
    let number = |text: &str| text.parse::<u8>().ok();
    minor
        .and_then(number)
        .zip(since.and_then(number))
        .is_some_and(|(minor, since)| minor >= since)
}

fn first_number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

/// Whether the Python that a request names has no lock: `3.14t`, `cpython-3.14+freethreaded`, `python3.12`; `None` where it
/// names no version.
#[must_use]
pub(crate) fn requested(request: &str) -> Option<bool> {
    let mut names = PYTHON.iter();
    let version = names.find_map(|name| request.strip_prefix(name));
    let version = version.unwrap_or(request);
    let minor = first_number(version.strip_prefix("3.")?).0;
    (!minor.is_empty()).then(|| is_free_threaded(version))
}

/// The Python that the arguments of such a program name last, and whether it has no lock.
#[must_use]
pub(crate) fn chosen<'w>(program: &str, arguments: &[&'w str]) -> Option<(&'w str, bool)> {
    let file = FILE.get();
    if !file.choosers.iter().any(|chooser| chooser == program) {
        return None;
    }
    let (mut asked, mut found) = (false, None);
    for argument in arguments {
        let named = argument.strip_prefix("--python=").unwrap_or(argument);
        let whole =
            named.len() < argument.len() || PYTHON.iter().any(|name| named.starts_with(name));
        if file.asks.iter().any(|ask| ask == *argument) {
            asked = true;
        } else if let Some(free) = requested(named).filter(|_| asked || whole) {
            found = Some((named, free));
        } else if !argument.starts_with('-') {
            asked = false;
        }
    }
    found
}

/// Whether a program chooses a Python by its arguments, a variable or a file.
#[must_use]
pub(crate) fn chooses(program: &str) -> bool {
    FILE.get().choosers.iter().any(|chooser| chooser == program)
}

/// The variable and the file that say which Python to take.
#[must_use]
pub(crate) fn chosen_by() -> (&'static str, &'static str) {
    let file = FILE.get();
    (&file.variable, &file.file)
}

/// The argument with which CPython is built without the lock.
#[must_use]
pub(crate) fn without_lock() -> &'static str {
    &FILE.get().switch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole() {
        FILE.check().unwrap();
        let file = FILE.get();
        let sources = [
            &file.words_source,
            &file.build_source,
            &file.choosers_source,
        ];
        assert!(sources.iter().all(|source| !source.is_empty()));
    }

    #[test]
    fn names_of_builds_without_the_lock() {
        for (name, free) in [
            ("3.14t", true),
            ("3.13.1t", true),
            ("3.15.0b1t", true),
            ("python3.14t", true),
            ("cp314t", true),
            ("python:3.14t-slim", true),
            ("registry.example/python:3.14-nogil", true),
            ("cpython-3.14.0+freethreaded-linux-x86_64-gnu", true),
            ("registry.example/free-threaded/python:3", true),
            ("python3.13-nogil", true),
            ("python3.14-freethreading", true),
            ("python:3.14-slim", false),
            ("3.12t", false),
            ("cp39t", false),
            ("3.14", false),
            ("3.14-trixie", false),
            ("nogilabs/app", false),
            ("python:latest", false),
            ("t", false),
        ] {
            assert_eq!(is_free_threaded(name), free, "{name}");
        }
    }

    #[test]
    fn what_is_asked_for_last_counts() {
        let chosen = |text: &str| {
            let words: Vec<&str> = text.split(' ').collect();
            chosen(words[0], &words[1..]).map(|(name, free)| (name.to_owned(), free))
        };
        for (command, expected) in [
            ("uv python install 3.14t", Some(("3.14t", true))),
            ("uv python install --no-bin 3.14t", Some(("3.14t", true))),
            ("uv python install 3.14t 3.12", Some(("3.12", false))),
            (
                "uv venv /opt/venv --python 3.14+freethreaded",
                Some(("3.14+freethreaded", true)),
            ),
            ("uv sync --python=3.14t --frozen", Some(("3.14t", true))),
            (
                "uv run -p python3.14t app.py 3.12",
                Some(("python3.14t", true)),
            ),
            ("mise use -g python@3.14t", Some(("python@3.14t", true))),
            ("pyenv install -v 3.13t", Some(("3.13t", true))),
            ("uv run app.py 3.14t", None),
            ("uv pip install numpy==3.13", None),
            ("uv sync", None),
            ("echo install 3.14t", None),
        ] {
            let expected = expected.map(|(name, free): (&str, bool)| (name.to_owned(), free));
            assert_eq!(chosen(command), expected, "{command}");
        }
    }
}
