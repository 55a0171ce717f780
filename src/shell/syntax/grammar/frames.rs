//! Open compound commands, and what reserved words do to them.

use std::ops::Range;

use super::super::cursor::is_meta;
use super::super::nested::{Bracket, skip};
use super::super::{Arm, Case, Context, Loop, Word, word};
use super::Parser;

/// A compound command that is open, or the script itself.
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    /// What all commands in it hang on.
    pub(super) context: Context,
    /// Its own scope, around those of its branches.
    pub(super) scope: usize,
    /// Index of its first command.
    pub(super) opened: usize,
    /// Index of the first command of the and-or list being read.
    pub(super) list: usize,
    /// Index of the first command of the pipeline being read.
    pub(super) pipeline: usize,
    /// A `|` was read in this pipeline.
    pub(super) in_pipeline: bool,
    /// The next command reads from a pipe.
    pub(super) reads_pipe: bool,
    /// The next command stands behind `||`.
    pub(super) behind_or: bool,
    /// An operator was read that wants a command after it: a newline does not end the list.
    pub(super) expects: bool,
    /// Commands of this list from here on stand behind a test.
    pub(super) tested: Option<usize>,
    /// The list before ended so; if anything follows, the script survived the test's failure.
    pub(super) survives: Option<Range<usize>>,
    /// `!` was read before the command.
    pub(super) negated: bool,
    /// The tests of this list, by their index, on which the commands behind their `&&` hang.
    pub(super) hanging: Vec<usize>,
    /// The test on which the pipeline behind its `||` hangs.
    pub(super) alternative: Option<usize>,
    /// The index of the loop, `case` or `if` in the script.
    pub(super) header: Option<usize>,
}

/// What closes a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Script,
    /// `( )`
    Parentheses,
    /// `{ }`
    Braces,
    /// `if ... fi`
    If,
    /// `for`, `while`, `until`, `select ... done`
    Loop,
    /// `case ... esac`
    Case,
}

