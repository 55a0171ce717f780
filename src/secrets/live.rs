//! The command of a live process, as anybody on the machine may have put it together: shown is what tells which program it is, and what
//! is known to be no secret. Everything else might be one.

use super::{MASK, masked};
use crate::facts::secrets::{is_credential, is_shown, is_shown_option};

/// No name of an option is longer.
const LONGEST: usize = 40;

/// The command.
pub(crate) fn command(argv: &[String]) -> String {
    // A process that gave itself a title has it in one word.
    let all = argv.iter().flat_map(|word| word.split_whitespace());
    let mut shown = Shown::default();
    let words: Vec<String> = all.map(|word| shown.word(word)).collect();
    masked(&words.join(" ")).into_owned()
}

/// Where in a command a word stands.
#[derive(Default)]
struct Shown {
    /// Words that were no options.
    bare: usize,
    /// The first one was the interpreter.
    is_python: bool,
    before: Before,
}

/// What the word before was.
#[derive(Default, PartialEq)]
enum Before {
    #[default]
    Nothing,
    /// An option whose value may be shown, and its name.
    Known(String),
    /// One of which nobody knows whether it has a value.
    Unknown,
    /// Something that announces a secret.
    Credential,
}

impl Shown {
    fn word(&mut self, word: &str) -> String {
        let before = std::mem::take(&mut self.before);
        if before == Before::Credential {
            return MASK.into();
        }
        if self.bare > 0 && word.len() > 1 && word.starts_with('-') {
            return self.option(word);
        }
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        if !value.is_empty() && !is_shown(name) {
            return format!("{}={MASK}", plain(name).unwrap_or(MASK));
        }
        match before {
            Before::Known(option) if fits(&option, word) => word.to_owned(),
            Before::Known(_) => MASK.into(),
            Before::Unknown => self.behind_unknown(word),
            Before::Nothing | Before::Credential => self.bare(word),
        }
    }

    fn option(&mut self, word: &str) -> String {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        let is_known = is_shown_option(name);
        if let Some(value) = value {
            let shown = if is_known && fits(name, value) {
                value
            } else {
                MASK
            };
            return format!("{}={shown}", plain(name).unwrap_or(MASK));
        }
        let short = name.get(..2).filter(|_| !name.starts_with("--"));
        if let Some(short) = short.filter(|short| *short != name && !is_known) {
            // `-w4`, and `-phunter2`.
            let rest = name.get(2..).unwrap_or_default();
            let is_number = rest.chars().all(|c| c.is_ascii_digit() || ".:".contains(c));
            return match is_number && is_shown_option(short) {
                true => name.to_owned(),
                false => format!("{short}{MASK}"),
            };
        }
        self.before = match is_known {
            true => Before::Known(name.to_owned()),
            false if is_credential(name.trim_start_matches('-')) => Before::Credential,
            false => Before::Unknown,
        };
        plain(name).unwrap_or(MASK).to_owned()
    }

    /// The value of an option, or the first word behind those that have none.
    fn behind_unknown(&mut self, word: &str) -> String {
        // The program itself, or its script: `python -u app.py`.
        match self.bare <= 1 && is_script(word) {
            true => self.bare(word),
            false => MASK.into(),
        }
    }

    fn bare(&mut self, word: &str) -> String {
        self.bare += 1;
        if is_credential(word) {
            self.before = Before::Credential;
        }
        self.is_python |= self.bare == 1 && is_interpreter(word);
        // Its script, and what it is told to do: `runserver`.
        let is_path = word
            .chars()
            .all(|c| c.is_alphanumeric() || "_-./".contains(c));
        let is_verb = word
            .chars()
            .all(|c| c.is_ascii_lowercase() || c == '-' || c == '_');
        let is_told = match self.bare {
            2 if self.is_python => is_path,
            2 | 3 => is_verb,
            _ => false,
        };
        match self.bare == 1 || is_told || is_script(word) || is_application(word) {
            true => word.to_owned(),
            false => MASK.into(),
        }
    }
}

/// Whether a value is what such an option has: of some letters programs make something else than servers do.
fn fits(option: &str, value: &str) -> bool {
    match option {
        "-p" => value.chars().all(|c| c.is_ascii_digit()),
        "-c" => {
            value.contains(['.', '/'])
                && value
                    .chars()
                    .all(|c| c.is_alphanumeric() || "_-./:".contains(c))
        }
        _ => true,
    }
}

/// A name as options and variables have it.
fn plain(name: &str) -> Option<&str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (name.len() <= LONGEST && name.chars().all(fits)).then_some(name)
}

fn is_interpreter(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or_default();
    name.starts_with("python")
}

/// A file of Python.
fn is_script(word: &str) -> bool {
    word.ends_with(".py") && !word.contains(['=', ':'])
}

/// `module:application`, as servers take it.
fn is_application(word: &str) -> bool {
    let name = |text: &str| {
        let fits = |c: char| c.is_ascii_alphabetic() || "_.".contains(c);
        !text.is_empty() && text.chars().all(fits)
    };
    let word = word.trim_start_matches('[').trim_end_matches(']');
    let parts = word.split_once(':');
    parts.is_some_and(|(module, application)| {
        name(module) && name(application.trim_end_matches("()"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(argv: &str) -> String {
        let words: Vec<String> = argv.split('|').map(str::to_owned).collect();
        command(&words)
    }

    #[test]
    fn which_program_it_is_can_be_told() {
        for (argv, text) in [
            (
                "/usr/bin/python3|/usr/bin/gunicorn|-w|4|app:app",
                "/usr/bin/python3 /usr/bin/gunicorn -w 4 app:app",
            ),
            (
                "/usr/bin/python3|-m|uvicorn|app.main:app",
                "/usr/bin/python3 -m uvicorn app.main:app",
            ),
            ("python3|-u|/app/app.py", "python3 -u /app/app.py"),
            ("python3|manage.py|runserver", "python3 manage.py runserver"),
            ("gunicorn: worker [app:app]", "gunicorn: worker [app:app]"),
        ] {
            assert_eq!(shown(argv), text);
        }
    }

    #[test]
    fn nothing_that_may_be_a_secret_is_shown() {
        for argv in [
            "app|--password|-hunter2",
            "app|--token|--hunter2",
            "python3|-Bc|print('hunter2')",
            "python3|-Bcprint('hunter2')",
            "python3|-c|hunter2",
            "python3|app.py|-cprint('hunter2')",
            "app|--password:hunter2",
            "app|/password:hunter2",
            "app|--password|hunter2.json",
            "app|--pin|hunter2",
            "app|-phunter2",
            "app|a-b=hunter2",
            "app|A.B=hunter2",
            "app|set|password|hunter2",
            "gunicorn: worker [app] --conn hunter2",
            "app worker -p hunter2",
            "DB_PASSWORD=hunter2|python3|app.py",
            "python3|app.py|run|hunter2",
            "python3|app.py|hunter2",
            "app|hunter2",
            "python3|app.py|http://user:hunter2@host/",
        ] {
            assert!(!shown(argv).contains("hunter2"), "{argv}: {}", shown(argv));
        }
    }
}
