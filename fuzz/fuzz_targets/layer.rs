//! Whatever a layer holds, it is read to the end or refused: `cargo +nightly fuzz run layer`.
//!
//! Archives of tar, plain or compressed, make a good first corpus.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = malloclint::internals::image::layer(bytes);
});
