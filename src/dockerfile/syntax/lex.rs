//! Shell words as BuildKit's `shell` package splits them, with no variable set.
//!
//! Serves heredocs alone: BuildKit finds `<<EOF` by splitting the logical line with this lexer,
//! and reads the delimiter with it once more. Its oddities decide which lines of a file are a
//! body, so they are kept: `<<` takes the blanks behind it into its word, an unpaired quote means
//! no words at all, and a `${a:-b}` wipes out what its word had before.

use std::ops::Range;

use super::runes;

/// What stays in the words.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keep {
    pub(super) quotes: bool,
    pub(super) escapes: bool,
}

/// A word and the bytes that it was made from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lexed {
    pub(super) text: String,
    pub(super) range: Range<usize>,
}

/// Splits `text`.
///
/// # Errors
/// An unpaired quote, an unpaired brace or a substitution that BuildKit does not know.
pub(super) fn split(text: &[u8], keep: Keep) -> Result<Vec<Lexed>, &'static str> {
    lexed(text, keep).map(|lexer| lexer.words)
}

/// Whether versions of BuildKit split `text` differently where it opens a heredoc: up to 0.13 a `${a:-b}` in the delimiter
/// is a part of it, and later ones lose what stands before.
pub(super) fn is_split_otherwise(text: &[u8], keep: Keep) -> bool {
    lexed(text, keep).is_ok_and(|lexer| lexer.lost_operator)
}

fn lexed(text: &[u8], keep: Keep) -> Result<Lexer<'_>, &'static str> {
    let mut lexer = Lexer {
        text,
        at: 0,
        keep,
        raw_escapes: keep.escapes,
        stack: Vec::new(),
        token: String::new(),
        token_start: 0,
        word: Lexed {
            text: String::new(),
            range: 0..0,
        },
        words: Vec::new(),
        lost_operator: false,
    };
    lexer.run()?;
    lexer.flush();
    Ok(lexer)
}

/// What the lexer is inside of.
#[derive(Clone, Copy, Debug)]
enum Frame {
    DoubleQuote,
    /// `${name:-` up to `}`; holds the outer state of `raw_escapes`.
    Brace(bool),
    /// `${name/` up to the next `/`.
    Pattern(bool),
}

struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    keep: Keep,
    raw_escapes: bool,
    stack: Vec<Frame>,
    /// A quoted string or a substitution that is still open.
    token: String,
    token_start: usize,
    word: Lexed,
    words: Vec<Lexed>,
    /// A `<<` was wiped out.
    lost_operator: bool,
}

