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
}

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
        let before = bytes.get(start..offset).unwrap_or_default();
        LineColumn {
            line,
            column: String::from_utf8_lossy(before).chars().count() + 1,
        }
    }
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
}
