//! Where a place begins and ends, as formats count.

use crate::text::{LineColumn, Place};

/// The first and the last byte of a place, in lines and columns from 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) start: LineColumn,
    pub(super) end: LineColumn,
}

/// With columns in characters.
pub(super) fn of(place: &Place) -> Position {
    let (lines, bytes) = (place.file.lines(), &place.file.bytes);
    Position {
        start: lines.locate(bytes, place.span.start),
        end: lines.locate(bytes, place.span.end),
    }
}

/// With columns in bytes.
pub(super) fn in_bytes(place: &Place) -> Position {
    let in_characters = of(place);
    let (lines, bytes) = (place.file.lines(), &place.file.bytes);
    let column = |at: LineColumn, offset: usize| {
        let start = lines.line(bytes, at.line).start;
        offset.min(bytes.len()) - start + 1
    };
    Position {
        start: LineColumn {
            column: column(in_characters.start, place.span.start),
            ..in_characters.start
        },
        end: LineColumn {
            column: column(in_characters.end, place.span.end),
            ..in_characters.end
        },
    }
}
