//! One token after the other: operators, words, redirections, comments.

use super::super::cursor::{is_blank, is_meta, is_name};
use super::super::nested::{Bracket, skip};
use super::super::{Assignment, Redirect, Word, word};
use super::Parser;
use super::frames::Kind;

/// The operators of redirections; longer ones first.
const REDIRECTIONS: [&str; 12] = [
    "<<<", "<<-", "<<", "<>", "<&", "<", "&>>", "&>", ">>", ">&", ">|", ">",
];

impl Parser<'_> {
    pub(super) fn token(&mut self) {
        self.cursor.skip_blanks();
        let Some(byte) = self.cursor.peek() else {
            return;
        };
        let redirects = matches!(byte, b'<' | b'>') && self.cursor.nth(1) != Some(b'(')
            || self.cursor.starts_with(b"&>")
            || byte.is_ascii_digit() && self.descriptor().is_some();
        match byte {
            _ if redirects => self.redirection(),
            b'\n' => self.newline(),
            b'#' => self.cursor.skip_line(),
            b';' => self.semicolon(),
            b'&' | b'|' => self.connector(byte),
            b'(' => self.parenthesis(),
            b')' => {
                self.cursor.bump(1);
                self.end_command();
                self.close_kind(Kind::Parentheses);
            }
            _ => self.word(),
        }
    }

    fn newline(&mut self) {
        self.cursor.bump(1);
        self.end_command();
        if self.frames.last().is_some_and(|frame| !frame.expects) {
            self.end_list();
        }
        self.read_documents();
    }

    fn semicolon(&mut self) {
        self.end_command();
        self.end_list();
        let in_case = self
            .frames
            .last()
            .is_some_and(|frame| frame.kind == Kind::Case);
        let double = self.cursor.nth(1) == Some(b';');
        let length = [";;&", ";;", ";&"]
            .iter()
            .find(|op| self.cursor.starts_with(op.as_bytes()))
            .map(|op| op.len());
        match length {
            Some(length) => {
                self.cursor.bump(length);
                if in_case {
                    if let Some(case) = self.case() {
                        case.falls_through |= length == 3 || !double;
                    }
                    self.patterns();
                } else {
                    self.broken();
                }
            }
            None => self.cursor.bump(1),
        }
    }

    /// `&`, `&&`, `|`, `||`, `|&`.
    fn connector(&mut self, byte: u8) {
        let double = self.cursor.nth(1) == Some(byte);
        let both = byte == b'|' && self.cursor.nth(1) == Some(b'&');
        let tests = double && self.current_tests();
        self.end_command();
        self.flush_group();
        self.cursor.bump(1 + usize::from(double || both));
        let at = self.script.commands.len();
        match (byte, double) {
            (b'&', false) => {
                // The list is a process of its own.
                let from = self.frames.last().map_or(at, |frame| frame.list);
                self.subshell.push(from..at);
                self.end_list();
            }
            (b'|', false) => self.pipe(at),
            _ => {
                self.joined(byte == b'|', tests, at);
                let Some(frame) = self.frames.last_mut() else {
                    return;
                };
                frame.end_pipeline(at);
                frame.behind_or = byte == b'|';
                frame.expects = true;
                if frame.behind_or
                    && let Some(from) = frame.tested.take()
                {
                    self.conditional.push(from..at);
                }
                if tests && !frame.behind_or && frame.tested.is_none() {
                    frame.tested = Some(at);
                }
            }
        }
    }

    /// Whether the command just read only asks something: its failure is an answer.
    fn current_tests(&self) -> bool {
        let text = |at: usize| {
            self.current
                .words
                .get(at)
                .and_then(Word::literal)
                .unwrap_or_default()
        };
        match text(0).as_str() {
            "[" | "[[" | "test" | "grep" | "which" => true,
            "command" | "type" => text(1).starts_with('-'),
            _ => false,
        }
    }

    fn pipe(&mut self, at: usize) {
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        let from = std::mem::replace(&mut frame.pipeline, at);
        frame.in_pipeline = true;
        frame.reads_pipe = true;
        frame.expects = true;
        self.subshell.push(from..at);
    }

    /// Ends an and-or list.
    pub(super) fn end_list(&mut self) {
        let at = self.script.commands.len();
        self.flush_group();
        self.end_tests();
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        frame.end_pipeline(at);
        frame.list = at;
        frame.behind_or = false;
        if let Some(from) = frame.tested.take() {
            frame.survives = Some(from..at);
        }
    }

    fn parenthesis(&mut self) {
        if self.at_start() {
            if self.cursor.starts_with(b"((") && self.arithmetic() {
                return self.start();
            }
            self.cursor.bump(1);
            return self.open(Kind::Parentheses);
        }
        self.cursor.bump(1);
        self.cursor.skip_blanks();
        if self.cursor.peek() == Some(b')') && self.current.words.len() == 1 {
            self.cursor.bump(1);
            let command = std::mem::take(&mut self.current);
            let name = command.words.first().and_then(super::super::Word::literal);
            self.function = name.unwrap_or_default();
            self.function_follows = true;
        } else {
            self.broken();
        }
    }

    /// Steps over `((...))`; `false`, without a step, where it is a subshell inside a subshell.
    fn arithmetic(&mut self) -> bool {
        let mut ahead = self.cursor;
        ahead.bump(2);
        let (inner, closed) = skip(&mut ahead, Bracket::Arithmetic);
        let ends = self
            .cursor
            .slice(self.cursor.at + 2 + inner.len()..ahead.at);
        if closed && ends != "))" && self.retries > 0 {
            self.retries -= 1;
            return false;
        }
        self.script.complete &= closed;
        self.cursor = ahead;
        true
    }

    /// The length of the digits before a redirection operator.
    fn descriptor(&self) -> Option<usize> {
        let digits = self
            .cursor
            .rest()
            .iter()
            .take(10)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let follows = matches!(self.cursor.nth(digits), Some(b'<' | b'>'));
        (follows && self.cursor.nth(digits + 1) != Some(b'(')).then_some(digits)
    }

    fn redirection(&mut self) {
        let start = self.cursor.at;
        let digits = self.descriptor().unwrap_or(0);
        let fd = self.cursor.slice(start..start + digits).parse().ok();
        self.cursor.bump(digits);
        let Some(operator) = REDIRECTIONS
            .iter()
            .find(|op| self.cursor.starts_with(op.as_bytes()))
        else {
            return self.cursor.bump(1);
        };
        self.cursor.bump(operator.len());
        self.cursor.skip_blanks();
        let (target, closed) = match self.cursor.peek() {
            Some(byte)
                if !is_meta(byte)
                    || self.cursor.nth(1) == Some(b'(') && matches!(byte, b'<' | b'>') =>
            {
                word::read(&mut self.cursor)
            }
            _ => (
                Word {
                    range: self.cursor.at..self.cursor.at,
                    parts: Vec::new(),
                },
                false,
            ),
        };
        self.script.complete &= closed;
        let document = operator.starts_with("<<") && *operator != "<<<";
        let document = document.then(|| (target.shown(), *operator == "<<-"));
        let redirect = Redirect {
            operator: (*operator).to_owned(),
            fd,
            target,
            body: None,
        };
        self.push_redirect(start, redirect, document);
    }

    fn word(&mut self) {
        let start = self.cursor.at;
        if self.current.words.is_empty() && self.assignment() {
            return;
        }
        let (word, closed) = word::read(&mut self.cursor);
        self.script.complete &= closed;
        if self.cursor.at == start {
            // Nothing that starts a word: never stand still.
            self.cursor.bump_char();
            return self.broken();
        }
        let text = self.cursor.slice(word.range.clone());
        if self.at_start() {
            let behind_compound = self.closed.is_some();
            if self.reserved(text) {
                return;
            }
            if behind_compound {
                self.broken();
            }
            if text == "[[" {
                self.push_word(word);
                return self.condition();
            }
        }
        self.push_word(word);
    }

    /// The inside of `[[ ]]`, whose operators are no operators of the shell.
    fn condition(&mut self) {
        loop {
            self.cursor.skip_blanks();
            let start = self.cursor.at;
            let Some(byte) = self.cursor.peek() else {
                return self.broken();
            };
            match byte {
                b'\n' => self.cursor.bump(1),
                _ if is_meta(byte) && !is_blank(byte) => {
                    let double = matches!(byte, b'&' | b'|') && self.cursor.nth(1) == Some(byte);
                    self.cursor.bump(1 + usize::from(double));
                    let range = start..self.cursor.at;
                    let word = Word::plain(self.cursor.slice(range.clone()), range);
                    self.push_word(word);
                }
                _ => {
                    let (word, closed) = word::read(&mut self.cursor);
                    self.script.complete &= closed;
                    let last = self.cursor.slice(word.range.clone()) == "]]";
                    self.push_word(word);
                    if last {
                        return;
                    }
                }
            }
        }
    }

    /// `NAME=value`, `NAME+=value`, `NAME[1]=value`, if one stands here.
    fn assignment(&mut self) -> bool {
        let rest = self.cursor.rest();
        let name = rest.iter().take_while(|&&byte| is_name(byte)).count();
        if name == 0 || rest.first().is_some_and(u8::is_ascii_digit) {
            return false;
        }
        let mut end = name;
        if rest.get(end) == Some(&b'[') {
            let subscript = rest
                .iter()
                .skip(end)
                .take(256)
                .position(|&byte| byte == b']');
            let Some(length) = subscript else {
                return false;
            };
            end += length + 1;
        }
        let append = rest.get(end) == Some(&b'+');
        end += usize::from(append);
        if rest.get(end) != Some(&b'=') {
            return false;
        }
        let start = self.cursor.at;
        self.begin_command(start);
        let name_range = start..start + name;
        self.cursor.bump(end + 1);
        let (value, closed) = word::read_value(&mut self.cursor);
        self.script.complete &= closed;
        self.current.range.end = self.cursor.at;
        let name = self.cursor.slice(name_range.clone()).to_owned();
        self.current.assignments.push(Assignment {
            name,
            name_range,
            append,
            value,
        });
        true
    }
}

impl super::frames::Frame {
    fn end_pipeline(&mut self, at: usize) {
        self.pipeline = at;
        self.in_pipeline = false;
        self.reads_pipe = false;
    }
}