impl Lexer<'_> {
    fn run(&mut self) -> Result<(), &'static str> {
        loop {
            let frame = self.stack.last().copied();
            let start = self.at;
            let Some(ch) = self.next() else {
                return match frame {
                    None => Ok(()),
                    Some(Frame::DoubleQuote) => Err("unpaired double quote"),
                    Some(_) => Err("unpaired brace"),
                };
            };
            if frame.is_none() {
                self.token_start = start;
            }
            match (frame, ch) {
                (Some(Frame::DoubleQuote), _) => self.in_double_quote(ch)?,
                (Some(Frame::Brace(outer)), '}') => {
                    self.token.push('}');
                    self.close(outer, true);
                }
                (Some(Frame::Pattern(outer)), '/') => {
                    self.token.push('/');
                    if let Some(frame) = self.stack.last_mut() {
                        *frame = Frame::Brace(outer);
                    }
                    self.wipe();
                }
                _ => self.plain(ch)?,
            }
        }
    }

    /// A character outside quotes, on the line itself or within braces.
    fn plain(&mut self, ch: char) -> Result<(), &'static str> {
        match ch {
            '$' => self.dollar(),
            '<' => {
                self.possible_heredoc();
                Ok(())
            }
            '\'' => self.single_quote(),
            '"' => {
                self.mark_quote('"');
                self.stack.push(Frame::DoubleQuote);
                Ok(())
            }
            '\\' => {
                if self.raw_escapes {
                    self.add(ch);
                }
                if let Some(escaped) = self.next() {
                    self.add(escaped);
                }
                Ok(())
            }
            _ if ch.is_whitespace() && self.stack.is_empty() => {
                self.flush();
                Ok(())
            }
            _ => {
                self.add(ch);
                Ok(())
            }
        }
    }

    fn single_quote(&mut self) -> Result<(), &'static str> {
        self.mark_quote('\'');
        loop {
            match self.next().ok_or("unpaired single quote")? {
                '\'' => break,
                ch => self.token.push(ch),
            }
        }
        self.mark_quote('\'');
        self.deliver(false);
        Ok(())
    }

    fn in_double_quote(&mut self, ch: char) -> Result<(), &'static str> {
        match ch {
            '"' => {
                self.mark_quote('"');
                let _ = self.stack.pop();
                self.deliver(false);
            }
            '$' => return self.dollar(),
            '\\' => {
                if self.raw_escapes {
                    self.token.push(ch);
                }
                match self.peek() {
                    Some((escaped @ ('"' | '$' | '\\'), width)) => {
                        self.at += width;
                        self.token.push(escaped);
                    }
                    Some(_) => self.token.push(ch),
                    None => {}
                }
            }
            _ => self.token.push(ch),
        }
        Ok(())
    }

    /// After a `$`: a name, or the start of a substitution in braces.
    fn dollar(&mut self) -> Result<(), &'static str> {
        self.token.push('$');
        if self.peek().map(|(ch, _)| ch) != Some('{') {
            self.name();
            self.deliver(true);
            return Ok(());
        }
        let _ = self.next();
        self.token.push('{');
        if matches!(self.peek(), None | Some(('{' | '}' | ':', _))) {
            return Err("bad substitution");
        }
        self.name();
        let modifier = self.next().ok_or("unpaired brace")?;
        self.token.push(modifier);
        match modifier {
            '}' => self.deliver(true),
            ':' => {
                let modifier = self.next().ok_or("unpaired brace")?;
                if matches!(modifier, '#' | '%') {
                    return Err("unsupported modifier in substitution");
                }
                self.token.push(modifier);
                self.open(Frame::Brace, false);
            }
            '+' | '-' | '?' => self.open(Frame::Brace, false),
            '#' | '%' => self.open(Frame::Brace, true),
            '/' => {
                if let Some(('/', width)) = self.peek() {
                    self.at += width;
                }
                self.open(Frame::Pattern, true);
            }
            _ => return Err("unsupported modifier in substitution"),
        }
        Ok(())
    }

    fn name(&mut self) {
        let mut digits_only = false;
        let mut first = true;
        while let Some((ch, width)) = self.peek() {
            let special = matches!(ch, '@' | '*' | '#' | '?' | '-' | '$' | '!');
            if first && special {
                self.at += width;
                self.token.push(ch);
                return;
            }
            digits_only |= first && ch.is_numeric();
            let belongs = ch.is_numeric() || !digits_only && (ch.is_alphabetic() || ch == '_');
            if !belongs {
                return;
            }
            first = false;
            self.at += width;
            self.token.push(ch);
        }
    }

    /// After a `<`: a second one takes the blanks behind it into the word.
    fn possible_heredoc(&mut self) {
        self.token.push('<');
        if let Some(('<', width)) = self.peek() {
            self.at += width;
            self.token.push('<');
            while let Some((blank @ ('\t' | '\r' | ' '), width)) = self.peek() {
                self.at += width;
                self.token.push(blank);
            }
        }
        self.deliver(false);
    }

    fn mark_quote(&mut self, quote: char) {
        if self.keep.quotes {
            self.token.push(quote);
        }
    }

    /// Enters the operand of a substitution, which shares the word's buffer and clears it.
    fn open(&mut self, frame: fn(bool) -> Frame, raw_escapes: bool) {
        self.stack.push(frame(self.raw_escapes));
        self.raw_escapes = raw_escapes;
        self.wipe();
    }

    fn close(&mut self, outer: bool, splits: bool) {
        let _ = self.stack.pop();
        self.raw_escapes = outer;
        self.deliver(splits);
    }

    fn wipe(&mut self) {
        self.lost_operator |= self.word.text.contains("<<");
        self.word.text.clear();
    }

    /// A finished token goes to the word, unless it is part of a larger one.
    fn deliver(&mut self, splits: bool) {
        if !self.stack.is_empty() {
            return;
        }
        let token = std::mem::take(&mut self.token);
        for ch in token.chars() {
            if splits && ch.is_whitespace() {
                self.flush();
            } else {
                self.add_to_word(ch);
            }
        }
        // Keeps the allocation for the next token.
        self.token = token;
        self.token.clear();
    }

    fn add(&mut self, ch: char) {
        if self.stack.is_empty() {
            self.add_to_word(ch);
        } else {
            self.token.push(ch);
        }
    }

    fn add_to_word(&mut self, ch: char) {
        if self.word.text.is_empty() {
            self.word.range.start = self.token_start;
        }
        self.word.text.push(ch);
        self.word.range.end = self.at;
    }

    fn flush(&mut self) {
        if !self.word.text.is_empty() {
            let range = self.word.range.clone();
            self.words.push(Lexed {
                text: std::mem::take(&mut self.word.text),
                range,
            });
        }
    }

    fn peek(&self) -> Option<(char, usize)> {
        runes::decode(self.text, self.at)
    }

    fn next(&mut self) -> Option<char> {
        let (ch, width) = self.peek()?;
        self.at += width;
        Some(ch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: Keep = Keep {
        quotes: true,
        escapes: true,
    };

    fn words(text: &str, keep: Keep) -> Vec<String> {
        let words = split(text.as_bytes(), keep).unwrap();
        words.into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn a_heredoc_operator_takes_the_blanks_behind_it() {
        assert_eq!(words("cat <<  E x", RAW), ["cat", "<<  E", "x"]);
        assert_eq!(words("cat <<- E", RAW), ["cat", "<<-", "E"]);
        assert_eq!(words("a<b < c", RAW), ["a<b", "<", "c"]);
    }

    #[test]
    fn quotes_and_escapes_stay_or_go() {
        assert_eq!(words("a\\ b 'c d'\"e\"", RAW), ["a\\ b", "'c d'\"e\""]);
        assert_eq!(words("a\\ b 'c d'\"e\"", Keep::default()), ["a b", "c de"]);
        assert_eq!(words("\"\\\"\\x\"", Keep::default()), ["\"\\x"]);
        assert_eq!(words("''", Keep::default()), [""; 0]);
    }

    #[test]
    fn substitutions_nest_split_and_wipe_their_word() {
        assert_eq!(
            words("$a ${b} $1x $@y $(z)", RAW),
            ["$a", "${b}", "$1x", "$@y", "$(z)"]
        );
        assert_eq!(words("${a:-b c} d", RAW), ["${a:-b", "c}", "d"]);
        assert_eq!(words("\"${a:-b c}\" d", RAW), ["\"${a:-b c}\"", "d"]);
        assert_eq!(words("<<E${a:-${b-\"}\"}}", RAW), ["${a:-${b-\"}\"}}"]);
        assert_eq!(words("x${a//b/c}", RAW), ["${a/b/c}"]);
    }

    #[test]
    fn what_is_not_closed_or_not_known_is_an_error() {
        for text in [
            "'", "\"", "${", "${a", "${}", "${a:", "${a:#b}", "${a!b}", "${a/b}", "\"${a\"",
        ] {
            assert!(split(text.as_bytes(), RAW).is_err(), "{text}");
        }
    }

    #[test]
    fn a_word_knows_its_bytes() {
        let words = split("é <<'E F' x".as_bytes(), RAW).unwrap();
        let ranges: Vec<_> = words.into_iter().map(|word| word.range).collect();
        assert_eq!(ranges, [0..2, 3..10, 11..12]);
    }
}
