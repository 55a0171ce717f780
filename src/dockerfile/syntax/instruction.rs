//! One logical line to one [`Instruction`]: keyword, flags, and arguments by keyword.

use std::ops::Range;

use super::{Args, Escape, Flag, Instruction, Keyword, Pair, Problem};

use super::json::{self, Form};
use super::logical::Logical;
use super::{arity, flags, runes, suggest, words};

/// Reads the logical line; its heredocs' bodies and its comments are the caller's.
pub(super) fn read(line: &Logical<'_>, escape: Escape, problems: &mut Vec<Problem>) -> Instruction {
    let whole = runes::trim(line.bytes(), 0..line.bytes().len());
    Reader {
        line,
        escape,
        problems,
    }
    .outer(whole)
}

struct Reader<'l, 's, 'p> {
    line: &'l Logical<'s>,
    escape: Escape,
    problems: &'p mut Vec<Problem>,
}

/// An instruction before its arguments are read.
struct Head {
    whole: Range<usize>,
    keyword: Keyword,
    keyword_range: Range<usize>,
    flags: Vec<Flag>,
    rest: Range<usize>,
}

impl Reader<'_, '_, '_> {
    fn outer(&mut self, whole: Range<usize>) -> Instruction {
        let head = self.head(whole);
        let args = if head.keyword == Keyword::Onbuild && !head.rest.is_empty() {
            Args::Onbuild(Box::new(self.triggered(head.rest.clone())))
        } else {
            self.args(&head)
        };
        self.instruction(head, args)
    }

    /// What ONBUILD holds. BuildKit's parser descends into `ONBUILD ONBUILD ...` without end, its
    /// builder refuses it; here the chain is followed for its errors, and one level is kept.
    fn triggered(&mut self, rest: Range<usize>) -> Instruction {
        let head = self.head(rest);
        if head.keyword != Keyword::Onbuild {
            let args = self.args(&head);
            return self.instruction(head, args);
        }
        let message = "`ONBUILD` cannot be chained".to_owned();
        let span = self.line.span(head.keyword_range.clone());
        self.problems.push(Problem {
            span,
            message,
            fatal: false,
        });
        let mut rest = head.rest.clone();
        while !rest.is_empty() {
            let deeper = self.head(rest);
            if deeper.keyword != Keyword::Onbuild {
                let _ = self.args(&deeper);
                break;
            }
            rest = deeper.rest;
        }
        let args = if head.rest.is_empty() {
            Args::None
        } else {
            Args::Text
        };
        self.instruction(head, args)
    }

    /// Splits keyword, flags and the rest; `whole` is trimmed.
    fn head(&self, whole: Range<usize>) -> Head {
        let text = self.line.slice(&whole);
        let length = text
            .iter()
            .position(|&b| runes::separates(b))
            .unwrap_or(text.len());
        let keyword_range = whole.start..whole.start + length;
        let keyword = Keyword::of(&String::from_utf8_lossy(self.line.slice(&keyword_range)));
        let (flags, start) = flags::read(self.line, keyword_range.end..whole.end, self.escape);
        let rest = runes::trim_start(self.line.bytes(), start..whole.end);
        Head {
            whole,
            keyword,
            keyword_range,
            flags,
            rest,
        }
    }

    fn args(&mut self, head: &Head) -> Args {
        if head.keyword == Keyword::Unknown {
            self.unknown(&head.keyword_range);
        }
        let known = self.problems.len();
        let args = self.split(head);
        if let Args::Pairs(pairs) = &args {
            self.unclosed(pairs);
        }
        let fault = arity::fault(head.keyword, &args).filter(|_| self.problems.len() == known);
        if let Some(message) = fault {
            let place = [&head.rest, &head.keyword_range]
                .into_iter()
                .find(|range| !range.is_empty());
            self.problems.push(Problem {
                span: self.line.span(place.unwrap_or(&head.whole).clone()),
                message,
                fatal: false,
            });
        }
        args
    }

    /// Variables are put into names and values each by itself, and that stops at an open quote.
    fn unclosed(&mut self, pairs: &[Pair]) {
        let words = pairs
            .iter()
            .flat_map(|pair| [Some(&pair.key), pair.value.as_ref()]);
        for word in words.flatten() {
            let quote = words::open_quote(word.raw.as_str(), self.escape);
            self.problems.extend(quote.map(|quote| Problem {
                span: word.span,
                message: format!("a quote ({quote}) is not closed"),
                fatal: false,
            }));
        }
    }

    fn split(&mut self, head: &Head) -> Args {
        let (line, rest) = (self.line, head.rest.clone());
        if rest.is_empty() {
            return Args::None;
        }
        match head.keyword {
            Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Shell => {
                self.json_or(rest, |_, _| Args::Text)
            }
            Keyword::Add | Keyword::Copy | Keyword::Volume => {
                self.json_or(rest, |line, rest| Args::Words(words::plain(line, rest)))
            }
            Keyword::From | Keyword::Expose => Args::Words(words::plain(line, rest)),
            Keyword::User | Keyword::Workdir | Keyword::Stopsignal | Keyword::Maintainer => {
                Args::Words(vec![line.word(rest)])
            }
            Keyword::Arg => words::names(line, rest, self.escape),
            Keyword::Env | Keyword::Label => {
                words::pairs(line, rest, self.escape, head.keyword, self.problems)
            }
            Keyword::Healthcheck => self.healthcheck(rest),
            Keyword::Onbuild | Keyword::Unknown => Args::Text,
        }
    }

    fn unknown(&mut self, keyword: &Range<usize>) {
        let word = String::from_utf8_lossy(self.line.slice(keyword));
        let message = suggest::unknown_instruction(&word);
        self.problems.push(Problem {
            span: self.line.span(keyword.clone()),
            message,
            fatal: false,
        });
    }

    fn json_or(
        &mut self,
        rest: Range<usize>,
        otherwise: fn(&Logical<'_>, Range<usize>) -> Args,
    ) -> Args {
        match json::read(self.line, rest.clone()) {
            Form::Strings(strings) => Args::Json(strings),
            Form::NotJson => otherwise(self.line, rest),
            Form::Mixed => {
                let message = "a JSON form may hold strings only".to_owned();
                let span = self.line.span(rest.clone());
                self.problems.push(Problem {
                    span,
                    message,
                    fatal: true,
                });
                otherwise(self.line, rest)
            }
        }
    }

    /// `NONE`, or `CMD` and a command. BuildKit looks for the blank byte by byte.
    fn healthcheck(&mut self, rest: Range<usize>) -> Args {
        let text = self.line.slice(&rest);
        let length = text
            .iter()
            .position(|&b| runes::is_blank_byte(b))
            .unwrap_or(text.len());
        if length == 0 {
            return Args::Text;
        }
        let word = self.line.word(rest.start..rest.start + length);
        let after = text.get(length..).unwrap_or_default();
        let gap = after.iter().position(|&b| !runes::is_blank_byte(b));
        let command = match gap {
            Some(gap) => self.json_or(rest.start + length + gap..rest.end, |_, _| Args::Text),
            None => Args::None,
        };
        Args::Healthcheck(word, Box::new(command))
    }

    fn instruction(&self, head: Head, args: Args) -> Instruction {
        Instruction {
            keyword: head.keyword,
            keyword_span: self.line.span(head.keyword_range),
            span: self.line.span(head.whole),
            flags: head.flags,
            text: self.line.traced(head.rest),
            args,
            heredocs: Vec::new(),
            comments: Vec::new(),
        }
    }
}
