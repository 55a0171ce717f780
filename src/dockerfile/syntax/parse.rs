//! Bytes to [`Dockerfile`]: lossless, linear, never failing.
//!
//! This module owns the walk over the file: it reads physical lines, decides what each one is and
//! joins the lines of an instruction. What BuildKit's parser refuses becomes a [`Problem`], and
//! the walk goes on. It knows no variables, no stages and no meaning.

use super::directive::Directives;
use super::lines::{Line, Lines};
use super::logical::Logical;
use super::{Dockerfile, Escape, Heredoc, Item, ItemKind, Problem};
use super::{heredoc, instruction, runes, suggest};
use crate::text::Span;

/// Parses the bytes of a Dockerfile, whatever they are.
///
/// The rules are those of BuildKit's `frontend/dockerfile/parser`, as of August 2026.
#[must_use]
pub fn parse(source: &[u8]) -> Dockerfile {
    let mut parser = Parser {
        source,
        text: std::str::from_utf8(source).ok(),
        lines: Lines::new(source),
        directives: Directives::default(),
        // A line has some 40 bytes, and every second one continues an instruction.
        out: Dockerfile {
            items: Vec::with_capacity(source.len() / 64),
            ..Dockerfile::default()
        },
    };
    parser.file();
    parser
        .out
        .problems
        .sort_by_key(|problem| problem.span.start);
    parser.out
}

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The longest physical line that BuildKit's line scanner takes, in bytes, line feed not counted.
const LONGEST_LINE: usize = 65_535;

struct Parser<'a> {
    source: &'a [u8],
    text: Option<&'a str>,
    lines: Lines<'a>,
    directives: Directives,
    out: Dockerfile,
}

impl<'a> Parser<'a> {
    fn file(&mut self) {
        if self.source.starts_with(BOM) {
            self.item(0, BOM.len(), ItemKind::Bom);
        }
        while let Some(mut line) = self.next_line() {
            // The mark belongs to the first line, but no longer to what that line says.
            line.start = line.start.max(self.end());
            line.content.start = line.content.start.max(line.start);
            if line.start < line.end {
                self.line(&line);
            }
        }
        if self.out.instructions().next().is_none() {
            self.fatal(Span::new(0, self.source.len()), "file with no instructions");
        }
    }

    fn line(&mut self, line: &Line) {
        let content = runes::trim_start(self.source, line.content.clone());
        match self.source.get(content.start) {
            _ if content.is_empty() => {
                self.directives.close();
                self.blank(line);
            }
            Some(b'#') => {
                let kind = self.comment(Span::new(content.start, content.end));
                self.item(line.start, line.end, kind);
            }
            _ => {
                self.directives.close();
                self.instruction(line, content.start);
            }
        }
    }

    /// Blank lines that follow each other are one item.
    fn blank(&mut self, line: &Line) {
        match self.out.items.last_mut() {
            Some(Item {
                span,
                kind: ItemKind::Blank,
            }) => span.end = line.end,
            _ => self.item(line.start, line.end, ItemKind::Blank),
        }
    }

    /// What the comment line `text` is: a directive or a mere comment.
    fn comment(&mut self, text: Span) -> ItemKind {
        let Some(found) = self.directives.read(self.source, text) else {
            return ItemKind::Comment(text);
        };
        match found.verdict {
            Ok(escape) => self.out.escape = escape.unwrap_or(self.out.escape),
            Err(message) => self.fatal(text, &message),
        }
        ItemKind::Directive(found.directive)
    }

    fn instruction(&mut self, first: &Line, start: usize) {
        let (line, comments) = self.logical(first, start);
        let problems = &mut self.out.problems;
        let mut instruction = instruction::read(&line, self.out.escape, problems);
        instruction.comments = comments;
        if let Some(holder) = heredoc::holder(&mut instruction) {
            match heredoc::openers(&line) {
                Ok(openers) => holder.heredocs = self.bodies(openers),
                Err(message) => self.fatal(line.span(0..line.bytes().len()), &message),
            }
        }
        heredoc::extend_spans(&mut instruction, self.source);
        let kind = ItemKind::Instruction(Box::new(instruction));
        self.item(first.start, self.lines.position(), kind);
    }

    /// Joins the lines that the escape character continues. Comment lines and blank lines among
    /// them do not end the instruction.
    fn logical(&mut self, first: &Line, start: usize) -> (Logical<'a>, Vec<Span>) {
        let escape = self.out.escape;
        let mut comments = Vec::new();
        let (end, mut continued) =
            uncontinued(self.source, Span::new(start, first.content.end), escape);
        let mut logical = Logical::new(self.source, self.text, Span::new(start, end));
        while continued {
            let Some(line) = self.next_line() else { break };
            let content = runes::trim_start(self.source, line.content.clone());
            if content.is_empty() {
                continue;
            }
            if self.source.get(content.start) == Some(&b'#') {
                comments.push(Span::new(content.start, content.end));
                continue;
            }
            let whole = Span::new(line.content.start, line.content.end);
            let (end, more) = uncontinued(self.source, whole, escape);
            logical.push(Span::new(whole.start, end));
            continued = more;
        }
        (logical, comments)
    }

    fn bodies(&mut self, openers: Vec<heredoc::Opener>) -> Vec<Heredoc> {
        let mut heredocs = Vec::with_capacity(openers.len());
        for opener in openers {
            let mut body = Span::empty(self.lines.position());
            let mut terminator = None;
            while let Some(line) = self.next_line() {
                let content = Span::new(line.content.start, line.content.end);
                if opener.ends_at(content.slice(self.source)) {
                    terminator = Some(content);
                    break;
                }
                body.end = line.end;
            }
            // Where one has no end, none of those after it has.
            let first = heredocs
                .last()
                .is_none_or(|last: &Heredoc| last.terminator.is_some());
            if terminator.is_none() && first {
                let message = format!("unterminated heredoc `{}`", suggest::clip(&opener.name));
                self.fatal(opener.span, &message);
            }
            heredocs.push(opener.with_body(body, terminator));
        }
        heredocs
    }

    fn next_line(&mut self) -> Option<Line> {
        let line = self.lines.next()?;
        if line.length > LONGEST_LINE {
            let span = Span::new(line.content.start, line.content.end);
            let message = format!(
                "line of {} bytes, more than the {LONGEST_LINE} allowed",
                line.length
            );
            self.fatal(span, &message);
        }
        Some(line)
    }

    /// Where the items so far end.
    fn end(&self) -> usize {
        self.out.items.last().map_or(0, |item| item.span.end)
    }

    fn item(&mut self, start: usize, end: usize, kind: ItemKind) {
        self.out.items.push(Item {
            span: Span::new(start, end),
            kind,
        });
    }

    fn fatal(&mut self, span: Span, message: &str) {
        self.out.problems.push(Problem {
            span,
            message: message.to_owned(),
            fatal: true,
        });
    }
}

/// Where the line's text ends when a final escape character is taken off, and whether there was
/// one. Blanks may follow it; one that is itself escaped does not count.
fn uncontinued(source: &[u8], line: Span, escape: Escape) -> (usize, bool) {
    let bytes = line.slice(source);
    let last = bytes.iter().rposition(|b| !matches!(b, b' ' | b'\t'));
    let Some(last) = last.filter(|&at| bytes.get(at) == Some(&escape.byte())) else {
        return (line.end, false);
    };
    let before = last.checked_sub(1).and_then(|at| bytes.get(at));
    if before == Some(&escape.byte()) {
        return (line.end, false);
    }
    (line.start + last, true)
}

#[cfg(test)]
mod tests;
