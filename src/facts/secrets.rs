//! What may be shown of other people's files.

use serde::Deserialize;

use super::data::{Names, Table};
use super::is_allocator_setting;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    shown: Names,
    credential_words: Names,
    credential_parts: Names,
    credential_last: Names,
    shown_options: Names,
    schemes: Names,
    token_prefixes: Names,
    headers: Names,
    query_names: Names,
    password_options: Names,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    #[serde(flatten)]
    sources: Sources,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[cfg_attr(
    not(test),
    allow(dead_code, reason = "for the reader; the tests demand it")
)]
struct Sources {
    shown_source: String,
    credential_source: String,
    shown_options_source: String,
    schemes_source: String,
    token_source: String,
    headers_source: String,
    password_options_source: String,
}

static FILE: Table<File> = Table::new(include_str!("secrets.toml"));

/// Whether the value of a variable is shown.
#[must_use]
pub(crate) fn is_shown(name: &str) -> bool {
    is_allocator_setting(name)
        || name.ends_with("_VERSION")
        || FILE.get().shown.iter().any(|shown| shown == name)
}

/// Whether the value of an option of a start command is shown.
#[must_use]
pub(crate) fn is_shown_option(name: &str) -> bool {
    FILE.get().shown_options.iter().any(|shown| shown == name)
}

/// Whether an option or a key holds what is secret, by its name.
#[must_use]
pub(crate) fn is_credential(name: &str) -> bool {
    let file = FILE.get();
    let parts = parts(name);
    let plain = parts.concat();
    let has = |word: &str| parts.iter().any(|part| part == word);
    let last = |word: &str| parts.len() > 1 && parts.last().is_some_and(|part| part == word);
    file.credential_words
        .iter()
        .any(|word| plain.contains(word))
        || file.credential_parts.iter().any(has)
        || file.credential_last.iter().any(last)
}

/// The parts of a name in small letters: of `dbPassword`, `db-password` and `DB_PASSWORD` they are the same.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut small = false;
    for letter in name.chars() {
        let begins = !letter.is_ascii_alphanumeric() || small && letter.is_ascii_uppercase();
        if begins && parts.last().is_some_and(|part| !part.is_empty()) {
            parts.push(String::new());
        }
        small = letter.is_ascii_lowercase();
        if letter.is_ascii_alphanumeric()
            && let Some(part) = parts.last_mut()
        {
            part.push(letter.to_ascii_lowercase());
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Whether a header of a request holds a credential: `X-Api-Key`.
#[must_use]
pub(crate) fn is_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let known = FILE.get().headers.iter().any(|header| header == name);
    known || name.contains('-') && !name.starts_with('-') && is_credential(&name)
}

/// Whether a parameter of an address does: `sig`.
#[must_use]
pub(crate) fn is_query(name: &str) -> bool {
    let mut known = FILE.get().query_names.iter();
    is_credential(name) || known.any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a program is given passwords by an option of one letter.
#[must_use]
pub(crate) fn takes_passwords(program: &str) -> bool {
    password_options().any(|(known, _)| known == program)
}

/// Whether that is the option: `-p` of `mysql`.
#[must_use]
pub(crate) fn password_option(program: &str, option: &str) -> bool {
    password_options().any(|known| known == (program, option))
}

fn password_options() -> impl Iterator<Item = (&'static str, &'static str)> {
    let pairs = FILE.get().password_options.iter();
    pairs.filter_map(|pair| pair.split_once(':'))
}

/// Whether a word says that a credential follows: `Bearer`.
#[must_use]
pub(crate) fn is_scheme(word: &str) -> bool {
    FILE.get()
        .schemes
        .iter()
        .any(|scheme| scheme.eq_ignore_ascii_case(word))
}

/// Whether a word is a token of a well-known service.
#[must_use]
pub(crate) fn is_token(word: &str) -> bool {
    /// No service makes shorter ones.
    const SHORTEST: usize = 16;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    // `pypi-cache-service` is none.
    word.len() >= SHORTEST
        && word.chars().all(plain)
        && word.contains(|c: char| c.is_ascii_digit())
        && FILE
            .get()
            .token_prefixes
            .iter()
            .any(|prefix| word.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole() {
        FILE.check().unwrap();
        let sources = &FILE.get().sources;
        for source in [
            &sources.shown_source,
            &sources.credential_source,
            &sources.shown_options_source,
            &sources.schemes_source,
            &sources.token_source,
            &sources.headers_source,
            &sources.password_options_source,
        ] {
            assert!(!source.is_empty());
        }
    }

    #[test]
    fn names_and_words_are_told_apart() {
        for name in [
            "LD_PRELOAD",
            "MALLOC_CONF",
            "PYTHONPATH",
            "MALLOC_ARENA_MAX",
            "PORT",
        ] {
            assert!(is_shown(name), "{name}");
        }
        for name in [
            "DB_PASSWORD",
            "LD_SDK_KEY",
            "DATABASE_URL",
            "GUNICORN_CMD_ARGS",
            "X",
        ] {
            assert!(!is_shown(name), "{name}");
        }
        for name in [
            "password",
            "db-password",
            "API_KEY",
            "token",
            "pwd",
            "dbPassword",
            "db-pass",
            "accessKey",
            "access.key",
            "encryption-key",
            "basic-auth",
            "jwt",
            "connection-string",
            "requirepass",
        ] {
            assert!(is_credential(name), "{name}");
        }
        for name in [
            "workers",
            "keyring",
            "bind",
            "monkey",
            "passive",
            "key",
            "tokenizer",
            "max-tokens",
            "dsname",
            "author",
        ] {
            assert!(!is_credential(name), "{name}");
        }
        assert!(is_token("ghp_0123456789abcdef") && !is_token("hf_transfer"));
    }
}