impl Parser<'_> {
    /// Acts on a reserved word at the start of a command; `false` if the word is none.
    pub(super) fn reserved(&mut self, text: &str) -> bool {
        match text {
            "if" => self.if_header(),
            "while" | "until" => self.open(Kind::Loop),
            "for" | "select" => self.for_header(),
            "case" => self.case_header(),
            "{" => self.open(Kind::Braces),
            "then" | "elif" | "else" => self.if_branch(text),
            "do" => self.branch(Kind::Loop),
            "fi" => self.close_kind(Kind::If),
            "done" => self.close_kind(Kind::Loop),
            "esac" => self.close_kind(Kind::Case),
            "}" => self.close_kind(Kind::Braces),
            "!" => {
                self.start();
                self.negate();
            }
            "time" if !self.reads_pipe() => self.time(),
            "function" => self.function_header(),
            _ => return false,
        }
        true
    }

    /// `then`, `else` and `do`: what follows is conditional.
    fn branch(&mut self, kind: Kind) {
        self.start();
        self.end_list();
        match self.frame() {
            Some(frame) if frame.kind == kind => {
                frame.context.conditional = true;
                self.scope_of_branch();
            }
            _ => self.broken(),
        }
    }

    fn if_branch(&mut self, word: &str) {
        self.branch(Kind::If);
        if word != "then" {
            self.next_branch(word == "else");
        }
        if word != "elif" {
            self.begin_branch();
        }
    }

    /// Closes the innermost frame if it is of `kind`, and what is open inside one further out.
    pub(super) fn close_kind(&mut self, kind: Kind) {
        let top = self.frames.last().map(|frame| frame.kind);
        if top == Some(kind) {
            return self.close();
        }
        self.broken();
        // A subshell's end is certain even where something inside was not understood.
        if kind == Kind::Parentheses && self.open_parentheses > 0 {
            while self.frames.last().is_some_and(|frame| frame.kind != kind) {
                self.close();
            }
            self.close();
        }
    }

    /// Whether the next command reads from a pipe: `time` is no reserved word there.
    fn reads_pipe(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.reads_pipe)
    }

    fn time(&mut self) {
        self.start();
        self.cursor.skip_blanks();
        if self.cursor.starts_with(b"-p") && self.cursor.nth(2).is_none_or(is_meta) {
            self.cursor.bump(2);
        }
    }

    fn function_header(&mut self) {
        self.start();
        self.cursor.skip_blanks();
        let name = self.cursor.take_while(|byte| !is_meta(byte));
        self.function = self.cursor.slice(name).to_owned();
        self.cursor.skip_blanks();
        if self.cursor.peek() == Some(b'(') {
            let mut ahead = self.cursor;
            ahead.bump(1);
            ahead.skip_blanks();
            if ahead.peek() == Some(b')') {
                ahead.bump(1);
                self.cursor = ahead;
            }
        }
        self.function_follows = true;
    }

    /// `for NAME [in WORDS]` and `for ((...))`.
    fn for_header(&mut self) {
        self.open(Kind::Loop);
        self.cursor.skip_blanks();
        if self.cursor.starts_with(b"((") {
            self.cursor.bump(2);
            self.script.complete &= skip(&mut self.cursor, Bracket::Arithmetic).1;
            return;
        }
        let name = self.cursor.take_while(|byte| !is_meta(byte));
        let name = self.cursor.slice(name).to_owned();
        self.skip_lines();
        let mut values = Vec::new();
        if self.cursor.starts_with(b"in") && self.cursor.nth(2).is_none_or(is_meta) {
            self.cursor.bump(2);
            while let Some(value) = self.plain_word() {
                values.push(value);
            }
        }
        let at = self.script.commands.len();
        let index = self.script.loops.len();
        self.script.loops.push(Loop {
            name,
            values,
            commands: at..at,
        });
        if let Some(frame) = self.frame() {
            frame.header = Some(index);
        }
    }

    /// `case WORD in`.
    fn case_header(&mut self) {
        self.open(Kind::Case);
        let subject = self.plain_word().unwrap_or_default();
        let index = self.script.cases.len();
        if let Some(frame) = self.frame() {
            frame.header = Some(index);
            let function = frame.context.function;
            self.script.cases.push(Case {
                subject,
                arms: Vec::new(),
                function,
                falls_through: false,
            });
        }
        self.skip_lines();
        if self.cursor.starts_with(b"in") && self.cursor.nth(2).is_none_or(is_meta) {
            self.cursor.bump(2);
            self.patterns();
        } else {
            self.broken();
        }
    }

    /// Reads the patterns of a `case` branch, or closes the `case` at its `esac`.
    pub(super) fn patterns(&mut self) {
        self.skip_lines();
        self.end_arm();
        if self.cursor.starts_with(b"esac") && self.cursor.nth(4).is_none_or(is_meta) {
            self.cursor.bump(4);
            return self.close_kind(Kind::Case);
        }
        if self.cursor.peek() == Some(b'(') {
            self.cursor.bump(1);
        }
        let mut patterns = Vec::new();
        loop {
            if let Some(pattern) = self.plain_word() {
                patterns.push(pattern);
                continue;
            }
            match self.cursor.peek() {
                Some(b'|') => self.cursor.bump(1),
                Some(b')') => break self.cursor.bump(1),
                _ => return self.broken(),
            }
        }
        self.scope_of_branch();
        let at = self.script.commands.len();
        if let Some(case) = self.case() {
            let commands = at..at;
            case.arms.push(Arm { patterns, commands });
        }
    }

    /// The innermost `case`, where that is what is open.
    pub(super) fn case(&mut self) -> Option<&mut Case> {
        let frame = self.frames.last()?;
        let index = frame.header.filter(|_| frame.kind == Kind::Case)?;
        self.script.cases.get_mut(index)
    }

    /// The branch read last ends before the next command.
    pub(super) fn end_arm(&mut self) {
        let at = self.script.commands.len();
        if let Some(arm) = self.case().and_then(|case| case.arms.last_mut()) {
            arm.commands.end = at;
        }
    }

    /// The next word of this line, if one stands there.
    fn plain_word(&mut self) -> Option<Word> {
        self.cursor.skip_blanks();
        let byte = self.cursor.peek()?;
        let substitution = matches!(byte, b'<' | b'>') && self.cursor.nth(1) == Some(b'(');
        if is_meta(byte) && !substitution {
            return None;
        }
        let (word, closed) = word::read(&mut self.cursor);
        self.script.complete &= closed;
        Some(word)
    }

    /// Steps over blanks, newlines and comments.
    pub(super) fn skip_lines(&mut self) {
        loop {
            self.cursor.skip_blanks();
            match self.cursor.peek() {
                Some(b'\n') => {
                    self.cursor.bump(1);
                    self.read_documents();
                }
                Some(b'#') => self.cursor.skip_line(),
                _ => return,
            }
        }
    }
}
