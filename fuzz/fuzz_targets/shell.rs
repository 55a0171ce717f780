//! Every reading of shell text is consistent: `cargo +nightly fuzz run shell`.
//!
//! `tests/silent` makes a good first corpus.

#![no_main]

#[path = "../../tests/support"]
#[allow(dead_code, reason = "a target needs one part of it")]
mod support {
    pub(crate) mod any_text;
    pub(crate) mod shell_text;
}

use libfuzzer_sys::fuzz_target;
use support::any_text;

fuzz_target!(|text: &str| any_text::shell::check(text));
