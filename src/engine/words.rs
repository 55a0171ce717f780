//! The command line of a build, as the engine reads it: options, and what is built. All that nobody changes stays as it is.

use std::ffi::{OsStr, OsString};

use crate::facts::Engine;

/// The words behind `build`.
#[derive(Clone, Debug)]
pub(crate) struct Words(Vec<Word>);

#[derive(Clone, Debug)]
struct Word {
    /// The option, in full and without its dashes; what is built has none.
    name: Option<String>,
    value: Option<OsString>,
    /// As it is written.
    written: Vec<OsString>,
}

/// Options of one letter that are looked at.
const SHORT: [(char, &str); 4] = [('f', "file"), ('t', "tag"), ('o', "output"), ('q', "quiet")];

impl Words {
    pub(crate) fn read(engine: &Engine, words: &[OsString]) -> Self {
        let mut found = Vec::new();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let text = word.to_str().unwrap_or_default();
            if text == "--" {
                found.push(Word::plain(None, word));
                found.extend(
                    rest.by_ref()
                        .map(|word| Word::plain(Some(word.clone()), word)),
                );
            } else if let Some(long) = text.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (long, None),
                };
                let takes = value.is_none() && !engine.is_flag(name);
                found.push(Word::option(
                    name,
                    value,
                    word,
                    takes.then(|| rest.next()).flatten(),
                ));
            } else if text.len() > 1 && text.starts_with('-') {
                let (name, value, takes) = letters(engine, text);
                found.push(Word::option(
                    &name,
                    value,
                    word,
                    takes.then(|| rest.next()).flatten(),
                ));
            } else {
                found.push(Word::plain(Some(word.clone()), word));
            }
        }
        Self(found)
    }

    /// The values of an option.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a OsStr> {
        let own = self
            .0
            .iter()
            .filter(move |word| word.name.as_deref() == Some(name));
        own.filter_map(|word| word.value.as_deref())
    }

    /// Whether an option is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|word| word.name.as_deref() == Some(name))
    }

    /// The value of an option; of several the last one counts.
    pub(crate) fn value<'a>(&'a self, name: &'a str) -> Option<&'a OsStr> {
        self.all(name).next_back()
    }

    /// Whether a flag is set.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        let own = self
            .0
            .iter()
            .rfind(|word| word.name.as_deref() == Some(name));
        let no = |word: &Word| {
            let value = word
                .value
                .as_deref()
                .and_then(OsStr::to_str)
                .unwrap_or_default();
            is_false(value)
        };
        own.is_some_and(|word| !no(word))
    }

    /// What is built: a folder, an address, or `-`.
    pub(crate) fn context(&self) -> Option<&OsStr> {
        let plain = self.0.iter().filter(|word| word.name.is_none());
        plain.filter_map(|word| word.value.as_deref()).next_back()
    }

    /// The same with that value of an option, instead of all that it had.
    pub(crate) fn with(&self, name: &str, value: &OsStr) -> Self {
        let mut written = OsString::from(format!("--{name}="));
        written.push(value);
        let word = Word {
            name: Some(name.to_owned()),
            value: Some(value.to_owned()),
            written: vec![written],
        };
        let others = self
            .0
            .iter()
            .filter(|word| word.name.as_deref() != Some(name));
        Self([word].into_iter().chain(others.cloned()).collect())
    }

    /// As the engine takes them.
    pub(crate) fn written(&self) -> impl Iterator<Item = &OsStr> {
        self.0
            .iter()
            .flat_map(|word| &word.written)
            .map(OsString::as_os_str)
    }
}

/// What Go takes for false (strconv.ParseBool).
pub(super) fn is_false(text: &str) -> bool {
    matches!(text, "0" | "f" | "F" | "false" | "FALSE" | "False")
}

impl Word {
    fn plain(value: Option<OsString>, word: &OsStr) -> Self {
        Self {
            name: None,
            value,
            written: vec![word.to_owned()],
        }
    }

    fn option(name: &str, value: Option<&str>, word: &OsStr, next: Option<&OsString>) -> Self {
        let mut written = vec![word.to_owned()];
        written.extend(next.cloned());
        Self {
            name: Some(name.to_owned()),
            value: value.map(OsString::from).or_else(|| next.cloned()),
            written,
        }
    }
}

/// `-q`, `-tNAME`, `-qt NAME`, `-f=NAME`: the last of the letters, its value, and whether that follows.
fn letters<'a>(engine: &Engine, text: &'a str) -> (String, Option<&'a str>, bool) {
    let full = |letter: char| {
        let known = SHORT.iter().find(|(short, _)| *short == letter);
        known.map_or_else(|| letter.to_string(), |(_, name)| (*name).to_owned())
    };
    let mut name = String::new();
    for (at, letter) in text.char_indices().skip(1) {
        name = full(letter);
        if !engine.is_flag(&letter.to_string()) {
            let rest = text.get(at + letter.len_utf8()..).unwrap_or_default();
            let value = rest.strip_prefix('=').unwrap_or(rest);
            return (name, (!rest.is_empty()).then_some(value), rest.is_empty());
        }
    }
    (name, None, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::engines;

    fn read(text: &str) -> Words {
        let words: Vec<OsString> = text.split_whitespace().map(OsString::from).collect();
        Words::read(&engines()[0], &words)
    }

    #[test]
    fn words_are_read_as_the_engine_does() {
        for text in [
            "-t x -f a/Dockerfile .",
            ". -t x --file a/Dockerfile",
            "-qtx --file=a/Dockerfile --no-cache .",
            "-f=a/Dockerfile -tx -- .",
        ] {
            let words = read(text);
            assert_eq!(words.context().unwrap(), ".", "{text}");
            assert_eq!(words.value("file").unwrap(), "a/Dockerfile", "{text}");
            assert_eq!(words.value("tag").unwrap(), "x", "{text}");
            let written: Vec<&str> = words.written().map(|word| word.to_str().unwrap()).collect();
            assert_eq!(written.join(" "), text);
        }
        let words =
            read("--pull --build-arg a=b --platform linux/amd64,linux/arm64 --push --rm=false -");
        assert_eq!(words.context().unwrap(), "-");
        assert!(words.is_set("push") && !words.is_set("rm") && !words.is_set("load"));
        assert_eq!(words.value("build-arg").unwrap(), "a=b");
        assert!(read("-t x").context().is_none());
    }

    #[test]
    fn an_option_is_replaced_and_the_rest_stays() {
        let words = read("-t x -f a --build-arg f=1 .").with("file", OsStr::new("/tmp/Dockerfile"));
        let written: Vec<&str> = words.written().map(|word| word.to_str().unwrap()).collect();
        assert_eq!(
            written,
            [
                "--file=/tmp/Dockerfile",
                "-t",
                "x",
                "--build-arg",
                "f=1",
                "."
            ]
        );
    }
}
