//! Every edit of a manifest is made in the variables of one container, and nowhere else: `cargo +nightly fuzz run yaml`.
//!
//! `tests/kustomizations` makes a good first corpus.

#![no_main]

#[path = "../../tests/support"]
#[allow(dead_code, reason = "a target needs one part of it")]
mod support {
    pub(crate) mod any_text;
    pub(crate) mod shell_text;
}

use libfuzzer_sys::fuzz_target;
use support::any_text;

fuzz_target!(|text: &str| any_text::yaml::check("manifest.yaml", text));
