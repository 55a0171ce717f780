//! The grammar above words: lists, pipelines, compound commands, redirections, here-documents.
//!
//! One loop over tokens and a stack of open compound commands; the state of a list lives in the
//! frame that it belongs to.

mod conditions;
mod frames;
mod tokens;

use std::ops::Range;

use super::cursor::Cursor;
use super::{Command, Context, Group, Redirect, Scope, ScopeKind, Script, Word};
use frames::{Frame, Kind};

/// Parses `text`; see [`super::parse`].
pub(super) fn parse(text: &str) -> Script {
    let mut parser = Parser {
        cursor: Cursor::new(text),
        script: Script {
            complete: true,
            scopes: vec![Scope::default()],
            ..Script::default()
        },
        frames: vec![Frame::default()],
        current: Command::default(),
        closed: None,
        function_follows: false,
        function: String::new(),
        open_parentheses: 0,
        retries: 16,
        documents: Vec::new(),
        conditional: Vec::new(),
        subshell: Vec::new(),
    };
    while parser.cursor.at < text.len() {
        parser.token();
    }
    parser.finish()
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    script: Script,
    /// The open compound commands; the first is the script itself.
    frames: Vec<Frame>,
    /// The command being read.
    current: Command,
    /// The compound command just closed, to which redirections now belong.
    closed: Option<Group>,
    /// `f()` was read: the next compound command is its body.
    function_follows: bool,
    /// Its name.
    function: String,
    open_parentheses: usize,
    /// How often `((` may still turn out to be two subshells, which means reading it twice.
    retries: u8,
    documents: Vec<Document>,
    /// Commands to be marked when all is read; ranges may nest, so they are counted, not set.
    conditional: Vec<Range<usize>>,
    subshell: Vec<Range<usize>>,
}

/// A here-document whose body begins behind the line.
struct Document {
    delimiter: String,
    strip_tabs: bool,
    /// The command's index, or the group's.
    owner: usize,
    of_group: bool,
    redirect: usize,
}

