//! Every parse is consistent, whatever the bytes: `cargo +nightly fuzz run dockerfile`.
//!
//! `tests/dockerfile/fixtures` makes a good first corpus.

#![no_main]

#[path = "../../tests/it/dockerfile_properties/invariants.rs"]
mod invariants;

#[path = "../../tests/support"]
mod support {
    pub(crate) mod shell_text;
}

use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &[u8]| invariants::check(source));
