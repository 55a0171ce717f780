//! What an image and its start say of how its memory grows: options of the server, its file of settings, packages.

use super::build::Build;
use super::copy::{self, Readable};
use super::image::ImageState;
use super::start::Started;
use crate::facts::{growth, programs};
use crate::model::{Evidence, Process, Sign, Unit, add_evidence, option_value};
use crate::shell::python::{Prose, code, is_called};
use crate::surroundings;
use crate::text::{Place, Span, Traced};

/// Gives a unit the signs of its image and of its start.
pub(super) fn give(unit: &mut Unit, build: &Build<'_>, state: &ImageState, started: &Started) {
    unit.evidence = of(build, state, started);
    // What the command does not say, the server's file of settings may.
    let mut signs = unit.evidence.iter();
    let threaded = |sign: &Evidence| matches!(sign.sign, Sign::Threads | Sign::ThreadPool);
    unit.process.threaded |= signs.any(threaded);
}

/// The signs, strong and weak, one of each kind.
fn of(build: &Build<'_>, state: &ImageState, started: &Started) -> Vec<Evidence> {
    let mut signs = Vec::new();
    let process = &started.process;
    if let (Some(server), Some(place)) = (&process.server, &process.place) {
        in_words(server, &process.argv, place, &mut signs);
        in_variable(server, &process.argv, state, &mut signs);
        in_file(build, state, process, &mut signs);
    }
    signs.extend(in_program(build, process));
    if let Some((package, place)) = &state.large {
        let sign = Sign::Packages;
        add_evidence(&mut signs, evidence(sign, package.clone(), place.clone()));
    }
    signs
}

const fn evidence(sign: Sign, text: String, place: Place) -> Evidence {
    Evidence { sign, text, place }
}

/// The line of a program that starts a server with threads.
fn in_program(build: &Build<'_>, process: &Process) -> Option<Evidence> {
    let sign = process.sign.filter(|sign| programs::is_threaded(sign))?;
    let file = surroundings::at(process.script.as_deref()?, build.around)?;
    let text = String::from_utf8_lossy(&file.bytes);
    if text.len() != file.bytes.len() || text.contains("threaded=False") {
        return None;
    }
    let (mut at, mut prose) = (0, Prose::default());
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        if !prose.holds(line) && is_called(line, sign) {
            let line = line.trim();
            let span = Span::new(start, start + line.len());
            let text = line.to_owned();
            return Some(evidence(Sign::Threads, text, Place::new(&file, span)));
        }
    }
    None
}

/// What the words of a command say.
fn in_words(server: &str, words: &[String], place: &Place, signs: &mut Vec<Evidence>) {
    let mut found = |sign: Sign, text: String| {
        add_evidence(signs, evidence(sign, text, place.clone()));
    };
    if let Some(text) = programs::thread_words(server, words) {
        let weak = text.split(['=', ' ']).any(growth::is_pool_worker);
        found(
            if weak {
                Sign::ThreadPool
            } else {
                Sign::Threads
            },
            text,
        );
    }
    if growth::has_pool(server) {
        found(Sign::ThreadPool, server.to_owned());
    } else if programs::has_threads(server, words)
        && programs::number_of_threads(Some(server), words).is_none()
    {
        found(Sign::Threads, server.to_owned());
    }
    if growth::preforks(server) && programs::forks(server, words) {
        found(Sign::Prefork, server.to_owned());
    }
    let known = growth::server(server).into_iter();
    for option in known.flat_map(growth::Server::recycling) {
        let value = option_value(words, option);
        if let Some(value) = value.filter(|value| *value != "0") {
            found(Sign::Recycling, format!("{option} {value}"));
        }
    }
}

/// What the variable says from which a server takes further options.
fn in_variable(server: &str, command: &[String], state: &ImageState, signs: &mut Vec<Evidence>) {
    let name = growth::server(server).and_then(|known| known.variable.as_deref());
    let Some(var) = name.and_then(|name| state.env.get(name)) else {
        return;
    };
    if let Some(text) = var.now.value.known() {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let mut found = Vec::new();
        in_words(server, &words, &var.now.value_place(), &mut found);
        // What the command says counts more.
        let said = programs::number_of_threads(Some(server), command).is_some();
        found.retain(|sign| sign.sign != Sign::Threads || !said);
        found.into_iter().for_each(|sign| add_evidence(signs, sign));
    }
}

