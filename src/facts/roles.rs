//! What the names of stages, files and folders say about their purpose.

use serde::Deserialize;

use super::data::{Names, Table};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Words {
    test_names: Names,
    build_names: Names,
    aside_stages: Names,
    test_stages: Names,
    test_programs: Names,
    test_folders: Names,
    developer_folders: Names,
    stage_variables: Names,
    test_words: Names,
    shown_words: Names,
    job_words: Names,
    project_endings: Names,
    general_headings: Names,
    program_folders: Names,
    program_parts: Names,
    ignore_words: Names,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

static WORDS: Table<Words> = Table::new(include_str!("roles.toml"));

/// Whether a stage's or file's name says that it tests or is for developers.
#[must_use]
pub(crate) fn is_test_name(name: &str) -> bool {
    has_word(name, &WORDS.get().test_names)
}

/// Whether a stage's or file's name says that it builds.
#[must_use]
pub(crate) fn is_build_name(name: &str) -> bool {
    has_word(name, &WORDS.get().build_names)
}

/// Whether a folder's name says that it holds tests, documents or what CI needs.
#[must_use]
pub(crate) fn is_test_folder(name: &str) -> bool {
    let words = WORDS.get();
    let whole = name.trim_start_matches('.').to_lowercase();
    words.test_folders.iter().any(|word| word == whole) || has_word(name, &words.test_words)
}

/// Whether a folder's name says that the Dockerfiles in it are for developers' machines.
#[must_use]
pub(crate) fn is_developer_folder(name: &str) -> bool {
    is_one_of(name, &WORDS.get().developer_folders)
}

/// Whether a variable says for whom something runs: `FLASK_ENV`.
#[must_use]
pub(crate) fn is_stage_variable(name: &str) -> bool {
    WORDS.get().stage_variables.iter().any(|own| own == name)
}

/// Whether a stage's whole name says that it is for developers or tests.
#[must_use]
pub(crate) fn is_aside_stage(name: &str) -> bool {
    is_one_of(name, &WORDS.get().aside_stages)
}

/// Whether a stage's whole name says that it tests.
#[must_use]
pub(crate) fn is_test_stage(name: &str) -> bool {
    is_one_of(name, &WORDS.get().test_stages)
}

/// Whether a program tests or checks.
#[must_use]
pub(crate) fn is_test_program(name: &str) -> bool {
    WORDS.get().test_programs.iter().any(|word| word == name)
}

/// Whether a folder's or project's name says that what is in it is shown, and copied from.
#[must_use]
pub(crate) fn is_shown(name: &str) -> bool {
    has_word(name, &WORDS.get().shown_words)
}

/// Whether a folder of the path says that what is in it runs once, or by the clock, and ends.
#[must_use]
pub(crate) fn is_in_job_folder(path: &str) -> bool {
    let words = &WORDS.get().job_words;
    let mut folders = path.rsplit('/').skip(1);
    folders.any(|folder| has_word(folder, words))
}

/// The project's name without a last word that the name of its image may go without.
#[must_use]
pub(crate) fn without_ending(project: &str) -> Option<&str> {
    let (rest, last) = project.rsplit_once(['-', '_', '.'])?;
    let endings = &WORDS.get().project_endings;
    endings.iter().any(|word| word == last).then_some(rest)
}

/// Whether what stands above a group of variables says no more than that: what is about one thing takes no other.
#[must_use]
pub(crate) fn is_general_heading(heading: &str) -> bool {
    let heading = heading.trim().to_lowercase();
    let mut words = WORDS.get().general_headings.iter();
    heading.is_empty() || words.any(|word| heading.contains(word))
}

/// Whether a folder is one in which downloaded packages and programs lie.
#[must_use]
pub(crate) fn holds_programs(path: &str) -> bool {
    let words = WORDS.get();
    let folder = match path.trim_end_matches('/') {
        "" => "/",
        folder => folder,
    };
    let mut whole = words.program_folders.iter();
    whole.any(|word| word == folder) || words.program_parts.iter().any(|part| path.contains(part))
}

/// Whether a word is one by which comments silence tools.
#[must_use]
pub(crate) fn is_ignore_word(word: &str) -> bool {
    WORDS
        .get()
        .ignore_words
        .iter()
        .any(|own| word.starts_with(own))
}

fn is_one_of(name: &str, words: &Names) -> bool {
    let whole = name.to_lowercase();
    words.iter().any(|word| word == whole)
}

fn has_word(name: &str, words: &Names) -> bool {
    split(name).any(|part| words.iter().any(|word| word == part.to_lowercase()))
}

/// The words of a name: `rag-examples`, `RAGExamples`, `my_sample.v2`.
fn split(name: &str) -> impl Iterator<Item = &str> {
    let letters: Vec<(usize, char)> = name.char_indices().collect();
    let is = |index: Option<usize>, what: fn(char) -> bool| {
        index
            .and_then(|index| letters.get(index))
            .is_some_and(|(_, letter)| what(*letter))
    };
    let begins = |index: usize| {
        let before = index.checked_sub(1);
        let upper = is(Some(index), char::is_uppercase);
        upper && is(before, char::is_lowercase)
            || upper && is(before, char::is_uppercase) && is(Some(index + 1), char::is_lowercase)
    };
    let starts = (0..letters.len()).filter(|index| begins(*index));
    let mut cuts: Vec<usize> = starts
        .filter_map(|index| letters.get(index).map(|(at, _)| *at))
        .collect();
    cuts.insert(0, 0);
    cuts.push(name.len());
    let parts: Vec<&str> = cuts
        .windows(2)
        .filter_map(|pair| match pair {
            [from, to] => name.get(*from..*to),
            _ => None,
        })
        .collect();
    parts
        .into_iter()
        .flat_map(|part| part.split(['-', '_', '.', ' ', '+']))
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_read() {
        WORDS.check().unwrap();
        assert!(!WORDS.get().source.is_empty());
    }

    #[test]
    fn names_are_split_into_words() {
        let words = |name: &str| split(name).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            words("GenerativeAIExamples"),
            ["Generative", "AI", "Examples"]
        );
        assert_eq!(words("my_sample.v2-ci"), ["my", "sample", "v2", "ci"]);
        assert_eq!(words("E2E"), ["E2E"]);
        assert!(is_shown("GenerativeAIExamples") && is_shown("x-Demo") && !is_shown("exampled"));
        assert!(
            is_test_folder(".github") && is_test_folder("my-tests") && !is_test_folder("latest")
        );
        assert!(
            is_test_name("Dockerfile.dev") && is_build_name("builder") && !is_test_name("device")
        );
    }
}
