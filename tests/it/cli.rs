//! The command line as a user meets it: the real program, its output, its exit codes.
//!
//! Transcripts are data: `tests/cli/*.md` and the `console` blocks of `README.md`. What a transcript
//! cannot show is in the modules below.

mod discovery;
mod documents;
pub(crate) mod json;
mod streams;
mod suppression;
mod transcripts;

/// Held by a test that may write a document: two of them write the README.
static UPDATING: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// Whether documents are to be written, not compared.
fn updates() -> bool {
    std::env::var_os("UPDATE").is_some()
}