/// What the server's file of settings says, where it is beside the Dockerfile.
fn in_file(build: &Build<'_>, state: &ImageState, process: &Process, signs: &mut Vec<Evidence>) {
    let server = process.server.as_deref().and_then(growth::server);
    let Some(server) = server else { return };
    let mut options = server.options();
    let named = options.find_map(|option| option_value(&process.argv, option));
    let argument = || {
        let mut words = process.argv.iter().skip(1);
        let named = |word: &&String| {
            [".ini", ".yaml", ".yml"]
                .iter()
                .any(|end| word.ends_with(end))
        };
        words.find(named).filter(|_| server.arguments)
    };
    let named = named.or_else(|| argument().map(String::as_str));
    // gunicorn's own way to say that it is a file.
    let named = named.map(|path| path.trim_start_matches("file:"));
    let paths: Vec<&str> = named.map_or_else(|| server.files().collect(), |path| vec![path]);
    let mut files = paths.iter().filter_map(|path| readable(build, state, path));
    let Some((text, place)) = files.next() else {
        return;
    };
    // What the command says counts more.
    let said = programs::number_of_threads(process.server.as_deref(), &process.argv).is_some();
    let (mut at, mut prose) = (0, Prose::default());
    for line in text.as_str().split_inclusive('\n') {
        let start = at;
        at += line.len();
        if prose.holds(line) {
            continue;
        }
        let found = in_setting(server, line);
        let Some((sign, range)) = found.filter(|(sign, _)| *sign != Sign::Threads || !said) else {
            continue;
        };
        let source = text.source(start + range.start..start + range.end);
        let text = line.get(range).unwrap_or_default().to_owned();
        let place = source.map_or_else(|| place.clone(), |span| place.at(span));
        add_evidence(signs, evidence(sign, text, place));
    }
}

fn readable(build: &Build<'_>, state: &ImageState, path: &str) -> Option<(Traced, Place)> {
    let found = copy::find(build, state, path).map(|found: Readable| found.open(build));
    found.and_then(Result::ok)
}

/// A line `key = value` or `key: value` that is a sign, and where in the line it stands.
fn in_setting(server: &growth::Server, line: &str) -> Option<(Sign, std::ops::Range<usize>)> {
    let lead = line.len() - line.trim_start().len();
    let text = code(line).trim();
    let at = text.find(['=', ':'])?;
    let (key, value) = (text.get(..at)?.trim(), text.get(at + 1..)?.trim());
    if value.starts_with('=') || value.starts_with("None") {
        return None;
    }
    let number = last_number(value);
    let sign = if server.is_threads(key) && number > Some(1) {
        Sign::Threads
    } else if server.is_recycling(key) && number > Some(0) {
        Sign::Recycling
    } else if !key.starts_with('#') && server.is_thread_pool(value.trim_matches(['"', '\''])) {
        Sign::Threads
    } else if !key.starts_with('#') && growth::is_pool_worker(value.trim_matches(['"', '\''])) {
        Sign::ThreadPool
    } else {
        return None;
    };
    Some((sign, lead..lead + text.len()))
}

/// The number that a value says, or takes where nothing else is set: `int(os.environ.get("THREADS", "4"))`.
fn last_number(value: &str) -> Option<u64> {
    let part = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let mut words = value.split(part).rev();
    words.find_map(|word| word.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_a_file_are_signs() {
        let gunicorn = growth::server("gunicorn").unwrap();
        let of = |line: &str| in_setting(gunicorn, line).map(|(sign, _)| sign);
        for line in [
            "threads = 4",
            "  threads = int(os.environ.get('T', '4'))  # many",
            "worker_class = \"gthread\"",
        ] {
            assert_eq!(of(line), Some(Sign::Threads), "{line}");
        }
        assert_eq!(of("max_requests = 1000\n"), Some(Sign::Recycling));
        for line in [
            "threads = 1",
            "# threads = 4",
            "max_requests = 0",
            "max_requests_jitter = 50",
            "worker_class = 'sync'",
            "import os",
        ] {
            assert_eq!(of(line), None, "{line}");
        }
        let uwsgi = growth::server("uwsgi").unwrap();
        let sign = in_setting(uwsgi, "reload-on-rss = 512").map(|(sign, _)| sign);
        assert_eq!(sign, Some(Sign::Recycling));
    }
}
