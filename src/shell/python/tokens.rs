//! Python text to tokens and logical lines.

use std::ops::Range;

/// One token, with its place among the brackets.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
    /// The token that opened the bracket in which this one stands.
    pub(super) opener: Option<usize>,
    /// For a token that opens a bracket: the one that closes it, or the number of tokens.
    pub(super) closing: usize,
    /// The next token that ends an expression which begins here: a comma, a closing bracket, the
    /// end of the line, or the number of tokens.
    pub(super) stop: usize,
}

/// What a token is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or keyword.
    Name,
    /// A string; its text if it is no f-string and no bytes.
    Text(Option<String>),
    /// An operator or bracket.
    Operator,
    /// A number or anything else.
    Other,
    /// The end of a logical line.
    End,
}

/// A logical line.
#[derive(Debug)]
pub(super) struct Line {
    /// Its tokens, the end not included.
    pub(super) tokens: Range<usize>,
    /// It may not run.
    pub(super) guarded: bool,
}

/// Operators of more than one character; longer ones first.
const OPERATORS: [&str; 24] = [
    "**=", "//=", ">>=", "<<=", "...", "==", "!=", "<=", ">=", ":=", "+=", "-=", "*=", "/=", "%=",
    "&=", "|=", "^=", "@=", "->", "**", "//", "<<", ">>",
];

/// Splits text into tokens; comments and blanks are dropped.
pub(super) fn tokenise(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let start = at;
        let rest = text.get(at..).unwrap_or_default();
        let blank = blank(rest);
        if blank > 0 {
            at += blank;
            continue;
        }
        let ends = rest.starts_with('\n');
        let (kind, length) = if ends { (Kind::End, 1) } else { token(rest) };
        at += length.max(1);
        if ends && (!open.is_empty() || tokens.last().is_none_or(|token| token.kind == Kind::End)) {
            continue;
        }
        let bracket = if kind == Kind::Operator {
            rest.as_bytes().first()
        } else {
            None
        };
        if matches!(bracket, Some(b')' | b']' | b'}'))
            && let Some(opener) = open.pop()
        {
            let index = tokens.len();
            if let Some(token) = tokens.get_mut(opener) {
                token.closing = index;
            }
        }
        let opener = open.last().copied();
        if matches!(bracket, Some(b'(' | b'[' | b'{')) {
            open.push(tokens.len());
        }
        tokens.push(Token {
            kind,
            range: start..at,
            opener,
            closing: usize::MAX,
            stop: 0,
        });
    }
    stops(text, &mut tokens);
    tokens
}

/// The length of the blank, comment or continuation at the start of `rest`.
fn blank(rest: &str) -> usize {
    match rest.as_bytes() {
        [b' ' | b'\t' | b'\r' | 0x0c, ..] => 1,
        [b'\\', b'\n', ..] => 2,
        [b'\\', b'\r', b'\n', ..] => 3,
        [b'#', ..] => memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len()),
        _ => 0,
    }
}

/// Fills in where expressions stop, from the last token to the first.
fn stops(text: &str, tokens: &mut [Token]) {
    let count = tokens.len();
    let mut stack = vec![count];
    for (index, token) in tokens.iter_mut().enumerate().rev() {
        token.closing = token.closing.min(count);
        let text = text.get(token.range.clone()).unwrap_or_default();
        match (&token.kind, text) {
            (Kind::End, _) | (Kind::Operator, "," | ";") => {
                if let Some(top) = stack.last_mut() {
                    *top = index;
                }
            }
            (Kind::Operator, ")" | "]" | "}") => stack.push(index),
            (Kind::Operator, "(" | "[" | "{") if stack.len() > 1 => {
                stack.pop();
            }
            _ => {}
        }
        let closes = matches!(text, ")" | "]" | "}");
        token.stop = if closes {
            index
        } else {
            stack.last().copied().unwrap_or(count)
        };
    }
}

