//! Whether a command is a server that is known, and where such a server listens.

use std::ffi::OsString;
use std::fs;

use super::tree::{self, Root};
use crate::facts::ports;
use crate::model::{ProcessKind, recognise};
use crate::shell::{is_shell, unwrap_argv};
use crate::text::paths::file_name;

/// A server that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// Its name.
    pub(super) name: String,
    /// Where it should listen, by its arguments, or because it does where they say nothing.
    pub(super) port: Option<u16>,
    /// Whether its arguments say so.
    pub(super) named: bool,
}

/// What a command line starts.
enum Starts {
    Server(Known),
    /// Whatever the lines of a shell say.
    Shell,
    Other,
}

impl Known {
    /// The server that a command starts.
    #[must_use]
    pub(crate) fn of(command: &[OsString]) -> Option<Self> {
        let words: Vec<String> = command
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        match starts(&words) {
            Starts::Server(known) => Some(known),
            Starts::Shell | Starts::Other => None,
        }
    }

    /// The server that the command of a tree has become, or that its shell has started. What a program of another
    /// kind starts is its own affair: a batch job may well start a server and end.
    pub(super) fn below(root: Root) -> Option<Self> {
        let mut open = root.first();
        while let Some(pid) = open.pop() {
            match starts(&command_line(pid)) {
                Starts::Server(known) => return Some(known),
                Starts::Shell => open.extend(tree::children(pid)),
                Starts::Other => {}
            }
        }
        None
    }
}

fn command_line(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = bytes
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty());
    words
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

fn starts(words: &[String]) -> Starts {
    let unwrapped = unwrap_argv(words);
    let program = unwrapped
        .argv
        .first()
        .map_or("", |program| file_name(program));
    if unwrapped.script.is_some() || is_shell(program) {
        return Starts::Shell;
    }
    let found = recognise(&unwrapped.argv).filter(|found| found.kind == ProcessKind::Service);
    found.map_or(Starts::Other, |found| {
        let arguments = unwrapped.argv.get(1..).unwrap_or_default();
        let port = ports::port(&found.server, arguments);
        Starts::Server(Known {
            port,
            named: port != ports::port(&found.server, &[]),
            name: found.server,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_known_behind_what_starts_them() {
        let known = |text: &str| {
            let words: Vec<OsString> = text.split(' ').map(OsString::from).collect();
            Known::of(&words).map(|known| (known.name, known.port))
        };
        let server = |name: &str, port| Some((name.to_owned(), port));
        for (command, expected) in [
            ("gunicorn app:app", server("gunicorn", Some(8000))),
            (
                "env A=b gunicorn -b :9000 app:app",
                server("gunicorn", Some(9000)),
            ),
            (
                "poetry run gunicorn app:app",
                server("gunicorn", Some(8000)),
            ),
            (
                "uv run uvicorn app:app --port 9000",
                server("uvicorn", Some(9000)),
            ),
            ("python -m uvicorn app:app", server("uvicorn", Some(8000))),
            (
                "/venv/bin/python /venv/bin/gunicorn app:app",
                server("gunicorn", Some(8000)),
            ),
            (
                "python manage.py runserver 0:9000",
                server("manage.py", Some(9000)),
            ),
            ("flask --app app run", server("flask", Some(5000))),
            (
                "uwsgi --http-socket :9000 --module app",
                server("uwsgi", Some(9000)),
            ),
            ("hypercorn asgi:app", server("hypercorn", Some(8000))),
            (
                "granian --interface wsgi --port 9000 wsgi:app",
                server("granian", Some(9000)),
            ),
            ("daphne -p 9000 asgi:app", server("daphne", Some(9000))),
            (
                "waitress-serve wsgi:app",
                server("waitress-serve", Some(8080)),
            ),
            (
                "streamlit run app.py --server.headless true",
                server("streamlit", Some(8501)),
            ),
            ("celery -A app worker", server("celery", None)),
            ("python manage.py migrate", None),
            ("gunicorn --version", None),
            ("python batch.py", None),
            ("sh -c gunicorn", None),
            ("sleep 1", None),
        ] {
            assert_eq!(known(command), expected, "{command}");
        }
    }
}
