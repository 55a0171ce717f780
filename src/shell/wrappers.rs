//! Takes off what stands in front of a command: `exec`, `sudo`, `env A=b`, `tini --`, `gosu app`,
//! `uv run`, `sh -c`.

mod options;

use super::syntax::{Part, Word};
use super::tables::{Habit, SHELL_VALUES, SHELLS, WRAPPERS, Wrapper, lists};
use crate::text::paths;
use options::Options;

/// How many wrappers are taken off at most; nobody stacks more.
const MOST: usize = 32;

/// A command without its wrappers.
#[derive(Debug, Default)]
pub(super) struct Stripped {
    /// The command. A shell with a script stays: see `shell`.
    pub(super) words: Vec<Word>,
    /// What happens to its environment, in order.
    pub(super) environment: Vec<Change>,
    /// It replaces the shell.
    pub(super) exec: bool,
    /// More arguments come from a pipe (`xargs`); the text says what stands for them.
    pub(super) fed: Option<Option<String>>,
    /// The command is a shell: what it runs.
    pub(super) shell: Option<Shell>,
}

/// One change of the environment that a wrapper makes.
#[derive(Debug)]
pub(super) enum Change {
    /// Sets a variable.
    Set(String, Word),
    /// Drops everything.
    Drop(String),
}

/// What a shell was told to run.
#[derive(Debug)]
pub(super) enum Shell {
    /// `-c TEXT`.
    Text(Word),
    /// A file, and its arguments.
    File(Vec<Word>),
    /// Its standard input.
    Input,
}

/// A command line in exec form without its wrappers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unwrapped {
    /// What runs: `["gunicorn", "app"]` for `["tini", "--", "gunicorn", "app"]`.
    pub argv: Vec<String>,
    /// Variables that wrappers set for it, in order; an empty value for `env -u NAME`.
    pub env: Vec<(String, String)>,
    /// `sudo`, `env -i`, `su -`: what takes the container's environment from it.
    pub drops_environment: Option<String>,
    /// The text behind `sh -c`, to be given to [`super::effects::read`].
    pub script: Option<String>,
}

/// Takes the wrappers off an argv.
#[must_use]
pub fn unwrap_argv(argv: &[String]) -> Unwrapped {
    let words = argv.iter().map(|text| Word::plain(text, 0..0)).collect();
    let stripped = strip(words);
    let mut unwrapped = Unwrapped {
        argv: stripped.words.iter().map(Word::shown).collect(),
        script: match &stripped.shell {
            Some(Shell::Text(text)) => Some(text.shown()),
            _ => None,
        },
        ..Unwrapped::default()
    };
    for change in stripped.environment {
        match change {
            Change::Set(name, value) => unwrapped.env.push((name, value.shown())),
            Change::Drop(by) => {
                unwrapped.env.clear();
                unwrapped.drops_environment = Some(by);
            }
        }
    }
    unwrapped
}

/// The last part of a command's path: `/usr/bin/env` is `env`.
pub(super) fn base_name(word: &Word) -> Option<String> {
    let text = word.literal()?;
    Some(paths::file_name(&text).to_owned())
}

/// Takes the wrappers off a command.
pub(super) fn strip(words: Vec<Word>) -> Stripped {
    let mut stripped = Stripped {
        words,
        ..Stripped::default()
    };
    for _ in 0..MOST {
        let Some(name) = stripped.words.first().and_then(base_name) else {
            break;
        };
        let rest = if name == "su" || name == "runuser" {
            stripped.switch_user(&name)
        } else if lists(SHELLS, name.as_str()) {
            stripped.shell = Some(shell(&stripped.words));
            break;
        } else {
            stripped.known(&name)
        };
        match rest {
            Some(rest) if rest < stripped.words.len() => {
                stripped.words.drain(..rest);
            }
            _ => break,
        }
    }
    stripped
}

impl Stripped {
    /// Where the command begins behind a wrapper of the table.
    fn known(&mut self, name: &str) -> Option<usize> {
        let mut found = WRAPPERS.iter().filter(|wrapper| lists(wrapper.names, name));
        let wrapper = found
            .find(|wrapper| wrapper.subcommands.is_empty() || self.subcommand(wrapper).is_some())?;
        if name == "command"
            && self
                .words
                .get(1)
                .and_then(Word::literal)
                .is_some_and(|word| word.starts_with('-'))
        {
            return None;
        }
        let mut at = self.subcommand(wrapper).unwrap_or(1);
        if wrapper.dashes {
            return self
                .words
                .iter()
                .position(|word| is(word, "--"))
                .map(|at| at + 1);
        }
        let options = Options::read(&self.words, at, wrapper.values);
        at = options.end;
        let mut at = self.habits(wrapper.habit, &options, at)? + wrapper.operands;
        if wrapper.operands > 0 && self.words.get(at).is_some_and(|word| is(word, "--")) {
            at += 1;
        }
        (at < self.words.len()).then_some(at)
    }

    /// Where the words behind `run` begin.
    fn subcommand(&self, wrapper: &Wrapper) -> Option<usize> {
        if wrapper.subcommands.is_empty() {
            return None;
        }
        let at = Options::read(&self.words, 1, wrapper.values).end;
        let word = self.words.get(at)?.literal()?;
        lists(wrapper.subcommands, word.as_str()).then_some(at + 1)
    }

