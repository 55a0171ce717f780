//! The command line as a user meets it: the real program, its output, its exit codes.
//!
//! Transcripts are data: `tests/cli/*.md` and the `console` blocks of `README.md`. What a transcript
//! cannot show is in the modules below.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

#[path = "cli/discovery.rs"]
mod discovery;
#[path = "cli/documents.rs"]
mod documents;
#[path = "cli/json.rs"]
mod json;
#[path = "support/run.rs"]
mod run;
#[path = "cli/streams.rs"]
mod streams;
#[path = "cli/suppression.rs"]
mod suppression;
#[path = "cli/transcripts.rs"]
mod transcripts;

/// Held by a test that may write a document: two of them write the README.
static UPDATING: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// Whether documents are to be written, not compared.
fn updates() -> bool {
    std::env::var_os("UPDATE").is_some()
}