impl Parser<'_> {
    fn finish(mut self) -> Script {
        self.end_command();
        if self.frames.len() > 1 || self.function_follows {
            self.script.complete = false;
        }
        while self.frames.len() > 1 {
            self.close();
        }
        self.flush_group();
        self.end_tests();
        let conditional = spread(&self.conditional, self.script.commands.len());
        let subshell = spread(&self.subshell, self.script.commands.len());
        for ((command, conditional), subshell) in self
            .script
            .commands
            .iter_mut()
            .zip(conditional)
            .zip(subshell)
        {
            let context = &mut command.context;
            context.conditional |= conditional;
            context.tested |= conditional;
            context.subshell |= subshell;
            context.pipeline |= subshell;
        }
        self.script
    }

    fn broken(&mut self) {
        self.script.complete = false;
    }

    fn frame(&mut self) -> Option<&mut Frame> {
        self.frames.last_mut()
    }

    /// What a command that starts here hangs on.
    fn context(&self) -> Context {
        self.frames
            .last()
            .map_or_else(Context::default, |frame| Context {
                conditional: frame.context.conditional || frame.behind_or,
                subshell: frame.context.subshell || frame.in_pipeline,
                function: frame.context.function,
                tested: frame.context.tested || frame.behind_or,
                pipeline: frame.context.pipeline || frame.in_pipeline,
                scope: frame.context.scope,
                piped: frame.context.piped || frame.reads_pipe,
            })
    }

    /// Called where a command or compound command starts.
    fn start(&mut self) {
        self.flush_group();
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        frame.expects = false;
        if let Some(range) = frame.survives.take() {
            self.conditional.push(range);
        }
    }

    fn open(&mut self, kind: Kind) {
        self.start();
        let mut context = self.context();
        let function = std::mem::take(&mut self.function_follows);
        let kind_of_scope = match kind {
            _ if function => ScopeKind::Function(std::mem::take(&mut self.function)),
            Kind::Parentheses => ScopeKind::Subshell,
            _ => ScopeKind::Group,
        };
        context.scope = self.scope(context.scope, kind_of_scope);
        if function && kind == Kind::Parentheses {
            // The body of the function is a process of its own.
            context.scope = self.scope(context.scope, ScopeKind::Subshell);
        }
        context.function |= function;
        context.subshell |= kind == Kind::Parentheses;
        self.open_parentheses += usize::from(kind == Kind::Parentheses);
        context.conditional |= kind == Kind::Case;
        let at = self.script.commands.len();
        self.frames.push(Frame {
            kind,
            context,
            scope: context.scope,
            opened: at,
            list: at,
            pipeline: at,
            ..Frame::default()
        });
    }

    /// A new scope inside another.
    fn scope(&mut self, parent: usize, kind: ScopeKind) -> usize {
        self.script.scopes.push(Scope { parent, kind });
        self.script.scopes.len() - 1
    }

    /// A branch of the innermost compound command begins.
    fn scope_of_branch(&mut self) {
        let parent = self.frames.last().map_or(0, |frame| frame.scope);
        let scope = self.scope(parent, ScopeKind::Branch);
        if let Some(frame) = self.frame() {
            frame.context.scope = scope;
        }
    }

    /// Closes the innermost compound command; redirections may follow.
    fn close(&mut self) {
        self.flush_group();
        self.end_tests();
        self.end_arm();
        self.end_branch();
        let Some(frame) = self.frames.pop() else {
            return;
        };
        self.open_parentheses -= usize::from(frame.kind == Kind::Parentheses);
        let commands = frame.opened..self.script.commands.len();
        if let Some(header) = frame
            .header
            .filter(|_| frame.kind == Kind::Loop)
            .and_then(|index| self.script.loops.get_mut(index))
        {
            header.commands = commands.clone();
        }
        self.closed = Some(Group {
            commands,
            redirects: Vec::new(),
        });
    }

    fn flush_group(&mut self) {
        if let Some(group) = self.closed.take()
            && !group.redirects.is_empty()
        {
            self.script.groups.push(group);
        }
    }

    /// Whether nothing of a command has been read.
    fn at_start(&self) -> bool {
        self.current.words.is_empty()
            && self.current.assignments.is_empty()
            && self.current.redirects.is_empty()
    }

    fn begin_command(&mut self, at: usize) {
        if self.at_start() {
            self.start();
            self.script.complete &= !std::mem::take(&mut self.function_follows);
            self.current.range = at..at;
        }
    }

    fn push_word(&mut self, word: Word) {
        self.begin_command(word.range.start);
        self.current.range.end = word.range.end;
        self.current.words.push(word);
    }

    fn push_redirect(
        &mut self,
        start: usize,
        redirect: Redirect,
        document: Option<(String, bool)>,
    ) {
        let (owner, redirects, of_group) = match &mut self.closed {
            Some(group) if self.current.words.is_empty() && self.current.assignments.is_empty() => {
                (self.script.groups.len(), &mut group.redirects, true)
            }
            _ => {
                self.begin_command(start);
                self.current.range.end = redirect.target.range.end;
                (
                    self.script.commands.len(),
                    &mut self.current.redirects,
                    false,
                )
            }
        };
        if let Some((delimiter, strip_tabs)) = document {
            let redirect = redirects.len();
            self.documents.push(Document {
                delimiter,
                strip_tabs,
                owner,
                of_group,
                redirect,
            });
        }
        redirects.push(redirect);
    }

    fn end_command(&mut self) {
        if self.at_start() {
            return;
        }
        let context = self.context();
        let mut command = std::mem::take(&mut self.current);
        command.context = context;
        self.script.commands.push(command);
    }

    /// Reads the bodies of the here-documents that the line before opened.
    fn read_documents(&mut self) {
        for document in std::mem::take(&mut self.documents) {
            let (body, ended) = self
                .cursor
                .here_document(&document.delimiter, document.strip_tabs);
            self.script.complete &= ended;
            let redirects = if document.of_group {
                // The group may still be waiting for more redirections.
                let group = if document.owner == self.script.groups.len() {
                    self.closed.as_mut()
                } else {
                    self.script.groups.get_mut(document.owner)
                };
                group.map(|group| &mut group.redirects)
            } else {
                self.script
                    .commands
                    .get_mut(document.owner)
                    .map(|command| &mut command.redirects)
            };
            if let Some(redirect) = redirects.and_then(|list| list.get_mut(document.redirect)) {
                redirect.body = Some(body);
            }
        }
    }
}

/// For each index below `count` whether any of the ranges holds it.
fn spread(ranges: &[Range<usize>], count: usize) -> impl Iterator<Item = bool> {
    let mut change = vec![0_isize; count + 1];
    for range in ranges {
        if let Some(slot) = change.get_mut(range.start) {
            *slot += 1;
        }
        if let Some(slot) = change.get_mut(range.end) {
            *slot -= 1;
        }
    }
    change.into_iter().take(count).scan(0_isize, |depth, step| {
        *depth += step;
        Some(*depth > 0)
    })
}
