//! Finds where `$( )`, `${ }`, backquotes and their like end.
//!
//! An explicit stack takes the place of recursion, and nothing is read twice: a hundred thousand
//! open parentheses cost one pass.

use super::cursor::{Cursor, is_meta};

/// What is open and must be closed.
#[derive(Debug)]
enum Open {
    /// `( )` with commands in it.
    Commands(Commands),
    /// `$(( ))` and `(( ))`: that many parentheses are open.
    Arithmetic(usize),
    /// `${ }`; single quotes mean nothing to it inside double quotes.
    Parameter { in_double: bool },
    /// `" "`.
    Double,
    /// `` ` ` ``.
    Backquote,
}

/// What has to be known of commands to find the parenthesis that ends them.
#[derive(Debug)]
struct Commands {
    /// Open `case` commands, whose patterns end in a parenthesis that opens nowhere.
    cases: usize,
    /// The next word would be a command.
    at_command: bool,
    /// Here-documents whose bodies begin behind the line: delimiter, tabs stripped.
    documents: Vec<(String, bool)>,
}

/// The kinds of brackets that a word can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bracket {
    Commands,
    Arithmetic,
    Parameter { in_double: bool },
    Backquote,
}

/// Steps from behind an opening bracket to behind its closing one and gives the text between them;
/// the rest of the text and `false` where it is never closed.
pub(super) fn skip<'a>(cursor: &mut Cursor<'a>, bracket: Bracket) -> (&'a str, bool) {
    let start = cursor.at;
    let mut open = vec![Open::new(bracket)];
    while let Some(byte) = cursor.peek() {
        let Some(top) = open.last_mut() else { break };
        match top {
            Open::Commands(commands) => {
                if let Some(step) = commands.step(cursor, byte) {
                    step.apply(&mut open, cursor);
                    if open.is_empty() {
                        break;
                    }
                    continue;
                }
            }
            Open::Arithmetic(depth) => match byte {
                b'(' => *depth += 1,
                b')' => *depth -= 1,
                _ => {}
            },
            _ => {}
        }
        if top_closes(open.last(), byte) {
            open.pop();
            cursor.bump(1);
            if open.is_empty() {
                break;
            }
            continue;
        }
        common(&mut open, cursor, byte);
    }
    let closed = open.is_empty();
    let closing = match bracket {
        Bracket::Arithmetic => 2,
        _ => 1,
    };
    let end = if closed {
        cursor.at.saturating_sub(closing).max(start)
    } else {
        cursor.at
    };
    (cursor.slice(start..end), closed)
}

impl Open {
    fn new(bracket: Bracket) -> Self {
        match bracket {
            Bracket::Commands => Self::commands(),
            Bracket::Arithmetic => Self::Arithmetic(2),
            Bracket::Parameter { in_double } => Self::Parameter { in_double },
            Bracket::Backquote => Self::Backquote,
        }
    }

    const fn commands() -> Self {
        Self::Commands(Commands {
            cases: 0,
            at_command: true,
            documents: Vec::new(),
        })
    }
}

fn top_closes(top: Option<&Open>, byte: u8) -> bool {
    match top {
        Some(Open::Parameter { .. }) => byte == b'}',
        Some(Open::Double) => byte == b'"',
        Some(Open::Backquote) => byte == b'`',
        Some(Open::Arithmetic(depth)) => *depth == 0,
        _ => false,
    }
}

