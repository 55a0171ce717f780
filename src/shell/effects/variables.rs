//! The variables that a script sets, as far as they can be known.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::UNKNOWN;
use super::fields::split;
use crate::shell::syntax::{Context, Part, Word};
use crate::shell::tables::{SHELL_SETS, lists};

/// How many values are kept for one variable.
const MOST_VALUES: usize = 64;
/// For how many values a whole command is read.
pub(super) const MOST_VARIANTS: usize = 8;
/// How many arguments are known by their number.
const MOST_ARGUMENTS: usize = 9;
/// How long a value may be, in bytes and in parts: longer ones are forgotten.
const MOST_BYTES: usize = 1024;
const MOST_PARTS: usize = 16;
/// How many bytes all replacements of one text may add, beside its own length eight times.
const BUDGET: usize = 1 << 16;

/// Whether a variable is handed on to commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Exported {
    #[default]
    No,
    /// In a branch, a subshell or a function.
    Maybe,
    Yes,
}

/// What a variable may hold.
#[derive(Debug, Default)]
struct Value {
    /// The values that it may have.
    words: Vec<Word>,
    /// It has one of them, whatever happens.
    certain: bool,
    /// It was given in a subshell or a function, and nowhere else.
    inner: bool,
    exported: Exported,
}

/// What comes of a variable that nobody sets.
pub(super) struct Unset {
    pub(super) text: String,
    /// It is a default that is written in the script.
    pub(super) by_default: bool,
}

/// The variables in force while a script is read.
#[derive(Debug)]
pub(super) struct Variables {
    values: HashMap<String, Value>,
    /// `set -a`.
    pub(super) export_all: bool,
    /// What is read stands in a function: `$1` is the function's.
    pub(super) in_function: bool,
    /// What is read stands in a process of its own.
    pub(super) in_subshell: bool,
    /// A file was read that may have exported any variable.
    pub(super) sourced: bool,
    /// What the script was started with, less what it shifted away.
    arguments: Vec<String>,
    /// What it was started with cannot be told any more.
    rearranged: bool,
    /// Variables that are in the environment with a value that is not known.
    unsure: HashSet<String>,
    /// What `: ${NAME:=text}` gives a variable that nobody sets.
    defaults: HashMap<String, String>,
    /// Where `cd` went, outside and inside a subshell.
    folder: Option<String>,
    inner_folder: Option<String>,
    /// Bytes that replacements may still add, so that no text grows without bound.
    budget: usize,
}

impl Variables {
    pub(super) fn new(length: usize) -> Self {
        Self {
            values: HashMap::new(),
            export_all: false,
            in_function: false,
            in_subshell: false,
            sourced: false,
            arguments: Vec::new(),
            rearranged: false,
            unsure: HashSet::new(),
            defaults: HashMap::new(),
            folder: None,
            inner_folder: None,
            budget: BUDGET + 8 * length,
        }
    }

    /// Sets `$1` and those behind it.
    pub(super) fn set_arguments(&mut self, arguments: &[String]) {
        for number in 1..=MOST_ARGUMENTS {
            let name = number.to_string();
            match arguments.get(number - 1).filter(|text| *text != UNKNOWN) {
                Some(text) => self.set(&name, Word::plain(text, 0..0), false, Context::default()),
                None => self.unset(&name),
            }
        }
        // How many there are is known where each is.
        let known = !arguments.is_empty() && !arguments.iter().any(|text| text == UNKNOWN);
        let count = Word::plain(&arguments.len().to_string(), 0..0);
        match known {
            true => self.set("#", count, false, Context::default()),
            false => self.unset("#"),
        }
        self.arguments = arguments.to_vec();
    }

    /// `shift` and `set`: what `$1` is after that, where it surely is so.
    pub(super) fn shift(&mut self, by: Option<usize>, context: Context) {
        if context.subshell || context.function {
            return;
        }
        let certain = by.filter(|_| !context.conditional);
        self.rearranged |= certain.is_none();
        let rest = certain
            .and_then(|by| self.arguments.get(by..))
            .map(<[_]>::to_vec);
        self.set_arguments(&rest.unwrap_or_default());
    }

