//! The syntax tree of a Dockerfile: every byte of the file belongs to exactly one item.
//!
//! The tree owns no text, only spans; what is made of several pieces of the file (a logical line,
//! a word with a continuation in it) is a [`Traced`].

mod arity;
mod directive;
mod flags;
mod heredoc;
mod instruction;
mod json;
mod lex;
mod lines;
mod logical;
mod parse;
mod runes;
mod suggest;
mod words;

pub use parse::parse;

use crate::text::{Span, Traced};

/// A parsed Dockerfile. Parsing never fails: what BuildKit refuses is a [`Problem`].
#[derive(Debug, Default)]
pub struct Dockerfile {
    /// The file's items in order; their spans tile it without gap or overlap.
    pub items: Vec<Item>,
    /// The escape character in force: `\` or, after `# escape`, a backtick.
    pub escape: Escape,
    /// What BuildKit's parser would refuse or what cannot mean anything, in order of place.
    pub problems: Vec<Problem>,
}

impl Dockerfile {
    /// The instructions in order.
    pub fn instructions(&self) -> impl Iterator<Item = &Instruction> {
        self.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Instruction(instruction) => Some(&**instruction),
            _ => None,
        })
    }

    /// Whether BuildKit's parser would take the file (it may still refuse to build it).
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        !self.problems.iter().any(|problem| problem.fatal)
    }
}

/// The escape character of a Dockerfile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escape {
    /// `\`, the default.
    #[default]
    Backslash,
    /// A backtick, for Windows paths.
    Backtick,
}

impl Escape {
    /// The character as a byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Backslash => b'\\',
            Self::Backtick => b'`',
        }
    }
}

/// One stretch of the file, line endings included.
#[derive(Debug)]
pub struct Item {
    /// The bytes; the next item starts where this one ends.
    pub span: Span,
    /// What they are.
    pub kind: ItemKind,
}

/// What an [`Item`] is.
#[derive(Debug)]
pub enum ItemKind {
    /// A UTF-8 byte order mark at the start of the file.
    Bom,
    /// `# name=value` at the top, of a name that BuildKit knows (`syntax`, `escape`, `check`).
    Directive(Directive),
    /// A comment line; `span` of the item includes leading blanks and the line ending.
    Comment(Span),
    /// Blank lines.
    Blank,
    /// An instruction with its continuations, the comments among them, and its heredocs.
    Instruction(Box<Instruction>),
}

/// A parser directive.
#[derive(Debug)]
pub struct Directive {
    /// The name's bytes.
    pub name: Span,
    /// The value's bytes, trimmed.
    pub value: Span,
}

/// The keyword of an instruction, case-insensitive in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Keyword {
    Add,
    Arg,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    Healthcheck,
    Label,
    Maintainer,
    Onbuild,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
    /// Anything else: BuildKit's parser takes it, its builder does not.
    Unknown,
}

impl Keyword {
    /// Every instruction that BuildKit knows, in alphabetical order.
    pub const ALL: [Self; 18] = [
        Self::Add,
        Self::Arg,
        Self::Cmd,
        Self::Copy,
        Self::Entrypoint,
        Self::Env,
        Self::Expose,
        Self::From,
        Self::Healthcheck,
        Self::Label,
        Self::Maintainer,
        Self::Onbuild,
        Self::Run,
        Self::Shell,
        Self::Stopsignal,
        Self::User,
        Self::Volume,
        Self::Workdir,
    ];

    /// The keyword as it is usually written, in capitals; empty for an unknown one.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "ADD",
            Self::Arg => "ARG",
            Self::Cmd => "CMD",
            Self::Copy => "COPY",
            Self::Entrypoint => "ENTRYPOINT",
            Self::Env => "ENV",
            Self::Expose => "EXPOSE",
            Self::From => "FROM",
            Self::Healthcheck => "HEALTHCHECK",
            Self::Label => "LABEL",
            Self::Maintainer => "MAINTAINER",
            Self::Onbuild => "ONBUILD",
            Self::Run => "RUN",
            Self::Shell => "SHELL",
            Self::Stopsignal => "STOPSIGNAL",
            Self::User => "USER",
            Self::Volume => "VOLUME",
            Self::Workdir => "WORKDIR",
            Self::Unknown => "",
        }
    }

    /// The keyword that `word` is, in whatever case.
    #[must_use]
    pub fn of(word: &str) -> Self {
        let same = |known: &str| {
            let mut letters = known.chars();
            word.chars().all(|ch| letters.next() == Some(upper(ch))) && letters.next().is_none()
        };
        let is_ascii = word.is_ascii();
        let is = |known: &Self| match known.as_str() {
            known if is_ascii => known.len() == word.len() && known.eq_ignore_ascii_case(word),
            known => same(known),
        };
        Self::ALL.into_iter().find(is).unwrap_or(Self::Unknown)
    }
}