/// The kind and length of the token at the start of `rest`.
fn token(rest: &str) -> (Kind, usize) {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let length = rest.find(|c: char| !word(c)).unwrap_or(rest.len());
    let quote = rest.as_bytes().get(length).copied();
    let (prefix, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
    let prefixed = length <= 2 && prefix.bytes().all(|byte| b"rRbBuUfFtT".contains(&byte));
    if prefixed && matches!(quote, Some(b'"' | b'\'')) {
        let (inner, quoted) = string(tail);
        let lower = prefix.to_ascii_lowercase();
        let plain = !lower.contains(['f', 'b', 't']);
        let text = plain.then(|| {
            if lower.contains('r') {
                inner.to_owned()
            } else {
                unescaped(inner)
            }
        });
        return (Kind::Text(text), length + quoted);
    }
    if length > 0 {
        let number = rest.starts_with(|c: char| c.is_ascii_digit());
        return (if number { Kind::Other } else { Kind::Name }, length);
    }
    let operator = OPERATORS
        .iter()
        .find(|operator| rest.starts_with(**operator));
    let first = rest.chars().next().map_or(1, char::len_utf8);
    (
        Kind::Operator,
        operator.map_or(first, |operator| operator.len()),
    )
}

/// The inside of the string at the start of `text` and the length of all of it. A string that is
/// not closed ends with its line, one in triple quotes with the text.
fn string(text: &str) -> (&str, usize) {
    let quote = text.get(..1).unwrap_or_default();
    let triple = text
        .as_bytes()
        .first()
        .is_some_and(|byte| text.as_bytes().starts_with(&[*byte; 3]));
    let width = if triple { 3 } else { 1 };
    let mark = if triple {
        text.get(..3).unwrap_or_default()
    } else {
        quote
    };
    let bytes = text.as_bytes();
    let mut at = width;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'\n' if !triple => break,
            _ if bytes
                .get(at..)
                .is_some_and(|rest| rest.starts_with(mark.as_bytes())) =>
            {
                return (text.get(width..at).unwrap_or_default(), at + width);
            }
            _ => at += 1,
        }
    }
    // An escape may have stepped into a character or past the end.
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    (text.get(width.min(at)..at).unwrap_or_default(), at)
}

/// Quotes, backslashes, newlines and tabs as what they stand for; other escapes stay.
fn unescaped(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some('\n') | None => {}
            Some(quote @ ('\\' | '\'' | '"')) => plain.push(quote),
            Some(other) => plain.extend(['\\', other]),
        }
    }
    plain
}

/// Groups tokens into logical lines and says which of them may not run.
pub(super) fn lines(text: &str, tokens: &[Token]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut blocks: Vec<(usize, bool)> = Vec::new();
    let mut guards = 0_usize;
    let mut start = 0;
    for part in tokens.split_inclusive(|token| token.kind == Kind::End) {
        let range = start..start + part.len();
        start = range.end;
        let words = part.iter().filter(|token| token.kind != Kind::End);
        let mut words = words.map(|token| text.get(token.range.clone()).unwrap_or_default());
        let Some(first) = words.next() else { continue };
        let second = words.next().unwrap_or_default();
        let opens = words.next_back().unwrap_or(second) == ":";
        let indent = part
            .first()
            .map_or(0, |token| indentation(text, token.range.start));
        while let Some((_, guard)) = blocks.pop_if(|(outer, _)| *outer >= indent) {
            guards -= usize::from(guard);
        }
        let keyword = matches!(
            first,
            "if" | "elif" | "else" | "for" | "while" | "except" | "match" | "case"
        );
        let guard = keyword && second != "__name__";
        lines.push(Line {
            tokens: range,
            guarded: guards > 0 || guard && !opens,
        });
        if opens {
            guards += usize::from(guard);
            blocks.push((indent, guard));
        }
    }
    lines
}

/// How far a line is indented, in characters.
fn indentation(text: &str, start: usize) -> usize {
    let before = text.get(..start).unwrap_or_default();
    before
        .bytes()
        .rev()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count()
}
