//! Every edit of a Compose file is made in the variables of one service, and nowhere else: `cargo +nightly fuzz run compose`.
//!
//! `tests/story` makes a good first corpus.

#![no_main]

#[path = "../../tests/support"]
#[allow(dead_code, reason = "a target needs one part of it")]
mod support {
    pub(crate) mod any_text;
    pub(crate) mod shell_text;
}

use libfuzzer_sys::fuzz_target;
use support::any_text;

fuzz_target!(|text: &str| any_text::yaml::check("compose.yaml", text));
