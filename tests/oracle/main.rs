//! What malloclint understands, held against what others wrote: BuildKit's parser, shells, PyYAML, jemalloc,
//! schemas. One program, one module an oracle.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test stops at the first surprise"
)]

#[path = "../support/mod.rs"]
mod support;

mod dockerfile;
mod dockerfile_peer;
mod malloc_conf;
mod schema;
mod shell;
mod start;
mod yaml;

/// What share of the generated cases is run: all of them for `make oracle`, each fifth otherwise.
fn share() -> usize {
    match std::env::var_os("MALLOCLINT_WHOLE_ORACLES") {
        Some(_) => 1,
        None => 5,
    }
}
