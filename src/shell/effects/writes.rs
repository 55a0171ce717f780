//! Text written to files: `echo`, `printf`, `cat` with a here-document, `tee`, `sed -i`.

use std::collections::HashMap;
use std::ops::Range;

use super::EffectKind;
use super::call::{Call, Walk};
use crate::shell::syntax::{Command, Redirect, Script, Word};
use crate::shell::wrappers::{base_name, strip};

/// What a command writes to its standard output, as far as it can be known.
#[derive(Debug, Default)]
struct Output {
    content: Option<Range<usize>>,
    text: String,
}

/// Whether a command of this name does nothing but write.
pub(super) fn is_writer(name: &str) -> bool {
    matches!(name, "echo" | "printf" | "cat" | "tee" | "sed")
}

/// Whether a redirection takes a command's standard output to a file.
pub(super) fn takes_output(redirect: &Redirect) -> bool {
    matches!(
        redirect.operator.as_str(),
        ">" | ">>" | ">|" | "&>" | "&>>" | ">&"
    ) && redirect.fd.is_none_or(|fd| fd == 1)
        && is_file(&redirect.target)
}

/// For each command the innermost group redirection of its standard output.
pub(super) fn group_redirects(script: &Script) -> HashMap<usize, usize> {
    let mut owners = HashMap::new();
    // Groups stand in the order in which they closed, the inner before the outer: the first wins,
    // and a command is visited once for each group that writes, of which few nest.
    let mut visits = script.commands.len().saturating_mul(8);
    for (at, group) in script.groups.iter().enumerate() {
        if !group.redirects.iter().any(takes_output) {
            continue;
        }
        for index in group.commands.clone() {
            visits = visits.saturating_sub(1);
            if visits == 0 {
                return owners;
            }
            owners.entry(index).or_insert(at);
        }
    }
    owners
}

