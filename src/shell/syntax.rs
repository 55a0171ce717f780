//! Shell text to simple commands.
//!
//! The parser accepts the superset that bash reads, keeps byte ranges for everything and gives what
//! it could follow of a text that breaks off. It never evaluates, never recurses and never fails;
//! what is inside `$( )` stays text.

mod cursor;
mod grammar;
mod nested;
mod word;

use std::ops::Range;

/// A parsed script: its simple commands in the order in which they stand.
#[derive(Debug, Default)]
pub struct Script {
    pub commands: Vec<Command>,
    /// Redirections that stand behind a compound command: `{ a; b; } > file`.
    pub groups: Vec<Group>,
    /// The headers of `for` loops.
    pub loops: Vec<Loop>,
    /// The `case` commands, in the order in which they begin.
    pub cases: Vec<Case>,
    /// The `if` commands, and tests in front of `&&` and `||`, in the order in which they begin.
    pub ifs: Vec<If>,
    /// The scopes that commands stand in; the first is the whole text.
    pub scopes: Vec<Scope>,
    /// `false` where the text could not be followed to its end (unbalanced quotes and the like);
    /// the commands up to that point are still given.
    pub complete: bool,
}

/// A compound command with redirections of its own.
#[derive(Debug)]
pub struct Group {
    /// The commands inside, as indices into [`Script::commands`].
    pub commands: Range<usize>,
    /// What stands behind its closing word.
    pub redirects: Vec<Redirect>,
}

/// `for NAME in VALUES; do ... done`.
#[derive(Debug)]
pub struct Loop {
    /// The variable.
    pub name: String,
    /// The words it takes in turn; none for `for NAME; do`.
    pub values: Vec<Word>,
    /// The commands of the body, as indices into [`Script::commands`].
    pub commands: Range<usize>,
}

/// `case SUBJECT in ... esac`.
#[derive(Debug)]
pub struct Case {
    /// What is looked at.
    pub subject: Word,
    /// The branches in their order.
    pub arms: Vec<Arm>,
    /// Inside the body of a function.
    pub function: bool,
    /// A branch ends in `;&` or `;;&`: more than one may run.
    pub falls_through: bool,
}

/// `PATTERN | PATTERN) ... ;;`.
#[derive(Debug)]
pub struct Arm {
    pub patterns: Vec<Word>,
    /// The commands behind them, as indices into [`Script::commands`].
    pub commands: Range<usize>,
}

/// `if ...; then ...; elif ...; then ...; else ...; fi`, and `[ ... ] && ...` or `[ ... ] || ...` as one branch.
#[derive(Debug)]
pub struct If {
    /// The branches in their order.
    pub branches: Vec<Branch>,
    /// Inside the body of a function.
    pub function: bool,
}

/// One branch of an `if`.
#[derive(Debug)]
pub struct Branch {
    /// What is tested, as indices into [`Script::commands`]; empty for `else` and for `(( ))`.
    pub condition: Range<usize>,
    /// It is the `else`.
    pub otherwise: bool,
    /// `!` stands before it.
    pub negated: bool,
    /// How many `&&` and `||` stand in what is tested.
    pub ands: usize,
    pub ors: usize,
    /// The commands that hang on it; nothing where the `then` is missing.
    pub commands: Option<Range<usize>>,
}

/// One simple command with its assignments and redirections.
#[derive(Debug, Default)]
pub struct Command {
    /// All of it, as a range of the text that was parsed; bodies of here-documents not included.
    pub range: Range<usize>,
    /// `NAME=value` before the first word.
    pub assignments: Vec<Assignment>,
    /// The command and its arguments. `[[ ... ]]` is one command, its operators literal words.
    pub words: Vec<Word>,
    /// Redirections, here-documents included.
    pub redirects: Vec<Redirect>,
    /// What it hangs on.
    pub context: Context,
}

/// A part of a text that commands share: what one sets in it reaches those behind it there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// The one around it, as an index; its own for the outermost.
    pub parent: usize,
    /// What it is.
    pub kind: ScopeKind,
}

/// What becomes of a setting at the end of a scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ScopeKind {
    /// It stays: `{ }`.
    #[default]
    Group,
    /// It may not have been made: a branch, the body of a loop.
    Branch,
    /// It is made when the function of that name is called.
    Function(String),
    /// It is gone: `( )`, a process of its own.
    Subshell,
}

