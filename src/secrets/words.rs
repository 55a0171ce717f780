//! Credentials in single words, wherever they stand: in addresses, options, headers, and tokens of well-known services.

use std::ops::Range;

use super::MASK;
use super::value::{is_quote, is_reference, is_upper, to_quote, value_at, value_behind};
use crate::facts::secrets::{
    is_credential, is_header, is_query, is_scheme, is_shown, is_shown_option, is_token,
    password_option, takes_passwords,
};

/// A word, parted from others by blanks, quotes and brackets, and where it stands.
#[derive(Clone, Copy)]
struct Word<'t> {
    text: &'t str,
    start: usize,
}

impl Word<'_> {
    /// A part of it from there on, as a range of the whole text.
    const fn from(&self, at: usize) -> Range<usize> {
        self.start + at..self.start + self.text.len()
    }

    const fn end(&self) -> usize {
        self.start + self.text.len()
    }

    fn is_option(&self) -> bool {
        self.text.starts_with('-')
    }
}

fn words(text: &str) -> Vec<Word<'_>> {
    let parts = |c: char| {
        c.is_whitespace()
            || is_quote(c)
            || matches!(c, '`' | ',' | ';' | '(' | ')' | '[' | ']' | '{' | '}')
    };
    let mut words = Vec::new();
    let mut start = 0;
    for part in text.split(parts) {
        if !part.is_empty() {
            words.push(Word { text: part, start });
        }
        start += part.len();
        start += text
            .get(start..)
            .and_then(|rest| rest.chars().next())
            .map_or(0, char::len_utf8);
    }
    words
}

/// What is not shown of a text, not in order.
pub(super) fn hidden(text: &str) -> Vec<Range<usize>> {
    let mut hidden = Vec::new();
    let mut program = None;
    let mut before: Option<Word<'_>> = None;
    for word in words(text) {
        let name = word.text.rsplit('/').next().unwrap_or_default();
        if takes_passwords(name) {
            program = Some(name);
        } else if parted(text, before, word) {
            program = None;
        }
        hidden.extend(user_info(&word));
        hidden.extend(queried(&word));
        hidden.extend(entry(text, word));
        let token = word.text.rfind(['=', ':', '/']).map_or(0, |at| at + 1);
        if word.text.get(token..).is_some_and(is_token) {
            hidden.push(word.from(token));
        }
        if let Some(before) = before {
            hidden.extend(announced(text, before, word, program));
        }
        hidden.extend(attached(text, program, word));
        hidden.extend(assigned(text, word));
        before = Some(word);
    }
    hidden
}

/// Variables in lower case, at the begin of the commands of a line.
pub(super) fn local(line: &str) -> Vec<Range<usize>> {
    let mut hidden = Vec::new();
    let mut before: Option<Word<'_>> = None;
    // Up to where the last assignment reaches, behind which another may stand.
    let mut end = None;
    for word in words(line) {
        if end.is_some_and(|end| word.start < end) {
            continue;
        }
        let open = end.take().is_some() || begins(line, before, word);
        before = Some(word);
        // `command=` of a supervisor's section is followed by one.
        let name = assignment(word.text).filter(|name| open && *name != "command");
        let Some(name) = name else {
            continue;
        };
        let value = word.start + name.len() + 1;
        end = Some(value_at(line, value).end);
        hidden.extend(value_behind(line, value).filter(|_| !is_shown(name)));
    }
    hidden
}

/// `password hunter2`, as files for netrc and answers to questions have it.
pub(super) fn told(line: &str) -> Vec<Range<usize>> {
    let mut hidden = Vec::new();
    let mut before: Option<Word<'_>> = None;
    for word in words(line) {
        if let Some(before) = before {
            let blank = line.get(before.end()..word.start).unwrap_or_default();
            let name = before
                .text
                .chars()
                .all(|c| c.is_ascii_lowercase() || c == '_');
            if blank.trim().is_empty() && name && is_credential(before.text) && !word.is_option() {
                hidden.push(word.from(0));
            }
        }
        // `root:secret`, for chpasswd.
        if let Some((_, password)) = word.text.split_once(':')
            && line.contains("chpasswd")
            && !password.is_empty()
        {
            hidden.push(word.from(word.text.len() - password.len()));
        }
        before = Some(word);
    }
    hidden
}

/// Values of options in a line that starts something.
pub(super) fn in_command(line: &str) -> Vec<Range<usize>> {
    let first = line.trim_start_matches([' ', '-', '\t']);
    let end = first
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(first.len());
    let word = first.get(..end).unwrap_or_default();
    let starts = ["CMD", "ENTRYPOINT", "command", "entrypoint", "args"];
    if !starts.iter().any(|known| known.eq_ignore_ascii_case(word)) {
        return Vec::new();
    }
    options(line)
}