    /// What a wrapper does besides running; gives where the command or the operands begin.
    fn habits(&mut self, habit: Habit, options: &Options, at: usize) -> Option<usize> {
        match habit {
            Habit::None => {}
            Habit::Exec => {
                self.exec = at < self.words.len();
                self.drop_if(options.has(&["-c"]), "exec -c");
            }
            Habit::Env => return self.env(options, at),
            Habit::Sudo => {
                // `-E` alone keeps the others: `LD_*` is in sudo's own list of what must go (sudoers, env_delete).
                let kept = options.value("--preserve-env").unwrap_or_default();
                self.drop_if(!kept.contains("LD_PRELOAD"), "sudo");
                return Some(self.assignments(at));
            }
            Habit::Setpriv => self.drop_if(options.has(&["--reset-env"]), "setpriv --reset-env"),
            Habit::Xargs => {
                let mark = options
                    .value("-I")
                    .or_else(|| options.has(&["-i"]).then(|| "{}".to_owned()));
                self.fed = Some(mark);
            }
        }
        Some(at)
    }

    fn drop_if(&mut self, drops: bool, by: &str) {
        if drops {
            self.environment.push(Change::Drop(by.to_owned()));
        }
    }

    fn env(&mut self, options: &Options, at: usize) -> Option<usize> {
        let dash = self.words.get(at).is_some_and(|word| is(word, "-"));
        self.drop_if(
            dash || options.has(&["-i", "--ignore-environment"]),
            "env -i",
        );
        for name in options.values_of(&["-u", "--unset"]) {
            self.environment.push(Change::Set(name, Word::default()));
        }
        if let Some(text) = options
            .value("-S")
            .or_else(|| options.value("--split-string"))
        {
            // The words of the string stand where the option stood.
            let range = self
                .words
                .get(at.saturating_sub(1))
                .map(|word| word.range.clone())
                .unwrap_or_default();
            let inner = text
                .split_ascii_whitespace()
                .map(|word| Word::plain(word, range.clone()));
            self.words.splice(1..at, inner.collect::<Vec<_>>());
            return Some(self.assignments(1));
        }
        Some(self.assignments(at + usize::from(dash)))
    }

    /// Takes `NAME=value` words; gives where they end.
    fn assignments(&mut self, mut at: usize) -> usize {
        while let Some((name, value)) = self.words.get(at).and_then(split_assignment) {
            self.environment.push(Change::Set(name, value));
            at += 1;
        }
        at
    }

    /// `su` and `runuser`; gives where a command begins that needs no shell.
    fn switch_user(&mut self, name: &str) -> Option<usize> {
        let values = "-c --command --session-command -s --shell -u --user -g --group -G --supp-group \
                      -w --whitelist-environment";
        let mut options = Options::read(&self.words, 1, values);
        if name == "runuser" && options.has(&["-u", "--user"]) {
            return Some(options.end);
        }
        let mut at = options.end;
        let dash = self.words.get(at).is_some_and(|word| is(word, "-"));
        at += usize::from(dash) + 1;
        // Options may follow the user.
        let more = Options::read(&self.words, at, values);
        options.given.extend(more.given);
        let login = dash || options.has(&["-", "-l", "--login"]);
        self.drop_if(login, if name == "su" { "su -" } else { "runuser -l" });
        let script = options
            .given
            .into_iter()
            .find(|(name, _)| matches!(name.as_str(), "-c" | "--command"));
        self.shell = script.and_then(|(_, value)| value).map(Shell::Text);
        None
    }
}

/// What a shell with these arguments runs.
fn shell(words: &[Word]) -> Shell {
    let mut at = 1;
    let mut text_follows = false;
    let mut reads_input = false;
    while let Some(text) = words.get(at).map(Word::shown) {
        if !text.starts_with(['-', '+']) || text.len() < 2 {
            break;
        }
        at += 1;
        if text == "--" {
            break;
        }
        let long = text.starts_with("--");
        let letters = text.get(1..).unwrap_or_default();
        let short = !long && text.starts_with('-');
        text_follows |= short && letters.contains('c');
        reads_input |= short && letters.contains('s');
        let separate = lists(SHELL_VALUES, text.as_str()) || !long && letters.ends_with(['o', 'O']);
        at += usize::from(separate);
    }
    match words.get(at) {
        Some(word) if text_follows => Shell::Text(word.clone()),
        Some(word) if !reads_input && !is(word, "-") => {
            Shell::File(words.get(at..).unwrap_or_default().to_vec())
        }
        _ => Shell::Input,
    }
}

fn is(word: &Word, text: &str) -> bool {
    word.literal().is_some_and(|literal| literal == text)
}

/// Splits a word `NAME=value`.
pub(super) fn split_assignment(word: &Word) -> Option<(String, Word)> {
    let Some(Part::Literal {
        text,
        range,
        quoted,
    }) = word.parts.first()
    else {
        return None;
    };
    let (name, value) = text.split_once('=')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || !name.bytes().all(plain) || name.starts_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let verbatim = range.len() == text.len();
    let start = if verbatim {
        range.start + name.len() + 1
    } else {
        range.start
    };
    let mut parts = Vec::with_capacity(word.parts.len());
    if !value.is_empty() {
        parts.push(Part::Literal {
            text: value.to_owned(),
            range: start..range.end,
            quoted: *quoted,
        });
    }
    parts.extend(word.parts.iter().skip(1).cloned());
    Some((
        name.to_owned(),
        Word {
            range: start..word.range.end,
            parts,
        },
    ))
}
