//! Here-documents: which words of a logical line open one, and what ends it.

use std::ops::Range;

use super::{Args, Heredoc, Instruction, Keyword};
use crate::text::Span;

use super::lex::{self, Keep};
use super::logical::Logical;

/// The instruction whose arguments may open heredocs: `instruction` or what ONBUILD holds.
pub(super) fn holder(instruction: &mut Instruction) -> Option<&mut Instruction> {
    let instruction = match instruction.args {
        Args::Onbuild(ref mut inner) => inner,
        _ => instruction,
    };
    let takes = matches!(
        instruction.keyword,
        Keyword::Add | Keyword::Copy | Keyword::Run
    );
    (takes && !matches!(instruction.args, Args::Json(_))).then_some(instruction)
}

/// `<<EOF` on a logical line.
#[derive(Debug)]
pub(super) struct Opener {
    pub(super) name: String,
    pub(super) span: Span,
    strip_tabs: bool,
    expand: bool,
    fd: u32,
}

impl Opener {
    /// Whether `line`, without its ending, is the terminator.
    pub(super) fn ends_at(&self, line: &[u8]) -> bool {
        let tabs = if self.strip_tabs {
            line.iter().position(|&b| b != b'\t').unwrap_or(line.len())
        } else {
            0
        };
        line.get(tabs..) == Some(self.name.as_bytes())
    }

    pub(super) fn with_body(self, body: Span, terminator: Option<Span>) -> Heredoc {
        let Self {
            name,
            span: opener,
            strip_tabs,
            expand,
            fd,
        } = self;
        Heredoc {
            name,
            strip_tabs,
            expand,
            fd,
            opener,
            body,
            terminator,
        }
    }
}

/// The heredocs that `line` opens, in order.
///
/// # Errors
/// A delimiter that BuildKit's lexer cannot read.
pub(super) fn openers(line: &Logical<'_>) -> Result<Vec<Opener>, String> {
    if memchr::memmem::find(line.bytes(), b"<<").is_none() {
        return Ok(Vec::new());
    }
    let keep = Keep {
        quotes: true,
        escapes: true,
    };
    if lex::is_split_otherwise(line.bytes(), keep) {
        return Err("versions of BuildKit read the delimiter of its heredoc differently: write a plain word".into());
    }
    // A line that the lexer cannot read has no heredocs; the shell may still like it.
    let words = lex::split(line.bytes(), keep).unwrap_or_default();
    let mut openers = Vec::new();
    for word in words {
        if let Some(opener) = opener(&word.text, || line.span(trimmed(line, &word.range)))? {
            openers.push(opener);
        }
    }
    Ok(openers)
}

/// A lone `<<` takes the blanks behind it; they are no part of what it spans.
fn trimmed(line: &Logical<'_>, range: &Range<usize>) -> Range<usize> {
    super::runes::trim(line.bytes(), range.clone())
}

/// Reads `word` as `[fd]<<[-][ ]delimiter`.
fn opener(word: &str, span: impl Fn() -> Span) -> Result<Option<Opener>, String> {
    let digits = word
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(word.len());
    let (fd, rest) = word.split_at(digits);
    let Some(rest) = rest.strip_prefix("<<") else {
        return Ok(None);
    };
    let (strip_tabs, rest) = match rest.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let delimiter = rest.trim_start_matches(['\t', '\n', '\u{c}', '\r', ' ']);
    if delimiter.is_empty() || delimiter.contains('<') {
        return Ok(None);
    }
    // Go's scanner drops a byte order mark at the start of what it reads.
    let delimiter = delimiter.strip_prefix('\u{feff}').unwrap_or(delimiter);
    let read = |quotes| {
        lex::split(
            delimiter.as_bytes(),
            Keep {
                quotes,
                escapes: false,
            },
        )
        .map_err(|why| format!("cannot read the delimiter of a heredoc: {why}"))
    };
    let (bare, quoted) = (read(false)?, read(true)?);
    let ([bare], [quoted]) = (bare.as_slice(), quoted.as_slice()) else {
        // A delimiter of several words is none; nor is an empty one.
        return Ok(None);
    };
    let quotes = |text: &str| text.matches(['\'', '"']).count();
    Ok(Some(Opener {
        name: bare.text.clone(),
        span: span(),
        strip_tabs,
        expand: quotes(&bare.text) == quotes(&quoted.text),
        fd: if fd.is_empty() {
            0
        } else {
            fd.parse().unwrap_or(u32::MAX)
        },
    }))
}

/// Lets the spans of the instruction, and of the one inside ONBUILD, reach to the end of the last
/// heredoc.
pub(super) fn extend_spans(instruction: &mut Instruction, source: &[u8]) {
    let end = holder(instruction).and_then(|holder| {
        let last = holder.heredocs.last()?;
        let end = last
            .terminator
            .map_or_else(|| unended(last.body, source), |line| line.end);
        holder.span.end = holder.span.end.max(end);
        Some(end)
    });
    instruction.span.end = instruction.span.end.max(end.unwrap_or_default());
}

/// The end of a body's last line, without its ending.
fn unended(body: Span, source: &[u8]) -> usize {
    let bytes = body.slice(source);
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let kept = bytes
        .iter()
        .rposition(|&b| b != b'\r')
        .map_or(0, |at| at + 1);
    body.start + kept
}