/// Escapes, quotes and nested brackets, which mean the same nearly everywhere.
fn common(open: &mut Vec<Open>, cursor: &mut Cursor<'_>, byte: u8) {
    let single_quotes = match open.last() {
        Some(Open::Double | Open::Parameter { in_double: true }) => false,
        Some(Open::Backquote) => {
            // Only a backslash matters before the closing backquote.
            cursor.bump(1 + usize::from(byte == b'\\'));
            return;
        }
        _ => true,
    };
    let in_double = !single_quotes;
    match byte {
        b'\\' => cursor.bump(2),
        b'\'' if single_quotes => {
            cursor.bump(1);
            let length =
                memchr::memchr(b'\'', cursor.rest()).map_or(cursor.rest().len(), |at| at + 1);
            cursor.bump(length);
        }
        b'"' => {
            cursor.bump(1);
            open.push(Open::Double);
        }
        b'`' => {
            cursor.bump(1);
            open.push(Open::Backquote);
        }
        b'$' if cursor.starts_with(b"$((") => {
            cursor.bump(3);
            open.push(Open::Arithmetic(2));
        }
        b'$' if cursor.starts_with(b"$(") => {
            cursor.bump(2);
            open.push(Open::commands());
        }
        b'$' if cursor.starts_with(b"${") => {
            cursor.bump(2);
            open.push(Open::Parameter { in_double });
        }
        b'$' if single_quotes && cursor.starts_with(b"$'") => skip_ansi(cursor),
        _ => cursor.bump(1),
    }
}

/// Steps over `$'...'`.
fn skip_ansi(cursor: &mut Cursor<'_>) {
    cursor.bump(2);
    while let Some(byte) = cursor.peek() {
        cursor.bump(1 + usize::from(byte == b'\\'));
        if byte == b'\'' {
            return;
        }
    }
}

/// What a byte among commands does to the stack; the cursor has moved already.
enum Step {
    Stay,
    Push,
    Pop,
}

impl Step {
    fn apply(&self, open: &mut Vec<Open>, cursor: &mut Cursor<'_>) {
        match self {
            Self::Stay => {}
            Self::Push => {
                cursor.bump(1);
                open.push(Open::commands());
            }
            Self::Pop => {
                cursor.bump(1);
                open.pop();
            }
        }
    }
}

impl Commands {
    /// Reads what only commands know; `None` leaves the byte to [`common`].
    fn step(&mut self, cursor: &mut Cursor<'_>, byte: u8) -> Option<Step> {
        match byte {
            b'(' => return Some(Step::Push),
            b')' if self.cases == 0 => return Some(Step::Pop),
            b'\n' => {
                cursor.bump(1);
                self.at_command = true;
                for (delimiter, strip) in std::mem::take(&mut self.documents) {
                    let _ = cursor.here_document(&delimiter, strip);
                }
            }
            b')' | b';' | b'&' | b'|' => {
                cursor.bump(1);
                self.at_command = true;
            }
            b' ' | b'\t' | b'\r' => cursor.bump(1),
            b'<' if cursor.starts_with(b"<<<") => cursor.bump(3),
            b'<' if cursor.starts_with(b"<<") => self.documents.push(document(cursor)),
            b'#' if starts_word(cursor) => cursor.skip_line(),
            b'a'..=b'z' if starts_word(cursor) => self.word(cursor),
            _ => {
                self.at_command = false;
                return None;
            }
        }
        Some(Step::Stay)
    }

    fn word(&mut self, cursor: &mut Cursor<'_>) {
        let word = cursor.take_while(|byte| byte.is_ascii_lowercase());
        let ends = cursor.peek().is_none_or(is_meta);
        if !std::mem::replace(&mut self.at_command, false) || !ends {
            return;
        }
        match cursor.slice(word) {
            "case" => self.cases += 1,
            "esac" => self.cases = self.cases.saturating_sub(1),
            "if" | "then" | "else" | "elif" | "do" | "while" | "until" | "time" => {
                self.at_command = true;
            }
            _ => {}
        }
    }
}

fn starts_word(cursor: &Cursor<'_>) -> bool {
    cursor
        .at
        .checked_sub(1)
        .and_then(|at| cursor.text.as_bytes().get(at))
        .is_none_or(|&byte| is_meta(byte))
}

/// Steps over `<<` and its delimiter.
fn document(cursor: &mut Cursor<'_>) -> (String, bool) {
    cursor.bump(2);
    let strip = cursor.peek() == Some(b'-');
    cursor.bump(usize::from(strip));
    cursor.skip_blanks();
    let delimiter = cursor.take_while(|byte| !is_meta(byte));
    let delimiter = cursor.slice(delimiter).replace(['"', '\'', '\\'], "");
    (delimiter, strip)
}
