//! A file's bytes with the name it is reported under, and a place within it.

use std::sync::Arc;

use super::{LineIndex, Span};

/// The bytes of one input and the path under which it is reported.
#[derive(Debug)]
pub struct SourceFile {
    /// The path as the user would write it: relative to where the tool runs, `/` as separator.
    pub path: String,
    /// The bytes as they were read; any encoding, BOM and line endings included.
    pub bytes: Vec<u8>,
    lines: LineIndex,
}

impl SourceFile {
    /// Takes ownership of the bytes of `path`.
    #[must_use]
    pub fn new(path: impl Into<String>, bytes: Vec<u8>) -> Arc<Self> {
        Arc::new(Self {
            path: path.into(),
            lines: LineIndex::default(),
            bytes,
        })
    }

    /// The line index, made at its first use.
    #[must_use]
    pub fn lines(&self) -> &LineIndex {
        self.lines.of(&self.bytes)
    }

    /// The bytes of `span`.
    #[must_use]
    pub fn slice(&self, span: Span) -> &[u8] {
        span.slice(&self.bytes)
    }

    /// The text of `span`, with U+FFFD for what is not UTF-8.
    #[must_use]
    pub fn text(&self, span: Span) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.slice(span))
    }
}

/// A span in one of several files.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file.
    pub file: Arc<SourceFile>,
    /// The bytes of it.
    pub span: Span,
}

impl Place {
    /// The place of `span` in `file`.
    #[must_use]
    pub fn new(file: &Arc<SourceFile>, span: Span) -> Self {
        Self {
            file: Arc::clone(file),
            span,
        }
    }

    /// The same file, another span.
    #[must_use]
    pub fn at(&self, span: Span) -> Self {
        Self {
            file: Arc::clone(&self.file),
            span,
        }
    }

    /// The part of it that holds this text, where it stands there as it is; else all of it.
    #[must_use]
    pub fn of_text(&self, text: &str) -> Self {
        let slice = self.file.slice(self.span);
        let found = memchr::memmem::find(slice, text.as_bytes()).filter(|_| !text.is_empty());
        found.map_or_else(
            || self.clone(),
            |at| {
                let start = self.span.start + at;
                self.at(Span::new(start, start + text.len()))
            },
        )
    }

    /// Whether both lie in the same file.
    #[must_use]
    pub fn same_file(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.file, &other.file)
    }

    /// The line of the first byte, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.file
            .lines()
            .locate(&self.file.bytes, self.span.start)
            .line
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.same_file(other) && self.span == other.span
    }
}