/// A letter of a keyword in upper case. Two letters outside ASCII have a lower case within it, and
/// BuildKit takes them: the sign for kelvin and the dotted capital I.
const fn upper(ch: char) -> char {
    match ch {
        '\u{212a}' => 'K',
        '\u{130}' => 'I',
        _ => ch.to_ascii_uppercase(),
    }
}

/// One instruction.
#[derive(Debug)]
pub struct Instruction {
    /// What it is.
    pub keyword: Keyword,
    /// The bytes of the keyword (first to last byte, should a continuation split it).
    pub keyword_span: Span,
    /// From the keyword to the last byte of its arguments or of its last heredoc's terminator,
    /// without the final line ending.
    pub span: Span,
    /// `--name` or `--name=value` words before the arguments, for every instruction that BuildKit
    /// reads flags from.
    pub flags: Vec<Flag>,
    /// The logical line after keyword and flags: continuations and comment lines removed,
    /// surrounding blanks trimmed, heredoc bodies not included.
    pub text: Traced,
    /// The arguments as BuildKit splits them for this keyword.
    pub args: Args,
    /// Heredocs opened on the logical line, in order; those of ONBUILD stand with the inner
    /// instruction.
    pub heredocs: Vec<Heredoc>,
    /// Comment lines between or behind the instruction's continued lines, within the item: from
    /// `#` to the end, without line ending.
    pub comments: Vec<Span>,
}

impl Instruction {}

/// A flag such as `--platform=linux/amd64` or `--link`.
#[derive(Debug)]
pub struct Flag {
    /// The name without dashes.
    pub name: String,
    /// What follows `=`; `None` for a bare flag. Quotes and escapes already taken off, as BuildKit does.
    pub value: Option<Traced>,
    /// All of it, dashes included.
    pub span: Span,
}

/// The arguments of an instruction.
#[derive(Debug)]
pub enum Args {
    /// No arguments at all.
    None,
    /// The shell form of RUN, CMD, ENTRYPOINT, HEALTHCHECK CMD, or free text: see `text`.
    Text,
    /// The JSON form, of every instruction that allows it.
    Json(Vec<JsonString>),
    /// Words, for ADD, COPY, EXPOSE, FROM and VOLUME; for USER, WORKDIR, STOPSIGNAL and
    /// MAINTAINER all of the text is one word, blanks included.
    Words(Vec<Word>),
    /// `key=value` pairs of ENV, LABEL and (value optional) ARG.
    Pairs(Vec<Pair>),
    /// The inner instruction of ONBUILD, with the heredocs that it opens. Should it be another
    /// ONBUILD, which no builder takes, its own arguments are [`Args::Text`].
    Onbuild(Box<Instruction>),
    /// `HEALTHCHECK NONE` or `HEALTHCHECK CMD ...`: the word, then the command.
    Healthcheck(Word, Box<Self>),
}

/// One element of a JSON array.
#[derive(Debug)]
pub struct JsonString {
    /// From quote to quote, both included.
    pub span: Span,
    /// The decoded string.
    pub value: Traced,
}

/// One word, quotes, escapes and variables still in it.
#[derive(Debug)]
pub struct Word {
    /// First to last byte in the file.
    pub span: Span,
    /// The word without the continuations inside it.
    pub raw: Traced,
}

/// `key=value`.
#[derive(Debug)]
pub struct Pair {
    /// The key.
    pub key: Word,
    /// The value; `None` for `ARG NAME`, an empty word for `NAME=`.
    pub value: Option<Word>,
    /// The old form `ENV KEY some words`, whose value is the rest of the line.
    pub legacy: bool,
}

/// A here-document.
#[derive(Debug)]
pub struct Heredoc {
    /// The delimiter's name, without quotes.
    pub name: String,
    /// `<<-`: leading tabs of the body go.
    pub strip_tabs: bool,
    /// Variables in the body expand: the delimiter stands without quotes.
    pub expand: bool,
    /// The file descriptor before `<<`, 0 where none stands.
    pub fd: u32,
    /// Descriptor, operator and delimiter on the logical line, e.g. `3<<-"EOF"`; all of the
    /// substitution where BuildKit finds one within `${a:- <<EOF }`.
    pub opener: Span,
    /// The body's lines, line endings and, in spite of `<<-`, leading tabs included, terminator not.
    pub body: Span,
    /// The terminator's line without its line ending; `None` where the file ends before it.
    pub terminator: Option<Span>,
}

/// Something wrong with the file itself.
#[derive(Debug)]
pub struct Problem {
    /// Where.
    pub span: Span,
    /// What, in a few words, lower case.
    pub message: String,
    /// BuildKit's parser refuses the whole file for it.
    pub fatal: bool,
}