/// Whether a word names a file rather than a descriptor or a device.
fn is_file(word: &Word) -> bool {
    let text = word.shown();
    !text.is_empty()
        && !text.starts_with("/dev/")
        && text != "-"
        && !text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Walk<'_> {
    /// What a command writes, by redirection or by itself; `false` if nothing.
    pub(super) fn writes(&mut self, call: &Call<'_>) -> bool {
        match call.name.as_str() {
            "tee" => self.tee(call),
            "sed" if in_place(call) => self.sed(call),
            _ => return self.redirected(call),
        }
        true
    }

    fn redirected(&mut self, call: &Call<'_>) -> bool {
        let taking = |redirects: &'_ [Redirect]| redirects.iter().rposition(takes_output);
        let own = taking(call.redirects).and_then(|at| call.redirects.get(at));
        let group = self
            .groups
            .get(&call.index)
            .and_then(|at| self.script.groups.get(*at));
        let group =
            group.filter(|_| own.is_none() && is_writer(&call.name) && !self.feeds_pipe(call));
        let shared = group.and_then(|group| {
            group
                .redirects
                .iter()
                .rfind(|redirect| takes_output(redirect))
        });
        let Some(redirect) = own.or(shared) else {
            return false;
        };
        // What several commands write one after the other is one text.
        let follows = group.is_some_and(|group| group.commands.start != call.index);
        let path = self.variables.expand(&redirect.target).shown();
        let output = self.output(&call.name, call.arguments(), call.redirects);
        let append = redirect.operator.ends_with(">>") || follows;
        self.emit(
            call,
            EffectKind::Write {
                path,
                content: output.content,
                text: output.text,
                append,
            },
        );
        true
    }

    /// Whether the next command reads this one's output.
    fn feeds_pipe(&self, call: &Call<'_>) -> bool {
        let next = self.script.commands.get(call.index + 1);
        call.context.subshell && next.is_some_and(|next| next.context.piped)
    }

    fn tee(&mut self, call: &Call<'_>) {
        let given = call
            .redirects
            .iter()
            .any(|redirect| redirect.operator.starts_with("<<"));
        let output = if given {
            self.output("cat", &[], call.redirects)
        } else {
            let before = call
                .index
                .checked_sub(1)
                .and_then(|index| self.script.commands.get(index));
            before
                .filter(|_| call.context.piped)
                .map(|before| self.output_of(before))
                .unwrap_or_default()
        };
        let append = call
            .arguments()
            .iter()
            .any(|word| matches!(word.shown().as_str(), "-a" | "--append" | "-ia"));
        for file in call
            .arguments()
            .iter()
            .filter(|word| !word.shown().starts_with('-') && is_file(word))
        {
            let (content, text) = (output.content.clone(), output.text.clone());
            self.emit(
                call,
                EffectKind::Write {
                    path: file.shown(),
                    content,
                    text,
                    append,
                },
            );
        }
    }

    /// What another command of the script writes.
    fn output_of(&mut self, command: &Command) -> Output {
        let words = command
            .words
            .iter()
            .map(|word| self.variables.expand(word))
            .collect();
        let stripped = strip(words);
        let name = stripped
            .words
            .first()
            .and_then(base_name)
            .unwrap_or_default();
        self.output(
            &name,
            stripped.words.get(1..).unwrap_or_default(),
            &command.redirects,
        )
    }

    fn output(&self, name: &str, arguments: &[Word], redirects: &[Redirect]) -> Output {
        match name {
            "echo" => echo(arguments),
            "printf" => printf(arguments),
            "cat" => self.here(redirects).unwrap_or_default(),
            _ => Output::default(),
        }
    }

    /// The here-document or here-string that a command reads.
    fn here(&self, redirects: &[Redirect]) -> Option<Output> {
        let redirect = redirects
            .iter()
            .rfind(|redirect| redirect.operator.starts_with("<<"))?;
        if redirect.operator == "<<<" {
            let content = Some(redirect.target.range.clone());
            return Some(Output {
                content,
                text: redirect.target.shown(),
            });
        }
        let body = redirect.body.clone()?;
        let text = self.text.get(body.clone())?;
        let text = if redirect.operator == "<<-" {
            text.split_inclusive('\n')
                .map(|line| line.trim_start_matches('\t'))
                .collect()
        } else {
            text.to_owned()
        };
        Some(Output {
            content: Some(body),
            text,
        })
    }

    /// `sed -i` writes what its `a`, `i` and `c` commands hold; of other scripts nothing is known.
    fn sed(&mut self, call: &Call<'_>) {
        let mut script: Option<&Word> = None;
        let mut files = Vec::new();
        let mut words = call.arguments().iter();
        while let Some(word) = words.next() {
            let text = word.shown();
            match text.as_str() {
                "-e" | "--expression" => script = words.next().or(script),
                "-f" | "--file" => {
                    let _ = words.next();
                    script = script.or(Some(word));
                }
                _ if text.starts_with('-') && text.len() > 1 => {}
                _ if script.is_none() => script = Some(word),
                _ => files.push(word),
            }
        }
        // What a line ends in is no part of what it says.
        if script.is_some_and(|script| is_about_line_ends(&script.shown())) {
            return;
        }
        let added = script.and_then(|script| added_by_sed(&script.shown()));
        for file in files {
            let content = script
                .filter(|_| added.is_some())
                .map(|script| script.range.clone());
            let text = added.clone().unwrap_or_default();
            self.emit(
                call,
                EffectKind::Write {
                    path: file.shown(),
                    content,
                    text,
                    append: true,
                },
            );
        }
    }
}

fn in_place(call: &Call<'_>) -> bool {
    call.arguments().iter().map(Word::shown).any(|text| {
        text.starts_with("--in-place")
            || text.starts_with('-')
                && !text.starts_with("--")
                && text.split('.').next().is_some_and(|o| o.contains('i'))
    })
}

