//! Entrypoints written in Python: what they do to environment variables and what they exec.
//!
//! Tokens and patterns, no parser: strings, comments and brackets are read as Python reads them,
//! the rest is looked at from one token to the next. Nothing is evaluated.

mod tokens;

use std::ops::Range;

use tokens::{Kind, Line, Token, lines, tokenise};

/// What a Python file does that matters here, in order of place.
#[derive(Debug, Default)]
pub struct PythonScript {
    /// Variables set, defaulted or removed. All names: the caller knows which matter.
    pub settings: Vec<Setting>,
    /// `os.exec*` calls.
    pub execs: Vec<Exec>,
}

/// One change of one variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub variable: String,
    /// What happens to it.
    pub action: Action,
    /// The value's expression as a range of the text; empty for a removal.
    pub value: Range<usize>,
    /// The value where it is one string literal, or several that Python joins.
    pub literal: Option<String>,
    /// The variable's name with its quotes.
    pub name: Range<usize>,
    /// Inside an `if`, a loop, an `except`: it may not happen.
    pub guarded: bool,
}

/// What happens to a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Set in the process's own environment, which its children and `exec` inherit, or in a copy of
    /// it under a name such as `env`.
    Set,
    /// Set there unless it is set already.
    Default,
    /// Removed from there.
    Remove,
    /// An entry of some other mapping, such as `env={...}` of one call.
    Mapping,
}

/// A call of `os.execv` and its like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// `execv`, `execvpe`, ...
    pub function: String,
    /// The elements of a literal argument list, `None` for each that is no string literal; empty
    /// where the list is made elsewhere.
    pub argv: Vec<Option<String>>,
    /// From the function's name to its closing parenthesis.
    pub range: Range<usize>,
    /// Inside an `if`, a loop, an `except`: it may not happen.
    pub guarded: bool,
}

impl Setting {
    /// The value's expression as it stands in `text`, the text that was read.
    #[must_use]
    pub fn expression<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.value.clone()).unwrap_or_default()
    }
}

/// Which lines of a Python file are text in three quotes.
#[derive(Debug, Default)]
pub(crate) struct Prose {
    open: Option<&'static str>,
}

impl Prose {
    /// Whether the next line begins in such a text, or is one.
    pub(crate) fn holds(&mut self, line: &str) -> bool {
        let began = self.open.is_some();
        let mut any = began;
        let mut rest = line;
        loop {
            let quotes = match self.open {
                Some(open) => rest.find(open).map(|at| (at, open)),
                None => ["\"\"\"", "'''"]
                    .into_iter()
                    .filter_map(|quote| Some((rest.find(quote)?, quote)))
                    .min(),
            };
            let Some((at, quote)) = quotes else {
                return any;
            };
            any = true;
            self.open = match self.open {
                Some(_) => None,
                None => Some(quote),
            };
            rest = rest.get(at + quote.len()..).unwrap_or_default();
        }
    }
}

/// A source without its comments, without the lines of texts over several lines, and without the names that it defines.
#[must_use]
pub(crate) fn without_prose(text: &str) -> String {
    let mut prose = Prose::default();
    let lines = text.split_inclusive('\n');
    let lines = lines.filter(|line| !prose.holds(line)).map(|line| {
        let code = code(line);
        // What ends the line goes on doing so.
        let end = if code.len() < line.len() { "\n" } else { "" };
        format!("{}{end}", without_name(code))
    });
    lines.collect()
}

/// A line without the name of the function or class that it defines: to define one calls none.
fn without_name(line: &str) -> std::borrow::Cow<'_, str> {
    let rest = line.trim_start();
    let indent = line.len() - rest.len();
    let rest = rest.strip_prefix("async ").unwrap_or(rest);
    let name = rest
        .strip_prefix("def ")
        .or_else(|| rest.strip_prefix("class "));
    match name.and_then(|name| name.find(['(', ':']).and_then(|at| name.get(at..))) {
        Some(signature) => format!("{}{signature}", " ".repeat(indent)).into(),
        None => line.into(),
    }
}

/// A line without its comment.
#[must_use]
pub(crate) fn code(line: &str) -> &str {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match quote {
            Some(open) if open == c => quote = None,
            Some(_) => {}
            None if c == '#' => return line.get(..at).unwrap_or_default(),
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None => {}
        }
    }
    line
}

