//! The process the image starts, and how it makes workers.

use super::Fact;
use crate::facts::options::given;
use crate::facts::programs::{self, Threads};
use crate::secrets;
use crate::text::Place;
use crate::text::paths;

/// What runs when the unit starts.
#[derive(Clone, Debug)]
pub struct Process {
    /// Program and arguments, wrappers such as `tini --` or `poetry run` taken off.
    pub argv: Vec<String>,
    /// The same as it is written, where that differs.
    pub written: Option<Vec<String>>,
    /// Where the command stands.
    pub place: Option<Place>,
    /// Where its words stand: there, or in the script that it starts.
    pub said_at: Option<Place>,
    /// What kind of program it is.
    pub kind: Fact<ProcessKind>,
    /// How it makes workers.
    pub model: Fact<ProcessModel>,
    /// It answers in a pool of threads.
    pub threaded: bool,
    /// What kind of workers it is asked for: `gevent`.
    pub worker_kind: Option<String>,
    /// The module that it is told to run, where that was not found.
    pub missing: Option<String>,
    /// The server's name where one was recognised: `gunicorn`, `celery`.
    pub server: Option<String>,
    /// It is one file that another stage or image brings.
    pub copied: bool,
    /// Only an exposed port or a health check says that it keeps running.
    pub by_port_only: bool,
    /// It is a server for development: `manage.py runserver`, `--reload`.
    pub development: bool,
    /// The Python program beside the input that runs, by its path, where it was found.
    pub script: Option<String>,
    /// The text in that program that says that it keeps running.
    pub(crate) sign: Option<&'static programs::Sign>,
    /// What variables put into `argv` whose values are not shown.
    pub(crate) hidden: Vec<String>,
}

impl Process {
    /// Program and arguments as they may be shown.
    #[must_use]
    pub fn shown(&self) -> String {
        // The name of a server that is known is no secret, whatever variable holds it.
        let mut hidden = self.hidden.iter();
        let known = |value: &&String| Some(*value) != self.server.as_ref();
        let hidden: Vec<String> = hidden.by_ref().filter(known).cloned().collect();
        let words = self.written.as_ref().unwrap_or(&self.argv);
        secrets::command(words, &hidden)
    }
}

/// What kind of program a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessKind {
    /// Runs until it is stopped: a server, a worker, a bot.
    Service,
    /// A notebook or lab server for one person.
    Notebook,
    /// Does its work and ends: a tool, a job, a test run, a shell.
    OneShot,
}

/// How a process makes workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessModel {
    /// One process, possibly with threads.
    Threads,
    /// Forked workers: gunicorn, celery prefork, uWSGI.
    Fork,
    /// Workers started anew: `uvicorn --workers`.
    Spawn,
}

/// A program recognised by its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recognised {
    /// Its name.
    pub server: String,
    /// Whether it keeps running.
    pub kind: ProcessKind,
    /// How it makes workers, where that can be told.
    pub model: Option<ProcessModel>,
    /// Whether it answers in a pool of threads.
    pub threaded: bool,
    /// Whether it is a server for development.
    pub development: bool,
    /// Whether another server of the same script is rather the service.
    pub second_choice: bool,
}

/// Recognises a Python program by its arguments: `gunicorn ...`, `python -m celery ...`,
/// `python manage.py runserver`.
#[must_use]
pub(crate) fn recognise(argv: &[String]) -> Option<Recognised> {
    let (program, rest) = argv.split_first()?;
    let name = paths::file_name(program);
    if is_python(name) {
        return recognise_python(rest);
    }
    if rest.iter().any(|option| ends_at_once(option)) {
        return Some(one_shot(name));
    }
    by_table(name, rest)
}

/// What the table of programs says of `name` with `arguments`.
fn by_table(name: &str, arguments: &[String]) -> Option<Recognised> {
    let found = programs::behaviour(name, arguments)?;
    Some(Recognised {
        server: name.to_owned(),
        kind: kind(found.kind),
        model: model(found, arguments),
        threaded: threaded(name, found, arguments),
        second_choice: found.second_choice,
        development: found.development || arguments.iter().any(|option| programs::reloads(option)),
    })
}

fn one_shot(name: &str) -> Recognised {
    Recognised {
        server: name.to_owned(),
        kind: ProcessKind::OneShot,
        model: None,
        threaded: false,
        development: false,
        second_choice: false,
    }
}

/// Options and subcommands with which a server only answers and ends.
fn ends_at_once(option: &str) -> bool {
    matches!(
        option,
        "--version" | "--help" | "--check-config" | "--print-config" | "nbconvert"
    )
}