    /// The folder in which a command runs, where a `cd` of the script says so.
    pub(super) fn folder(&mut self, context: Context) -> Option<String> {
        if context.subshell {
            return self.inner_folder.clone();
        }
        self.inner_folder.clone_from(&self.folder);
        self.folder.clone()
    }

    /// Goes to a folder; to an unknown one with `None`.
    pub(super) fn go(&mut self, to: Option<String>, context: Context) {
        let from = self.folder(context);
        let folder = to.and_then(|to| match from {
            _ if to.starts_with('/') => Some(to),
            Some(from) if from.len() + to.len() < MOST_BYTES => {
                Some(format!("{}/{to}", from.trim_end_matches('/')))
            }
            _ => None,
        });
        let folder = folder
            .filter(|folder| !context.conditional && !folder.split('/').any(|part| part == ".."));
        self.inner_folder.clone_from(&folder);
        if !context.subshell {
            self.folder = folder;
        }
    }

    /// Sets a variable; in a branch the value is one of several. A value given in a subshell or a
    /// function is taken for certain where there was none: its use is likely to be there, too.
    pub(super) fn set(&mut self, name: &str, word: Word, append: bool, context: Context) {
        let value = self.values.entry(name.to_owned()).or_default();
        if self.export_all {
            value.exported = Exported::Yes;
        }
        if append && (value.words.len() != 1 || !value.certain) {
            value.certain = false;
            return;
        }
        let word = match value.words.first() {
            Some(before) if append => {
                let parts = before.parts.iter().chain(&word.parts).cloned().collect();
                Word {
                    range: word.range,
                    parts,
                }
            }
            _ => word,
        };
        if !is_kept(&word) {
            value.words.clear();
            value.certain = false;
        } else if !context.conditional
            && (value.words.is_empty() || !(context.subshell || context.function))
        {
            value.words = vec![word];
            value.certain = true;
            value.inner = context.subshell || context.function;
        } else if value.words.len() < MOST_VALUES {
            value.words.push(word);
        } else {
            value.certain = false;
        }
    }

    /// Sets the variable of a loop to each of its values.
    pub(super) fn set_each(&mut self, name: &str, words: Vec<Word>) {
        let literal = words.iter().all(|word| word.literal().is_some());
        let certain = literal && !words.is_empty() && words.len() <= MOST_VALUES;
        let words = words
            .into_iter()
            .take(MOST_VALUES)
            .filter(is_kept)
            .collect();
        self.values.insert(
            name.to_owned(),
            Value {
                words,
                certain,
                inner: false,
                exported: Exported::No,
            },
        );
    }

    /// Marks a variable as exported and gives the values it may have now,
    /// and whether it surely has the one that is given.
    pub(super) fn export(&mut self, name: &str, context: Context) -> (Vec<Word>, bool) {
        let value = self.values.entry(name.to_owned()).or_default();
        if !(context.conditional || context.subshell || context.function) {
            value.exported = Exported::Yes;
        } else if value.exported == Exported::No {
            value.exported = Exported::Maybe;
        }
        let here = !value.inner || context.subshell || context.function;
        let certain = value.certain && here && value.words.len() == 1;
        (value.words.clone(), certain)
    }

    pub(super) fn exported(&self, name: &str) -> Exported {
        if self.export_all {
            return Exported::Yes;
        }
        self.values
            .get(name)
            .map_or(Exported::No, |value| value.exported)
    }

