//! What the words of a command say: which script they name, whether they pass arguments on.

use std::ops::Range;

use crate::facts::names_allocator;
use crate::facts::secrets::is_shown;
use crate::shell::effects::UNKNOWN;
use crate::shell::is_shell;
use crate::shell::syntax::{Part, Word};
use crate::text::Traced;
use crate::text::paths::base_name;

/// The words as text; what is not literal as [`UNKNOWN`].
pub(super) fn plain(words: &[Word]) -> Vec<String> {
    words
        .iter()
        .map(|word| {
            let text = word.literal().or_else(|| default_number(word));
            text.unwrap_or_else(|| UNKNOWN.into())
        })
        .collect()
}

/// The number that a word is where nobody sets its variable: `${THREADS:-4}`.
fn default_number(word: &Word) -> Option<String> {
    let [Part::Variable { operation, .. }] = word.parts.as_slice() else {
        return None;
    };
    let default = operation.trim_start_matches(':').strip_prefix(['-', '='])?;
    let number = !default.is_empty() && default.bytes().all(|byte| byte.is_ascii_digit());
    number.then(|| default.to_owned())
}

/// The same, with what the script was started with in place of `"$@"`.
pub(super) fn given(words: &[Word], positional: &[String]) -> Vec<String> {
    let mut argv = Vec::with_capacity(words.len());
    for word in words {
        if is_positional(std::slice::from_ref(word)) {
            argv.extend_from_slice(positional);
        } else {
            argv.extend(plain(std::slice::from_ref(word)));
        }
    }
    argv
}

/// What variables put into words of a text, where their values are not shown.
pub(super) fn put_in(words: &[Word], text: &str) -> Vec<String> {
    let mut values = Vec::new();
    for word in words {
        // Of a variable that holds others, all parts stand where it did.
        let mut last: Option<&Range<usize>> = None;
        for part in &word.parts {
            let Part::Literal {
                text: value, range, ..
            } = part
            else {
                continue;
            };
            if !is_hidden(text.get(range.clone()).unwrap_or_default()) {
                continue;
            }
            match values.last_mut().filter(|_| last == Some(range)) {
                Some(whole) => String::push_str(whole, value),
                None => values.push(value.clone()),
            }
            last = Some(range);
        }
    }
    values
}

/// Whether a variable is written there whose value is not shown.
fn is_hidden(written: &str) -> bool {
    let name = written.trim_start_matches('"').strip_prefix('$');
    name.is_some_and(|name| {
        let name = name.trim_start_matches('{');
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        !is_shown(name.get(..end.unwrap_or(name.len())).unwrap_or_default())
    })
}

/// `"$@"`: the script runs what it was given.
pub(super) fn is_positional(words: &[Word]) -> bool {
    matches!(words, [word] if matches!(word.parts.as_slice(), [Part::Variable { name, .. }] if name == "@" || name == "*"))
}

/// The files that a Python interpreter may be given: a script, or what `-m` stands for.
pub(super) fn python_scripts(arguments: &[String]) -> Vec<String> {
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "-c" => return Vec::new(),
            "-m" => {
                let path = arguments
                    .next()
                    .map(|module| module.replace('.', "/"))
                    .unwrap_or_default();
                return vec![
                    format!("{path}.py"),
                    format!("{path}/__main__.py"),
                    format!("src/{path}.py"),
                ];
            }
            "-W" | "-X" => {
                arguments.next();
            }
            option if option.starts_with('-') => {}
            script => return vec![script.to_owned()],
        }
    }
    Vec::new()
}

/// The script that a shell is given, and its arguments: `bash -e start.sh web`.
pub(super) fn shell_script<'a>(
    program: &str,
    rest: &'a [String],
) -> Option<(&'a String, &'a [String])> {
    if !is_shell(base_name(program)) {
        return None;
    }
    let at = rest.iter().position(|word| !word.starts_with('-'))?;
    let commanded = rest
        .iter()
        .take(at)
        .any(|option| option.contains('c') && !option.starts_with("--"));
    let script = rest.get(at).filter(|_| !commanded)?;
    Some((script, rest.get(at + 1..).unwrap_or_default()))
}

pub(super) fn looks_like_script(program: &str) -> bool {
    program.ends_with(".sh")
        || program.ends_with(".bash")
        || base_name(program).contains("entrypoint")
        || program == "/init"
}

/// Whether a start script deals with allocators.
pub(super) fn mentions(text: &str) -> bool {
    let settings = ["MALLOC_", "PYTHONMALLOC"];
    mentions_library(text) || settings.iter().any(|needle| text.contains(needle))
}

/// Whether it deals with what is loaded.
pub(super) fn mentions_library(text: &str) -> bool {
    text.contains("LD_PRELOAD") || names_allocator(text.as_bytes())
}

/// A script that `echo` or `printf` wrote, with the line ends that they put in for `\n`.
pub(super) fn lines_of(text: Traced) -> Traced {
    if text.as_str().contains('\n') || !text.as_str().contains("\\n") {
        return text;
    }
    let mut lines = Traced::new();
    let source = text.whole().unwrap_or_default();
    lines.push_from(&text.as_str().replace("\\n", "\n"), source);
    lines
}