/// Whether a text stands in the code of a line, outside of quotes and comments, and is no definition.
#[must_use]
pub(crate) fn is_called(line: &str, text: &str) -> bool {
    let code = code(line);
    let begins = code.trim_start();
    let defines = ["def ", "class ", "async def ", "import ", "from "];
    if defines.iter().any(|word| begins.starts_with(word)) {
        return false;
    }
    code.match_indices(text).any(|(at, _)| {
        let before = code.get(..at).unwrap_or_default();
        before.matches('"').count().is_multiple_of(2)
            && before.matches('\'').count().is_multiple_of(2)
    })
}

/// Reads a Python file. Linear, never fails.
#[must_use]
pub fn read(text: &str) -> PythonScript {
    let tokens = tokenise(text);
    let mut script = PythonScript::default();
    for line in lines(text, &tokens) {
        let reader = Reader {
            text,
            tokens: &tokens,
            line: &line,
        };
        for at in line.tokens.clone() {
            reader.look(at, &mut script);
        }
    }
    script
}

struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Token],
    line: &'a Line,
}

impl Reader<'_> {
    /// The token's own text.
    fn text(&self, at: usize) -> &str {
        let range = self
            .tokens
            .get(at)
            .map(|token| token.range.clone())
            .unwrap_or_default();
        self.text.get(range).unwrap_or_default()
    }

    fn is(&self, at: usize, text: &str) -> bool {
        self.text(at) == text
    }

    fn before(&self, at: usize, steps: usize) -> &str {
        at.checked_sub(steps).map_or("", |at| self.text(at))
    }

    fn kind(&self, at: usize) -> Option<&Kind> {
        self.tokens.get(at).map(|token| &token.kind)
    }

    /// The variable that a string literal names.
    fn variable(&self, at: usize) -> Option<String> {
        match self.kind(at)? {
            Kind::Text(Some(text)) if is_variable(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// Looks at the patterns that begin at this token.
    fn look(&self, at: usize, script: &mut PythonScript) {
        match self.kind(at) {
            Some(Kind::Text(_)) => script.settings.extend(self.named_by_text(at)),
            Some(Kind::Name) if self.is(at + 1, "=") => script.settings.extend(self.keyword(at)),
            Some(Kind::Name) if self.is(at + 1, "(") && self.text(at).starts_with("exec") => {
                script.execs.extend(self.exec(at));
            }
            _ => {}
        }
    }

    /// A variable named by a string: in brackets, as an argument, as a key.
    fn named_by_text(&self, at: usize) -> Option<Setting> {
        let variable = self.variable(at)?;
        let (action, value) = if self.before(at, 1) == "["
            && self.is(at + 1, "]")
            && is_environment(self.before(at, 2))
        {
            self.subscript(at)?
        } else if self.before(at, 1) == "(" {
            self.argument(at)?
        } else if self.is(at + 1, ":") && matches!(self.before(at, 1), "{" | ",") {
            (self.entry_action(at), at + 2)
        } else {
            return None;
        };
        Some(self.setting(variable, at, action, value))
    }

    /// `environ["X"] = value`, `del environ["X"]`.
    fn subscript(&self, at: usize) -> Option<(Action, usize)> {
        if matches!(self.text(at + 2), "=" | "+=") {
            return Some((Action::Set, at + 3));
        }
        let mut start = at.checked_sub(2)?;
        while start >= 2 && self.before(start, 1) == "." {
            start -= 2;
        }
        (self.before(start, 1) == "del").then_some((Action::Remove, at))
    }

    /// `environ.setdefault("X", value)`, `environ.pop("X")`, `os.putenv("X", value)`.
    fn argument(&self, at: usize) -> Option<(Action, usize)> {
        let method = self.before(at, 2);
        let environment = self.before(at, 3) == "." && is_environment(self.before(at, 4));
        match method {
            "setdefault" if environment && self.is(at + 1, ",") => Some((Action::Default, at + 2)),
            "pop" | "__delitem__" if environment => Some((Action::Remove, at)),
            "putenv" | "__setitem__" if self.is(at + 1, ",") => Some((Action::Set, at + 2)),
            "unsetenv" => Some((Action::Remove, at)),
            _ => None,
        }
    }

    /// `environ.update(X=value)`, `dict(os.environ, X=value)`.
    fn keyword(&self, at: usize) -> Option<Setting> {
        let name = self.text(at);
        let argument =
            matches!(self.before(at, 1), "(" | ",") && is_variable(name) && is_upper(name);
        let inside = self
            .tokens
            .get(at)
            .and_then(|token| token.opener)
            .is_some_and(|open| self.is(open, "("));
        (argument && inside)
            .then(|| self.setting(name.to_owned(), at, self.entry_action(at), at + 2))
    }

    /// What an entry of a mapping does: it sets the variable if the mapping goes to
    /// `environ.update`.
    fn entry_action(&self, at: usize) -> Action {
        let Some(open) = self.tokens.get(at).and_then(|token| token.opener) else {
            return Action::Mapping;
        };
        let call = if self.is(open, "{") {
            open.checked_sub(1)
        } else {
            Some(open)
        };
        let updates = call.is_some_and(|call| {
            self.is(call, "(")
                && self.before(call, 1) == "update"
                && self.before(call, 2) == "."
                && is_environment(self.before(call, 3))
        });
        if updates {
            Action::Set
        } else {
            Action::Mapping
        }
    }

    fn setting(&self, variable: String, name: usize, action: Action, value: usize) -> Setting {
        let at = |index: usize| {
            self.tokens
                .get(index)
                .map(|token| token.range.clone())
                .unwrap_or_default()
        };
        let end = self.tokens.get(value).map_or(value, |token| token.stop);
        let (value, literal) = match action {
            Action::Remove => (at(name).end..at(name).end, None),
            _ if end > value => (at(value).start..at(end - 1).end, self.literal(value..end)),
            _ => (at(name).end..at(name).end, None),
        };
        Setting {
            variable,
            action,
            value,
            literal,
            name: at(name),
            guarded: self.line.guarded,
        }
    }

    /// The text of string literals that stand side by side, if nothing else stands there.
    fn literal(&self, range: Range<usize>) -> Option<String> {
        let tokens = self.tokens.get(range)?;
        tokens
            .iter()
            .try_fold(String::new(), |text, token| match &token.kind {
                Kind::Text(Some(more)) => Some(text + more),
                _ => None,
            })
    }

    /// `os.execv(path, [..])`, `os.execlp(file, arg0, arg1)`.
    fn exec(&self, at: usize) -> Option<Exec> {
        let function = self.text(at);
        let known = [
            "execv", "execve", "execvp", "execvpe", "execl", "execle", "execlp", "execlpe",
        ];
        let qualified = self.before(at, 1) != "." || self.before(at, 2) == "os";
        if !known.contains(&function) || !qualified || self.before(at, 1) == "def" {
            return None;
        }
        let closing = self.tokens.get(at + 1)?.closing;
        let second = self.tokens.get(at + 2)?.stop + 1;
        let argv = if function.starts_with("execl") {
            self.elements(second, closing)
        } else if self.is(second, "[") || self.is(second, "(") {
            self.elements(second + 1, self.tokens.get(second)?.closing)
        } else {
            Vec::new()
        };
        let end = self
            .tokens
            .get(closing)
            .map_or(self.text.len(), |token| token.range.end);
        let start = self.tokens.get(at)?.range.start;
        Some(Exec {
            function: function.to_owned(),
            argv,
            range: start..end,
            guarded: self.line.guarded,
        })
    }

    /// The comma-separated expressions between two tokens, as literals.
    fn elements(&self, mut at: usize, end: usize) -> Vec<Option<String>> {
        let mut elements = Vec::new();
        while at < end {
            let Some(stop) = self.tokens.get(at).map(|token| token.stop) else {
                break;
            };
            if stop > at {
                elements.push(self.literal(at..stop));
            }
            at = stop.max(at) + 1;
        }
        elements
    }
}

/// Whether a name is that of an environment: `environ`, `env`, `new_env`.
fn is_environment(name: &str) -> bool {
    name.to_ascii_lowercase().contains("env")
}

fn is_variable(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

fn is_upper(text: &str) -> bool {
    !text.bytes().any(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests;
