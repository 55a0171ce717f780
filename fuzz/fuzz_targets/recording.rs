//! Whatever memory a process has, it is read to the end: `cargo +nightly fuzz run recording`.
//!
//! `python3 tests/inspect/record.py PID FILE 1` makes a good first corpus.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = malloclint::internals::inspect::recorded(bytes);
});
