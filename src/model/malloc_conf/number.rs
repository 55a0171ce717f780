//! Numbers as jemalloc reads them: decimal, octal after `0`, hexadecimal after `0x`, with blanks and a
//! sign before them.

/// A number and where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    /// Its 64 bits; a negative number is the complement.
    pub(super) bits: u64,
    /// The bytes that it takes, blanks and sign included.
    pub(super) end: usize,
}

/// `malloc_strtoumax(text, &end, 0)`; with `strict` the C library's `strtol`, which differs in what is
/// too large.
pub(super) fn read(text: &str, strict: bool) -> Option<Number> {
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let mut at = bytes
        .iter()
        .take_while(|byte| matches!(byte, b'\t'..=b'\r' | b' '))
        .count();
    let negative = byte(at) == b'-';
    at += usize::from(matches!(byte(at), b'-' | b'+'));
    let start = at;
    let mut base = 10;
    if byte(at) == b'0' {
        match byte(at + 1) {
            b'0'..=b'7' => {
                base = 8;
                at += 1;
            }
            b'x' | b'X' if byte(at + 2).is_ascii_hexdigit() => {
                base = 16;
                at += 2;
            }
            b'x' | b'X' => {}
            // No more than the zero is taken: `08` is no number.
            _ => {
                return Some(Number {
                    bits: 0,
                    end: at + 1,
                });
            }
        }
    }
    let mut bits: u64 = 0;
    let mut exact: u128 = 0;
    while let Some(digit) = char::from(byte(at)).to_digit(base) {
        let before = bits;
        bits = bits.wrapping_mul(base.into()).wrapping_add(digit.into());
        exact = exact
            .saturating_mul(base.into())
            .saturating_add(digit.into());
        if !strict && bits < before {
            return None;
        }
        at += 1;
    }
    if at == start && strict {
        // `strtol` finds no number, and takes that for 0.
        return Some(Number { bits: 0, end: 0 });
    }
    let limit = (1_u128 << 63) - u128::from(!negative);
    if at == start || strict && exact > limit {
        return None;
    }
    let bits = if negative { bits.wrapping_neg() } else { bits };
    Some(Number { bits, end: at })
}

/// Whether `fxp_parse` takes all of `text`, and finds no more than `most`.
pub(super) fn ratio(text: &str, most: Option<i128>) -> bool {
    let (whole, part) = text
        .split_once('.')
        .map_or((text, None), |(whole, part)| (whole, Some(part)));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || whole.is_empty() && part.is_none() {
        return false;
    }
    if part.is_some_and(|part| part.is_empty() || !digits(part)) {
        return false;
    }
    let whole = whole.trim_start_matches('0');
    let number: u32 = if whole.is_empty() {
        0
    } else {
        whole.parse().unwrap_or(u32::MAX)
    };
    let fraction = part.unwrap_or_default();
    number < 1 << 16
        && most.is_none_or(|most| {
            i128::from(number) < most || i128::from(number) == most && sixteenths(fraction) == 0
        })
}

/// A decimal fraction in 2^-16, of its first 14 digits.
fn sixteenths(digits: &str) -> u64 {
    const DIGITS: usize = 14;
    let first = digits.bytes().chain(std::iter::repeat(b'0')).take(DIGITS);
    let number = first.fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'));
    u64::try_from((u128::from(number) << 16) / 10_u128.pow(14)).unwrap_or(u64::MAX)
}

/// Whether a list such as `1-64:4|65-128:2` is taken. `rest` goes on to the end of the string and
/// begins with the value, which is `length` bytes long.
pub(super) fn sizes(rest: &str, length: usize, shards: bool) -> bool {
    const MOST_SHARDS: u64 = 64;
    let mut at = 0;
    loop {
        let mut numbers = [0; 3];
        for (number, after) in numbers.iter_mut().zip(["-", ":", ""]) {
            let tail = rest.get(at..).unwrap_or_default();
            let Some(read) = read(tail, false) else {
                return false;
            };
            *number = read.bits;
            at += read.end;
            if !rest.get(at..).is_some_and(|tail| tail.starts_with(after)) {
                return false;
            }
            at += after.len();
        }
        let [_, _, count] = numbers;
        if shards && !(1..=MOST_SHARDS).contains(&count) {
            return false;
        }
        at += usize::from(rest.get(at..).is_some_and(|tail| tail.starts_with('|')));
        if at >= length {
            return true;
        }
    }
}
