//! The command line as a user meets it: the real program, its output, its exit codes.
//!
//! Transcripts are data: `tests/cli/*.trycmd` and the `console` blocks of `README.md`. After a change
//! of wording, `TRYCMD=overwrite cargo test --test cli` writes what the program says now; read the
//! difference before you commit it. What a transcript cannot show is in the modules below.

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

#[test]
fn transcripts() {
    trycmd::TestCases::new()
        .register_bin(
            "malloclint",
            trycmd::schema::Bin::Path(env!("CARGO_BIN_EXE_malloclint").into()),
        )
        .env("COLUMNS", "100")
        .env("LANG", "C.UTF-8")
        .case("tests/cli/*.trycmd")
        .case("README.md");
}