/// The same, whatever the line begins with.
pub(super) fn options(line: &str) -> Vec<Range<usize>> {
    let mut options = Options::default();
    let mut hidden = Vec::new();
    for word in words(line) {
        let Some(from) = options.hides(word.text) else {
            continue;
        };
        let quoted = in_quotes(line, word) && from == 0;
        hidden.push(match quoted {
            true => value_at(line, word.start - 1),
            false => word.from(from),
        });
    }
    hidden
}

/// The words of a start command: values of options that are not known are not shown, the others as `show` has them.
pub(super) fn started(argv: &[String], show: impl Fn(&str) -> String) -> Vec<String> {
    let mut options = Options::default();
    let mut words = Vec::with_capacity(argv.len());
    for word in argv {
        // Variables before the program, or behind an option.
        let name = assignment(word).filter(|name| !is_shown(name));
        if let Some(name) = name {
            options.hides(word);
            words.push(format!("{name}={MASK}"));
            continue;
        }
        words.push(match options.hides(word) {
            Some(from) => format!("{}{MASK}", word.get(..from).unwrap_or_default()),
            None => show(word),
        });
    }
    words
}

/// Which option a word of a command is the value of.
#[derive(Default)]
struct Options {
    /// The option before is not known to hold what may be shown.
    open: bool,
    /// The word before is an option without a value.
    after_option: bool,
}

impl Options {
    /// From where on a word is not shown, if it is not.
    fn hides(&mut self, word: &str) -> Option<usize> {
        let open = std::mem::take(&mut self.open);
        let after = std::mem::take(&mut self.after_option);
        if word.starts_with('-') && word.len() > 1 {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (word, None),
            };
            let known = is_shown_option(name);
            self.open = value.is_none() && !known;
            self.after_option = value.is_none();
            let value = value.filter(|value| !known && !is_plain(value))?;
            return Some(word.len() - value.len());
        }
        // Text of a program is no name of a file.
        let text = word.contains(['(', ' ', '\'', '"', ';']);
        (text && after || open && !is_plain(word)).then_some(0)
    }
}

/// A number, a switch, the path of a file of settings, another variable: what every command has.
fn is_plain(value: &str) -> bool {
    const LONGEST: usize = 5;
    let number = value.len() <= LONGEST && value.chars().all(|c| c.is_ascii_digit());
    let file = [
        ".py", ".ini", ".toml", ".conf", ".cfg", ".yaml", ".yml", ".json",
    ];
    let switch = matches!(
        value,
        "true" | "false" | "True" | "False" | "&&" | "||" | "|" | "&"
    );
    number || switch || is_reference(value) || file.iter().any(|end| value.ends_with(end))
}

/// Whether another command begins between two words, or with the second.
fn parted(text: &str, before: Option<Word<'_>>, word: Word<'_>) -> bool {
    let start = before.map_or(0, |before| before.end());
    let between = text.get(start..word.start).unwrap_or_default();
    between.contains(';') || matches!(word.text, "&&" | "||" | "|" | "&")
}

/// Whether a command, or an assignment before it, begins with a word.
fn begins(text: &str, before: Option<Word<'_>>, word: Word<'_>) -> bool {
    let Some(before) = before else {
        return true;
    };
    let between = text.get(before.end()..word.start).unwrap_or_default();
    let keyword = matches!(
        before.text,
        "echo"
            | "printf"
            | "&&"
            | "||"
            | "|"
            | "&"
            | "then"
            | "do"
            | "else"
            | "exec"
            | "env"
            | "time"
            | "-c"
    ) || matches!(
        before.text.to_ascii_uppercase().as_str(),
        "RUN" | "CMD" | "ENTRYPOINT" | "COMMAND:" | "ENTRYPOINT:"
    );
    // What `env` and `RUN` take before the command.
    let last = text.get(..before.end()).unwrap_or_default();
    let last = last.rsplit(char::is_whitespace).next().unwrap_or_default();
    let option = matches!(last, "-i" | "-") || last.starts_with("--mount=");
    let option = option && between.trim().is_empty() && !between.is_empty();
    keyword || option || between.contains([';', '('])
}

/// The name that a word assigns to.
fn assignment(word: &str) -> Option<&str> {
    let (name, value) = word.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let all = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (starts && all && !value.starts_with('=')).then_some(name)
}

