//! Whether the work for a text grows with its length and no faster, on machines of any speed and load.

use std::fs;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// How many pieces the longer text has.
#[allow(dead_code, reason = "no test file needs all of it")]
pub(crate) const MANY: usize = 100_000;

/// The shorter one is a quarter of that: four times the work where it grows with the length, sixteen times where it
/// grows with the square of it.
const FEW: usize = MANY / 4;
const LINEAR: u32 = 8;

/// What takes less than this for the longer text harms nobody, and is too short to be compared.
const SHORT: Duration = Duration::from_millis(300);

/// Fails if the work for `text(4 n)` is many times that for `text(n)`, three times in a row: the caches of a busy machine
/// may do that once.
#[allow(dead_code, reason = "no test file needs all of it")]
pub(crate) fn assert_linear<T>(
    name: &str,
    text: impl Fn(usize) -> String,
    work: impl Fn(&str) -> T,
) {
    assert_linear_from(FEW, name, text, work);
}

/// The same for texts of which each piece is much work: `few` pieces, and four times as many.
pub(crate) fn assert_linear_from<T>(
    few: usize,
    name: &str,
    text: impl Fn(usize) -> String,
    work: impl Fn(&str) -> T,
) {
    let many = 4 * few;
    let took = |pieces| {
        let text = text(pieces);
        let start = spent();
        let made = work(&text);
        let took = spent().saturating_sub(start);
        drop(made);
        took
    };
    let mut seen = Vec::new();
    let linear = (0..3).any(|_| {
        let (less, more) = (took(few), took(many));
        seen.push((less, more));
        more < SHORT || more < less * LINEAR
    });
    assert!(
        linear,
        "{name:?} is no linear work: {few} and {many} pieces took {seen:?}"
    );
}

/// Time that this thread has had a processor for; where no system tells, time that has passed.
pub(crate) fn spent() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    told.and_then(|text| text.split(' ').next()?.parse().ok())
        .map_or_else(|| START.elapsed(), Duration::from_nanos)
}