fn recognise_python(arguments: &[String]) -> Option<Recognised> {
    let takes_value = |option: &str| matches!(option, "-W" | "-X");
    let mut at = 0;
    while let Some(argument) = arguments.get(at) {
        match argument.as_str() {
            "-m" => {
                let module = arguments.get(at + 1)?;
                let rest = arguments.get(at + 2..).unwrap_or_default();
                return by_table(module, rest);
            }
            "-c" => return None,
            option if takes_value(option) => at += 2,
            option if option.starts_with('-') => at += 1,
            script => {
                let name = paths::file_name(script);
                let rest = arguments.get(at + 1..).unwrap_or_default();
                return by_table(name, rest);
            }
        }
    }
    // `python` alone is an interactive interpreter.
    Some(one_shot("python"))
}

/// Whether `name` is a Python interpreter.
#[must_use]
pub(crate) fn is_python(name: &str) -> bool {
    let rest = name
        .strip_prefix("python")
        .or_else(|| name.strip_prefix("pypy"));
    rest.is_some_and(|rest| {
        // Built without the interpreter's lock: `python3.14t`, `python3.13-nogil` of deadsnakes.
        let free = rest
            .strip_suffix('t')
            .or_else(|| rest.strip_suffix("-nogil"));
        let version = free.filter(|version| !version.is_empty()).unwrap_or(rest);
        version.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    })
}

const fn kind(kind: programs::Kind) -> ProcessKind {
    match kind {
        programs::Kind::Service => ProcessKind::Service,
        programs::Kind::Notebook => ProcessKind::Notebook,
        programs::Kind::Oneshot => ProcessKind::OneShot,
    }
}

fn model(found: &programs::Behaviour, arguments: &[String]) -> Option<ProcessModel> {
    let kind_of_workers = given(arguments, &found.pool).and_then(|given| given.value);
    let workers = match kind_of_workers.and_then(|pool| found.pools.get(pool)) {
        Some(workers) => *workers,
        None if has_workers(arguments, &found.workers) => found.with_workers,
        None => found.model,
    };
    match workers {
        programs::Workers::Threads => Some(ProcessModel::Threads),
        programs::Workers::Fork => Some(ProcessModel::Fork),
        programs::Workers::Spawn => Some(ProcessModel::Spawn),
        programs::Workers::Unknown => None,
    }
}

fn threaded(name: &str, found: &programs::Behaviour, arguments: &[String]) -> bool {
    match programs::threads(name, arguments) {
        Threads::One => false,
        Threads::Some | Threads::Several(_) => true,
        Threads::Unsaid => found.threaded,
    }
}

fn has_workers(arguments: &[String], options: &[String]) -> bool {
    given(arguments, options)
        .is_some_and(|given| given.value.is_none_or(|number| number.parse() != Ok(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<(ProcessKind, Option<ProcessModel>)> {
        let argv: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        recognise(&argv).map(|found| (found.kind, found.model))
    }

    #[test]
    fn servers_for_development_are_told_apart() {
        let development = |text: &str| {
            let argv: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            recognise(&argv).is_some_and(|found| found.development)
        };
        assert!(development("python manage.py runserver 0.0.0.0:8000"));
        assert!(development("uvicorn app:app --reload"));
        assert!(development("python -m uvicorn --reload app:app"));
        assert!(development("fastapi dev app.py"));
        assert!(!development("uvicorn app:app --reload-dir x"));
        assert!(!development("gunicorn app:app --reload=False"));
        assert!(!development("fastapi run app.py"));
    }

    #[test]
    fn programs_are_recognised_with_their_workers() {
        use ProcessKind::{Notebook, OneShot, Service};
        use ProcessModel::{Fork, Spawn, Threads};
        for (command, expected) in [
            ("gunicorn -w 4 app:app", Some((Service, Some(Fork)))),
            ("/venv/bin/gunicorn app:app", Some((Service, Some(Fork)))),
            ("uvicorn app:app --port 80", Some((Service, Some(Threads)))),
            ("uvicorn app:app --workers 4", Some((Service, Some(Spawn)))),
            (
                "uvicorn app:app --workers=1",
                Some((Service, Some(Threads))),
            ),
            ("python -m uvicorn app:app", Some((Service, Some(Threads)))),
            (
                "python3.12 -u manage.py runserver 0:80",
                Some((Service, Some(Threads))),
            ),
            ("python manage.py migrate", Some((OneShot, None))),
            (
                "celery -A x worker -P threads",
                Some((Service, Some(Threads))),
            ),
            (
                "celery -A x worker -Pgevent",
                Some((Service, Some(Threads))),
            ),
            ("celery -A x worker", Some((Service, Some(Fork)))),
            ("jupyter lab --ip 0", Some((Notebook, None))),
            ("pytest -q", Some((OneShot, None))),
            ("python3", Some((OneShot, None))),
            ("python app.py", None),
            ("node server.js", None),
        ] {
            assert_eq!(of(command), expected, "{command}");
        }
    }
}