/// What the word before says to be secret: `--password`, `Bearer`, `mysql -p`, `X-Api-Key:`.
fn announced(
    text: &str,
    before: Word<'_>,
    word: Word<'_>,
    program: Option<&str>,
) -> Option<Range<usize>> {
    const SHORTEST: usize = 6;
    // What has its value already announces none.
    let option = before
        .text
        .strip_prefix('-')
        .filter(|option| !option.contains('='));
    let named = option.is_some_and(is_credential)
        || program.is_some_and(|program| password_option(program, before.text));
    let between = text.get(before.end()..word.start).unwrap_or_default();
    // A list parts its words; a dash begins the next option, unless it is quoted by itself.
    let another = word.text.starts_with("--") || word.is_option() && !between.contains(is_quote);
    let scheme = is_scheme(before.text) && word.text.len() > SHORTEST;
    let user = matches!(before.text, "-u" | "--user") && is_user_and_password(word.text);
    let header = before.text.strip_suffix(':').is_some_and(is_header);
    if header && in_quotes(text, before) && !is_scheme(word.text) {
        return Some(to_quote(text, word.start));
    }
    if named && !another || scheme || user {
        let quoted = between.ends_with(is_quote);
        let whole = match quoted {
            true => value_at(text, word.start - 1),
            false => word.from(0),
        };
        return (!is_reference(text.get(whole.clone())?)).then_some(whole);
    }
    None
}

/// Whether a word is the first one in quotes, as headers are: other texts end with a colon, too.
fn in_quotes(text: &str, word: Word<'_>) -> bool {
    let before = text.get(..word.start).unwrap_or_default();
    before.ends_with(is_quote)
}

/// `admin:secret`, and no `1000:1000`.
fn is_user_and_password(word: &str) -> bool {
    let numeric = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let parts = word.split_once([':', '%']);
    parts.is_some_and(|(user, password)| !numeric(user) && !numeric(password))
}

/// `mysql -psecret`, `-H "X-Api-Key:secret"`.
fn attached(text: &str, program: Option<&str>, word: Word<'_>) -> Option<Range<usize>> {
    if let Some((name, value)) = word.text.split_once(':')
        && is_header(name)
        && in_quotes(text, word)
        && !value.is_empty()
    {
        return Some(word.from(name.len() + 1));
    }
    if let Some(user) = word
        .text
        .strip_prefix("-u")
        .or_else(|| word.text.strip_prefix("--user="))
        && is_user_and_password(user)
    {
        return Some(word.from(word.text.len() - user.len()));
    }
    const LETTER: usize = 2;
    let option = word.text.get(..LETTER)?;
    let secret = word.text.len() > LETTER
        && !word.text.starts_with("--")
        && password_option(program?, option);
    secret.then(|| word.from(LETTER))
}

/// `NAME=secret`, `--name=secret`.
fn assigned(text: &str, word: Word<'_>) -> Option<Range<usize>> {
    let (name, value) = word.text.split_once('=')?;
    // What is asked of an address is looked at by itself.
    if value.starts_with('=') || name.contains('?') {
        return None;
    }
    let secret = if word.is_option() {
        is_credential(name.trim_start_matches('-'))
    } else {
        name.len() > 1 && is_upper(name) && !is_shown(name) || is_credential(name)
    };
    secret.then(|| value_behind(text, word.start + name.len() + 1))?
}

/// `user:password@` of an address, or what is left of it where a list was parted at its colons: `password@host/`.
fn user_info(word: &Word<'_>) -> Option<Range<usize>> {
    let start = word.text.find("://").map_or(0, |at| at + 3);
    let rest = word.text.get(start..)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (user, host) = rest.get(..end)?.rsplit_once('@')?;
    // `image:tag@sha256:...` is no user, and `git@host` no password.
    let address = start > 0 || end < rest.len();
    let secret = user.contains(':') || address && !matches!(user, "" | "git");
    let digest = host
        .split_once(':')
        .is_some_and(|(name, _)| name.starts_with("sha"));
    let whole = word.start + start..word.start + start + user.len();
    (secret && !digest && !host.is_empty()).then_some(whole)
}

/// `?password=secret&token=secret` of an address.
fn queried(word: &Word<'_>) -> Vec<Range<usize>> {
    let mut hidden = Vec::new();
    let Some(mut at) = word.text.find('?') else {
        return hidden;
    };
    while let Some(pair) = word.text.get(at + 1..) {
        let length = pair.find('&').unwrap_or(pair.len());
        let pair = pair.get(..length).unwrap_or_default();
        if let Some((name, value)) = pair.split_once('=')
            && is_query(name)
            && !is_reference(value)
        {
            let start = word.start + at + 1 + name.len() + 1;
            hidden.push(start..start + value.len());
        }
        at += 1 + length;
    }
    hidden
}

/// `"password": "secret"`, in JSON that stands in a text, with or without backslashes.
fn entry(text: &str, word: Word<'_>) -> Option<Range<usize>> {
    let name = word.text.trim_end_matches('\\');
    if !is_credential(name) && !is_header(name) {
        return None;
    }
    let rest = text.get(word.start + name.len()..)?;
    let behind = rest.trim_start_matches('\\').strip_prefix(is_quote)?;
    let value = behind.trim_start().strip_prefix(':')?.trim_start();
    let value = value.trim_start_matches('\\').strip_prefix(is_quote)?;
    let start = text.len() - value.len();
    let whole = to_quote(text, start);
    let inner = text.get(whole)?.trim_end_matches('\\');
    (!is_reference(inner)).then(|| start..start + inner.len())
}
