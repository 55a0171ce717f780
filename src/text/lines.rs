//! Byte offsets to lines and columns, for output only.

use std::sync::OnceLock;

/// A position as people count: both from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// Line, from 1.
    pub line: usize,
    /// Column in Unicode characters, from 1; invalid UTF-8 counts as one each.
    pub column: usize,
}

/// Where the lines of a file start; filled at first use.
#[derive(Debug, Default)]
pub struct LineIndex {
    starts: OnceLock<Vec<usize>>,
    /// Bytes of long lines, and how many characters of the line stand before each.
    marks: OnceLock<Vec<(usize, usize)>>,
}

/// Characters of longer lines are not counted anew for each place in them: in bytes.
const LONG: usize = 4096;
/// So many bytes at least lie between two marks.
const APART: usize = 512;

impl LineIndex {
    pub(super) fn of(&self, bytes: &[u8]) -> &Self {
        let _ = self.starts.get_or_init(|| {
            std::iter::once(0)
                .chain(memchr::memchr_iter(b'\n', bytes).map(|at| at + 1))
                .collect()
        });
        self
    }

    fn starts(&self) -> &[usize] {
        self.starts.get().map_or(&[], Vec::as_slice)
    }

    /// How many lines there are; the empty one after a final newline is not counted.
    #[must_use]
    pub fn count(&self, bytes: &[u8]) -> usize {
        self.starts().len() - usize::from(bytes.last().is_none_or(|&b| b == b'\n'))
    }

    /// The span of line `line` (from 1) without its line ending.
    #[must_use]
    pub fn line(&self, bytes: &[u8], line: usize) -> super::Span {
        let start = self
            .starts()
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or(bytes.len());
        let end = self.starts().get(line).copied().unwrap_or(bytes.len());
        let text = bytes.get(start..end).unwrap_or_default();
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        super::Span::new(
            start,
            start + text.strip_suffix(b"\r").unwrap_or(text).len(),
        )
    }

    /// The line and column of the byte at `offset`.
    #[must_use]
    pub fn locate(&self, bytes: &[u8], offset: usize) -> LineColumn {
        let offset = offset.min(bytes.len());
        let line = self.starts().partition_point(|&start| start <= offset);
        let start = self
            .starts()
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or(0);
        LineColumn {
            line,
            column: self.characters(bytes, start, offset) + 1,
        }
    }

    /// How many characters of a line that begins at `start` stand before `offset`, where that is in it.
    #[must_use]
    pub(crate) fn characters(&self, bytes: &[u8], start: usize, offset: usize) -> usize {
        let mut known = (start, 0);
        if offset.saturating_sub(start) > LONG {
            let marks = self.marks.get_or_init(|| marks(bytes, self.starts()));
            let before = marks.partition_point(|(at, _)| *at <= offset);
            let last = before.checked_sub(1).and_then(|last| marks.get(last));
            known = last
                .copied()
                .filter(|(at, _)| *at >= start)
                .unwrap_or(known);
        }
        let rest = bytes.get(known.0..offset).unwrap_or_default();
        known.1 + String::from_utf8_lossy(rest).chars().count()
    }
}

/// The marks of all long lines: each behind a whole character, where counting can go on.
fn marks(bytes: &[u8], starts: &[usize]) -> Vec<(usize, usize)> {
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    let lines = starts.iter().copied().zip(ends);
    let mut marks = Vec::new();
    for (start, end) in lines.filter(|(start, end)| end - start > LONG) {
        let (mut at, mut count, mut marked) = (start, 0, start);
        for chunk in bytes.get(start..end).unwrap_or_default().utf8_chunks() {
            for letter in chunk.valid().chars() {
                at += letter.len_utf8();
                count += 1;
                if at - marked >= APART {
                    marks.push((at, count));
                    marked = at;
                }
            }
            at += chunk.invalid().len();
            count += usize::from(!chunk.invalid().is_empty());
        }
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::LineColumn;
    use crate::text::{SourceFile, Span};

    #[test]
    fn columns_count_characters_and_lines_end_before_their_ending() {
        let file = SourceFile::new("f", b"a\r\n\xc3\xa9\xffx\n".to_vec());
        let at = |offset| file.lines().locate(&file.bytes, offset);
        assert_eq!(at(0), LineColumn { line: 1, column: 1 });
        assert_eq!(at(6), LineColumn { line: 2, column: 3 });
        assert_eq!(at(99), LineColumn { line: 3, column: 1 });
        assert_eq!(file.lines().line(&file.bytes, 1), Span::new(0, 1));
        assert_eq!(file.lines().line(&file.bytes, 9), Span::empty(8));
        assert_eq!(file.lines().count(&file.bytes), 2);
    }

    #[test]
    fn columns_of_long_lines_are_those_that_a_walk_from_their_start_counts() {
        let mut bytes = b"short\n".to_vec();
        for piece in 0..3000 {
            bytes.extend_from_slice(["a\u{e9}".as_bytes(), b"\xff", b"\xe2\x82"][piece % 3]);
        }
        bytes.extend_from_slice(b"\nend");
        let file = SourceFile::new("f", bytes);
        for offset in 6..file.bytes.len() - 4 {
            let walked = String::from_utf8_lossy(&file.bytes[6..offset])
                .chars()
                .count()
                + 1;
            let at = file.lines().locate(&file.bytes, offset);
            assert_eq!((at.line, at.column), (2, walked), "{offset}");
        }
    }
}
