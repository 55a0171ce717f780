//! Options among the words of a command.

/// An option that stands there, and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Given<'a> {
    /// The word that is the option, with its value where that is joined to it.
    pub word: &'a str,
    /// Its value: behind its `=`, glued to a short option, or the next word.
    pub value: Option<&'a str>,
}

impl Given<'_> {
    /// As it was written: `--threads 8`, `--threads=8`.
    pub(crate) fn text(&self) -> String {
        match self.value.filter(|value| !self.word.ends_with(value)) {
            Some(value) => format!("{} {value}", self.word),
            None => self.word.to_owned(),
        }
    }
}

/// The first of these options that the words hold.
#[must_use]
pub(crate) fn given<'a>(
    words: &'a [String],
    options: impl IntoIterator<Item = impl AsRef<str>>,
) -> Option<Given<'a>> {
    options
        .into_iter()
        .find_map(|option| of(words, option.as_ref()))
}

/// The value of an option.
#[must_use]
pub(crate) fn value<'a>(words: &'a [String], option: &str) -> Option<&'a str> {
    of(words, option)?.value
}

fn of<'a>(words: &'a [String], option: &str) -> Option<Given<'a>> {
    let short = option.len() == 2 && option.starts_with('-');
    words.iter().enumerate().find_map(|(at, word)| {
        let rest = word.strip_prefix(option)?;
        let value = match rest.strip_prefix('=') {
            Some(value) => Some(value),
            None if rest.is_empty() => words.get(at + 1).map(String::as_str),
            None if short => Some(rest),
            None => return None,
        };
        Some(Given { word, value })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_found_as_it_is_written() {
        let words: Vec<String> = "run --threads=8 -w4 --max 5 --last"
            .split(' ')
            .map(str::to_owned)
            .collect();
        let text = |option: &str| of(&words, option).map(|given| given.text());
        assert_eq!(text("--threads").as_deref(), Some("--threads=8"));
        assert_eq!(text("-w").as_deref(), Some("-w4"));
        assert_eq!(text("--max").as_deref(), Some("--max 5"));
        assert_eq!(text("--last").as_deref(), Some("--last"));
        assert_eq!(text("--thread"), None);
        assert_eq!(value(&words, "-w"), Some("4"));
        assert_eq!(
            given(&words, ["--no", "--max"]).and_then(|given| given.value),
            Some("5")
        );
    }
}
