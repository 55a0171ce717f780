//! Every parse is consistent, whatever the bytes: `cargo +nightly fuzz run dockerfile`.
//!
//! `tests/dockerfile/fixtures` makes a good first corpus.

#![no_main]

#[path = "../../tests/dockerfile/invariants.rs"]
mod invariants;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &[u8]| invariants::check(source));
