//! Characters in bytes that need not be UTF-8, and blanks as Go's `unicode` package knows them.
//!
//! BuildKit trims by Unicode here, splits by ASCII there and looks at single bytes elsewhere; the
//! three notions of a blank live here side by side.

use std::ops::Range;

/// The character at `at` and its length in bytes; a byte that is not UTF-8 is U+FFFD of length 1.
pub(super) fn decode(bytes: &[u8], at: usize) -> Option<(char, usize)> {
    let first = *bytes.get(at)?;
    if first.is_ascii() {
        return Some((char::from(first), 1));
    }
    let width = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Some((char::REPLACEMENT_CHARACTER, 1)),
    };
    let text = bytes
        .get(at..at + width)
        .and_then(|piece| std::str::from_utf8(piece).ok());
    let decoded = text.and_then(|text| text.chars().next());
    Some(decoded.map_or((char::REPLACEMENT_CHARACTER, 1), |ch| (ch, width)))
}

/// `range` of `bytes` without the Unicode blanks at its start.
pub(super) fn trim_start(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let text = bytes.get(..range.end).unwrap_or_default();
    let mut start = range.start;
    while let Some((ch, width)) = decode(text, start)
        && ch.is_whitespace()
    {
        start += width;
    }
    start..range.end
}

/// `range` of `bytes` without the Unicode blanks at either end.
pub(super) fn trim(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let Range { start, mut end } = trim_start(bytes, range);
    while end > start {
        let Some(width) = blank_before(bytes.get(start..end).unwrap_or_default()) else {
            break;
        };
        end -= width;
    }
    start..end
}

/// The length of the blank that `text` ends with.
fn blank_before(text: &[u8]) -> Option<usize> {
    if text.last()?.is_ascii() {
        return text
            .last()
            .is_some_and(|&b| char::from(b).is_whitespace())
            .then_some(1);
    }
    (2..=3).find(|&width| {
        let at = text.len().checked_sub(width);
        at.and_then(|at| decode(text, at))
            .is_some_and(|(ch, length)| length == width && ch.is_whitespace())
    })
}

/// What separates the keyword from its arguments and one plain argument from the next.
pub(super) const fn separates(byte: u8) -> bool {
    matches!(byte, b'\t' | 0x0b | 0x0c | b'\r' | b' ')
}

/// A blank to code that takes each byte for a character: U+0085 and U+00A0 count, even when the
/// byte is the tail of another character.
pub(super) const fn is_blank_byte(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ' | 0x85 | 0xa0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_of_every_width_go_and_broken_bytes_stay() {
        let text = "\u{a0}\u{2003}\t a\u{3000}\u{85} ".as_bytes();
        let kept = trim(text, 0..text.len());
        assert_eq!(&text[kept], b"a");
        let broken = b" \xa0a\x85 ";
        assert_eq!(trim(broken, 0..broken.len()), 1..4);
        assert_eq!(trim(b" \t", 0..2), 2..2);
    }

    #[test]
    fn a_byte_that_is_no_utf8_is_one_replacement_character() {
        assert_eq!(decode(b"\xe2\x82", 0), Some(('\u{fffd}', 1)));
        assert_eq!(decode("€".as_bytes(), 0), Some(('€', 3)));
        assert_eq!(decode(b"a", 1), None);
    }
}