/// Under which circumstances a command runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Inside `if`, `case`, a loop, or behind `||`: it may not run. (`&&` chains always run: a
    /// failing build is no image.) The condition of an `if` itself is not conditional. Behind a
    /// test whose failure the script survives (`[ -f x ] && a; b` and `[ -f x ] && a || b`), `a`
    /// is conditional too.
    pub conditional: bool,
    /// Inside `( )` or `$( )`, or part of a pipeline: its variables do not outlive it.
    pub subshell: bool,
    /// Inside the body of a function.
    pub function: bool,
    /// `conditional` for what stands before it, not for the scope.
    pub tested: bool,
    /// `subshell` for the pipeline, not for the scope.
    pub pipeline: bool,
    /// Its scope, as an index.
    pub scope: usize,
    /// The command reads the output of the command before it (`a | b`: true of `b`, and of all
    /// commands inside where `b` is a compound command).
    pub piped: bool,
}

/// `NAME=value`.
#[derive(Debug)]
pub struct Assignment {
    /// The name, without the subscript of `NAME[1]=value`.
    pub name: String,
    /// Where the name stands.
    pub name_range: Range<usize>,
    /// `+=` instead of `=`.
    pub append: bool,
    /// The value; an empty word for `NAME=`. The elements of an array `NAME=(a b)` are joined by
    /// one space each.
    pub value: Word,
}

/// One word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// As a range of the text that was parsed, quotes included.
    pub range: Range<usize>,
    /// The word's parts after quote removal, in order.
    pub parts: Vec<Part>,
}

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Literal text, quotes and escapes taken off. `range` covers the bytes it came from; the bytes
    /// are the text one for one exactly where no escape was taken off.
    Literal {
        text: String,
        /// Where it stands, quotes not included.
        range: Range<usize>,
        /// It stood in quotes or behind a backslash: no globbing, no tilde.
        quoted: bool,
    },
    /// `$NAME`, `${NAME}`, `${NAME:-default}` and the like: the name, and the default or alternative
    /// with its operator, verbatim. `${!NAME}` and `${#NAME}` keep their sign as part of the name.
    Variable {
        /// The variable.
        name: String,
        /// What follows the name inside the braces, e.g. `:-/usr/lib`.
        operation: String,
        /// Where it stands.
        range: Range<usize>,
    },
    /// `$(...)`, backquotes, `$((...))`, `<(...)`: the inner text, verbatim.
    Command {
        /// The inner text.
        text: String,
        /// Where it stands.
        range: Range<usize>,
    },
}

impl Part {
    /// Where it stands in the text that was parsed.
    #[must_use]
    pub const fn range(&self) -> &Range<usize> {
        match self {
            Self::Literal { range, .. }
            | Self::Variable { range, .. }
            | Self::Command { range, .. } => range,
        }
    }
}

impl Word {
    /// A word that stands nowhere, or at `range` in place of something else.
    #[must_use]
    pub fn plain(text: &str, range: Range<usize>) -> Self {
        let literal = Part::Literal {
            text: text.to_owned(),
            range: range.clone(),
            quoted: true,
        };
        Self {
            range,
            parts: vec![literal],
        }
    }

    /// The word's text where all of it is literal.
    #[must_use]
    pub fn literal(&self) -> Option<String> {
        self.parts
            .iter()
            .try_fold(String::new(), |mut text, part| match part {
                Part::Literal { text: more, .. } => {
                    text.push_str(more);
                    Some(text)
                }
                _ => None,
            })
    }

    /// The word's text: quotes taken off, variables and substitutions as a shell would write them.
    #[must_use]
    pub fn shown(&self) -> String {
        self.parts.iter().fold(String::new(), |mut text, part| {
            match part {
                Part::Literal { text: more, .. } => text.push_str(more),
                Part::Variable { name, range, .. } if range.len() == name.len() + 1 => {
                    text.extend(["$", name]);
                }
                Part::Variable {
                    name, operation, ..
                } => text.extend(["${", name, operation, "}"]),
                Part::Command { text: inner, .. } => text.extend(["$(", inner, ")"]),
            }
            text
        })
    }
}

/// A redirection.
#[derive(Debug)]
pub struct Redirect {
    /// `>`, `>>`, `<`, `<<`, `<<-`, `<<<`, `>&`, `<&`, `&>`, `&>>`, `<>`, `>|`.
    pub operator: String,
    /// The descriptor that stands before it, if any.
    pub fd: Option<u32>,
    /// The file, descriptor, delimiter or here-string.
    pub target: Word,
    /// The body of a here-document, as a range of the text that was parsed: its lines with their
    /// line endings, the terminator not. `None` where the text holds no line behind the operator.
    pub body: Option<Range<usize>>,
}

/// Splits shell text into simple commands. Linear, never fails, never recurses.
#[must_use]
pub fn parse(text: &str) -> Script {
    grammar::parse(text)
}

#[cfg(test)]
mod tests;
