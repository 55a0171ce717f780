//! The escapes of `$'...'`.

use super::super::cursor::Cursor;

/// Steps over one escape of `$'...'` and gives what it stands for.
pub(super) fn escape(cursor: &mut Cursor<'_>) -> String {
    cursor.bump(1);
    let Some(kind) = cursor.peek() else {
        return "\\".to_owned();
    };
    let start = cursor.at;
    cursor.bump_char();
    let digits = |cursor: &mut Cursor<'_>, most: usize, radix: u32| {
        let from = cursor.at;
        while cursor.at < from + most
            && cursor
                .peek()
                .is_some_and(|byte| char::from(byte).is_digit(radix))
        {
            cursor.bump(1);
        }
        u32::from_str_radix(cursor.slice(from..cursor.at), radix)
            .ok()
            .and_then(char::from_u32)
    };
    let decoded = match kind {
        b'n' => Some('\n'),
        b't' => Some('\t'),
        b'r' => Some('\r'),
        b'a' => Some('\u{7}'),
        b'b' => Some('\u{8}'),
        b'e' | b'E' => Some('\u{1b}'),
        b'f' => Some('\u{c}'),
        b'v' => Some('\u{b}'),
        b'x' => digits(cursor, 2, 16),
        b'u' => digits(cursor, 4, 16),
        b'U' => digits(cursor, 8, 16),
        b'0'..=b'7' => {
            cursor.at = start;
            digits(cursor, 3, 8)
        }
        _ => None,
    };
    decoded.map_or_else(|| cursor.slice(start..cursor.at).to_owned(), String::from)
}