/// Whether a script of `sed` does nothing but take carriage returns off the ends of lines, or a mark off the start of the file:
/// `s/\r$//g`.
fn is_about_line_ends(script: &str) -> bool {
    const RETURNS: [&str; 10] = [
        "\\r", "\\r$", "\\r\\+$", "\\r*$", "\\x0d$", "\\x0D$", "\\o15$", "\\d13$", "\r", "\r$",
    ];
    const MARKS: [&str; 2] = ["^\\xEF\\xBB\\xBF", "^\\xef\\xbb\\xbf"];
    let mut parts = script
        .split([';', '\n'])
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let plain = |part: &str| {
        let command = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '$');
        let Some(rest) = command.strip_prefix('s') else {
            return false;
        };
        let Some(mark) = rest.chars().next() else {
            return false;
        };
        let mut fields = rest.split(mark).skip(1);
        let (pattern, text, flags) = (fields.next(), fields.next(), fields.next());
        let known =
            pattern.is_some_and(|pattern| RETURNS.contains(&pattern) || MARKS.contains(&pattern));
        known && text == Some("") && flags.is_some_and(|flags| flags.chars().all(|c| c == 'g'))
    };
    !script.trim().is_empty() && parts.all(plain)
}

/// The text of an `a`, `i` or `c` command behind its address: `$ a\TEXT`, `1i TEXT`, `/x/a TEXT`.
fn added_by_sed(script: &str) -> Option<String> {
    let script = script.trim_start();
    let rest = match script.strip_prefix('/') {
        Some(pattern) => pattern.split_once('/')?.1,
        None => script
            .trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '$' | ',' | '~' | '+')),
    };
    let rest = rest.trim_start_matches([' ', '!']);
    let text = rest.strip_prefix(['a', 'i', 'c'])?;
    let text = text.trim_start_matches([' ', '\t']);
    let text = text.strip_prefix('\\').unwrap_or(text);
    Some(text.trim_start_matches(['\n', ' ']).to_owned())
}

fn covering(words: &[Word]) -> Option<Range<usize>> {
    Some(words.first()?.range.start..words.last()?.range.end)
}

fn echo(arguments: &[Word]) -> Output {
    let option = |word: &&Word| {
        word.literal().is_some_and(|text| {
            text.len() > 1
                && text.starts_with('-')
                && text.bytes().skip(1).all(|byte| b"neE".contains(&byte))
        })
    };
    let options = arguments.iter().take_while(option).count();
    let letters: String = arguments.iter().take(options).map(Word::shown).collect();
    let words = arguments.get(options..).unwrap_or_default();
    let mut text = words.iter().map(Word::shown).collect::<Vec<_>>().join(" ");
    // dash reads escapes always, bash with `-e`; a text with escapes means them.
    text = unescaped(&text);
    if !letters.contains('n') {
        text.push('\n');
    }
    Output {
        content: covering(words),
        text,
    }
}

fn printf(arguments: &[Word]) -> Output {
    let skip = usize::from(arguments.first().is_some_and(|word| word.shown() == "--"));
    let words = arguments.get(skip..).unwrap_or_default();
    let Some((format, values)) = words.split_first() else {
        return Output::default();
    };
    let format = unescaped(&format.shown());
    let slots = format.matches("%s").count() + format.matches("%b").count();
    let mut text = String::new();
    let mut values = values.iter();
    loop {
        let mut pieces = format.split('%');
        text.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            match piece.strip_prefix(['s', 'b']) {
                Some(rest) => {
                    text.push_str(&values.next().map(Word::shown).unwrap_or_default());
                    text.push_str(rest);
                }
                None => text.extend(["%", piece]),
            }
        }
        // The format is used again as long as there are values.
        if slots == 0 || values.len() == 0 {
            break;
        }
    }
    Output {
        content: covering(words),
        text,
    }
}

/// `\n` and `\t` as what they stand for.
fn unescaped(text: &str) -> String {
    text.replace("\\n", "\n").replace("\\t", "\t")
}
