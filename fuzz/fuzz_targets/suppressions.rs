//! Every comment that may silence a finding is told in its place, and fixed once: `cargo +nightly fuzz run suppressions`.

#![no_main]

#[path = "../../tests/support"]
#[allow(dead_code, reason = "a target needs one part of it")]
mod support {
    pub(crate) mod any_text;
    pub(crate) mod shell_text;
}

use libfuzzer_sys::fuzz_target;
use support::any_text;

fuzz_target!(|text: &str| any_text::suppressions::check(text));