    pub(super) fn unset(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// Notes a variable that is in the environment with a value that is not known.
    pub(super) fn set_unsure(&mut self, name: &str) {
        self.unsure.insert(name.to_owned());
    }

    /// Notes what `: ${NAME:=text}` gives a variable that nobody sets.
    pub(super) fn set_default(&mut self, part: &Part) {
        if let Part::Variable {
            name, operation, ..
        } = part
            && let Some(text) = operation
                .strip_prefix(':')
                .unwrap_or(operation)
                .strip_prefix('=')
            && text.len() <= MOST_BYTES
            && is_plain(text)
        {
            let default = unquoted(text).to_owned();
            self.defaults.entry(name.clone()).or_insert(default);
        }
    }

    /// What comes of a variable that nobody sets, neither the image nor the script; nothing for others.
    pub(super) fn unset_gives(&self, part: &Part) -> Option<Unset> {
        let Part::Variable {
            name, operation, ..
        } = part
        else {
            return None;
        };
        let nothing = |text: String| Unset {
            text,
            by_default: false,
        };
        let special = !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if special {
            let text = self.argument(name, operation)?;
            if !text.is_empty() {
                return Some(nothing(text));
            }
        } else if self.is_set(name) || self.unsure.contains(name) || lists(SHELL_SETS, name) {
            return None;
        }
        let given = operation.strip_prefix(':').unwrap_or(operation);
        if let Some(text) = given.strip_prefix(['-', '=']) {
            return is_plain(text).then(|| Unset {
                text: unquoted(text).to_owned(),
                by_default: !text.is_empty(),
            });
        }
        if let Some(default) = self.defaults.get(name).filter(|_| operation.is_empty()) {
            return Some(Unset {
                text: default.clone(),
                by_default: true,
            });
        }
        let empty = given.is_empty() || given.starts_with(['+', '%', '#', '/', '^', ',', '@']);
        empty.then(|| nothing(String::new()))
    }

    /// Whether the script gives a variable something; `X=${X:-text}` passes on what it has.
    fn is_set(&self, name: &str) -> bool {
        let own = |part: &Part| matches!(part, Part::Variable { name: other, .. } if other == name);
        self.values.get(name).is_some_and(|value| {
            let [word] = value.words.as_slice() else {
                return true;
            };
            !(value.certain && word.parts.iter().any(own))
        })
    }

    /// `$1`, `$@` and `$#`, empty where the script was started without.
    fn argument(&self, name: &str, operation: &str) -> Option<String> {
        if self.in_function || self.rearranged {
            return None;
        }
        let known = |text: &&String| *text != UNKNOWN;
        match name {
            "#" if operation.is_empty() => Some(self.arguments.len().to_string()),
            "@" | "*" => {
                let all = self.arguments.iter().all(|text| known(&text));
                all.then(|| self.arguments.join(" "))
            }
            _ => {
                let number: usize = name.parse().ok()?;
                let given = self.arguments.get(number.checked_sub(1)?);
                match given {
                    None => Some(String::new()),
                    // `expand` has replaced those that are known.
                    Some(_) => None,
                }
            }
        }
    }

    /// The word with each variable replaced that has one certain value.
    pub(super) fn expand(&mut self, word: &Word) -> Word {
        if !word
            .parts
            .iter()
            .any(|part| matches!(part, Part::Variable { .. }))
        {
            return word.clone();
        }
        let mut parts = Vec::with_capacity(word.parts.len());
        for part in &word.parts {
            match self.certain(part).map(|value| (value, weight(value))) {
                Some((value, cost)) if cost <= self.budget => {
                    parts.extend(value.parts.iter().map(|inner| moved(inner, part.range())));
                    self.budget -= cost;
                }
                _ => parts.push(part.clone()),
            }
        }
        Word {
            range: word.range.clone(),
            parts,
        }
    }

    /// All words that a word may become, split at blanks; and whether these are all.
    pub(super) fn fields(&mut self, word: &Word) -> (Vec<Word>, bool) {
        let (choices, certain) = self.choices(std::slice::from_ref(word), MOST_VALUES);
        (choices.iter().flatten().flat_map(split).collect(), certain)
    }

    /// Whether a variable among the words may have several values.
    pub(super) fn leave_choice(&self, words: &[Word]) -> bool {
        words
            .iter()
            .any(|word| word.parts.iter().any(|part| self.of(part).is_some()))
    }

    /// All that some words may be: once for each value of the first variable among them that may
    /// have several, but no more than `most`; and whether these are all.
    pub(super) fn choices(&mut self, words: &[Word], most: usize) -> (Vec<Vec<Word>>, bool) {
        let expanded: Vec<Word> = words.iter().map(|word| self.expand(word)).collect();
        let parts = expanded.iter().flat_map(|word| word.parts.iter());
        let several = parts
            .filter_map(|part| Some((name(part)?, self.of(part)?)))
            .next();
        let Some((name, value)) = several else {
            return (vec![expanded], true);
        };
        let own: usize = expanded.iter().map(weight).sum();
        let cost: usize = value
            .words
            .iter()
            .map(|choice| (weight(choice) + 1) * expanded.len() + own)
            .sum();
        if cost > self.budget || value.words.len() > most {
            return (vec![expanded], true);
        }
        let choice = |choice: &Word| {
            expanded
                .iter()
                .map(|word| put(word, name, choice))
                .collect()
        };
        let choices = value.words.iter().map(choice).collect();
        let certain = value.certain;
        self.budget -= cost;
        (choices, certain)
    }

    /// The variable's value where it has exactly one.
    fn certain(&self, part: &Part) -> Option<&Word> {
        let value = self.of(part)?;
        value
            .words
            .first()
            .filter(|_| value.certain && value.words.len() == 1)
    }

    /// What is known of a part that stands for a variable's whole value.
    fn of(&self, part: &Part) -> Option<&Value> {
        let Part::Variable {
            name, operation, ..
        } = part
        else {
            return None;
        };
        if self.in_function && name.starts_with(|c: char| c == '#' || c.is_ascii_digit()) {
            return None;
        }
        let default = operation.strip_prefix(':').unwrap_or(operation);
        // Where it was given in a process that is over, the default counts.
        let inside = self.in_function || self.in_subshell;
        let ended = default.starts_with(['-', '=']) && !inside;
        let whole = matches!(operation.as_str(), "" | "[@]" | "[*]")
            || default.starts_with(['-', '?', '=']);
        self.values
            .get(name)
            .filter(|value| whole && !value.words.is_empty() && !(ended && value.inner))
    }
}

/// Whether nothing in a default is replaced.
fn is_plain(text: &str) -> bool {
    !unquoted(text).contains(['$', '`', '"', '\'', '\\'])
}

/// A text without the quotes around it.
fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// The name of a variable.
fn name(part: &Part) -> Option<&str> {
    match part {
        Part::Variable { name, .. } => Some(name),
        _ => None,
    }
}

/// The word with a value in place of a variable.
fn put(word: &Word, variable: &str, value: &Word) -> Word {
    let mut parts = Vec::with_capacity(word.parts.len());
    for part in &word.parts {
        if name(part) == Some(variable) {
            parts.extend(value.parts.iter().map(|inner| moved(inner, part.range())));
        } else {
            parts.push(part.clone());
        }
    }
    Word {
        range: word.range.clone(),
        parts,
    }
}

fn is_kept(word: &Word) -> bool {
    word.parts.len() <= MOST_PARTS && weight(word) <= MOST_BYTES
}

/// The bytes that a word's text takes, each part counting at least one.
fn weight(word: &Word) -> usize {
    let of = |part: &Part| match part {
        Part::Literal { text, .. } | Part::Command { text, .. } => text.len(),
        Part::Variable {
            name, operation, ..
        } => name.len() + operation.len(),
    };
    word.parts.iter().map(|part| of(part) + 1).sum()
}

/// A part as it stands in place of a variable.
fn moved(part: &Part, range: &Range<usize>) -> Part {
    let range = range.clone();
    match part {
        Part::Literal { text, .. } => Part::Literal {
            text: text.clone(),
            range,
            quoted: false,
        },
        Part::Variable {
            name, operation, ..
        } => Part::Variable {
            name: name.clone(),
            operation: operation.clone(),
            range,
        },
        Part::Command { text, .. } => Part::Command {
            text: text.clone(),
            range,
        },
    }
}
