//! What holds of every configuration: it is read, or one line says what is wrong with it.

use malloclint::internals::config::wrong_in;

/// Reads `text` as each of the files that hold one, and panics where the answer is none.
pub(crate) fn check(text: &str) {
    for name in ["malloclint.toml", "pyproject.toml"] {
        if let Some(why) = wrong_in(name, text) {
            let said = why
                .strip_prefix(name)
                .and_then(|why| why.strip_prefix(": "));
            assert!(said.is_some_and(|said| !said.trim().is_empty()), "{why:?}");
        }
    }
}
