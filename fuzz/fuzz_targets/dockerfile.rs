//! Every parse of a Dockerfile is consistent, whatever the bytes: `cargo +nightly fuzz run dockerfile`.
//!
//! `tests/dockerfile/fixtures` makes a good first corpus.

#![no_main]

#[path = "../../tests/support"]
#[allow(dead_code, reason = "a target needs one part of it")]
mod support {
    pub(crate) mod any_text;
    pub(crate) mod shell_text;
}

use libfuzzer_sys::fuzz_target;
use support::any_text;

fuzz_target!(|source: &[u8]| any_text::dockerfile::check(source));
