//! What an image and its start say of how its memory grows: options of the server, its file of settings, packages.

use super::build::Build;
use super::copy::{self, Readable};
use super::image::ImageState;
use super::start::Started;
use crate::facts::programs::{self, Threads};
use crate::facts::{growth, options};
use crate::model::{Evidence, Process, Sign, Unit, add_evidence};
use crate::shell::python::{Prose, code, is_called};
use crate::surroundings;
use crate::text::{Place, Span, Traced};

/// Gives a unit the signs of its image and of its start.
pub(super) fn give(unit: &mut Unit, build: &Build<'_>, state: &ImageState, started: &Started) {
    unit.native_threads.clone_from(&state.noted.native_threads);
    unit.bundled.clone_from(&state.noted.bundled);
    unit.python_build.clone_from(&state.noted.python_build);
    let kind = worker_kind(build, state, &started.process);
    unit.evidence = of(build, state, started);
    unit.evidence.retain(|sign| {
        let server = started.process.server.as_deref().unwrap_or_default();
        let ignored = kind
            .as_ref()
            .is_some_and(|kind| !programs::threads_count(server, kind));
        sign.sign != Sign::Threads || !ignored
    });
    unit.process.worker_kind = kind;
    // What the command does not say, the server's file of settings may.
    let mut signs = unit.evidence.iter();
    let threaded = |sign: &Evidence| matches!(sign.sign, Sign::Threads | Sign::ThreadPool);
    unit.process.threaded |= signs.any(threaded);
}

/// The signs, strong and weak, one of each kind.
fn of(build: &Build<'_>, state: &ImageState, started: &Started) -> Vec<Evidence> {
    let mut signs = Vec::new();
    let process = &started.process;
    if let Some(server) = &process.server {
        in_words(server, &process.argv, &said_at(process), &mut signs);
        in_variable(server, &process.argv, state, &mut signs);
        in_file(build, state, process, &mut signs);
    }
    signs.extend(in_program(build, process));
    if let Some((package, place)) = &state.noted.large {
        let sign = Sign::Packages;
        add_evidence(&mut signs, evidence(sign, package.clone(), place.clone()));
    }
    signs
}

/// What kind of workers the server is asked for: by its command, by its variable, by its file.
fn worker_kind(build: &Build<'_>, state: &ImageState, process: &Process) -> Option<String> {
    let name = process.server.as_deref()?;
    let in_command = programs::worker_kind(name, &process.argv).map(str::to_owned);
    let server = growth::server(name)?;
    let in_variable = || {
        let words = further_options(server, state)?.0;
        programs::worker_kind(name, &words).map(str::to_owned)
    };
    let in_file = || {
        let (text, _) = file_of(build, state, process)?;
        let mut settings = text.as_str().lines().filter_map(setting);
        let (_, value) = settings.find(|(key, _)| server.is_worker_kind(key))?;
        Some(last_literal(value).to_owned())
    };
    in_command.or_else(in_variable).or_else(in_file)
}

const fn evidence(sign: Sign, text: String, place: Place) -> Evidence {
    Evidence { sign, text, place }
}

/// The line of a program that starts a server with threads.
fn in_program(build: &Build<'_>, process: &Process) -> Option<Evidence> {
    let sign = process.sign.filter(|sign| sign.threads)?;
    let file = surroundings::at(process.script.as_deref()?, build.around)?;
    let text = String::from_utf8_lossy(&file.bytes);
    if text.len() != file.bytes.len() || text.contains("threaded=False") {
        return None;
    }
    let (mut at, mut prose) = (0, Prose::default());
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        if !prose.holds(line) && is_called(line, &sign.text) {
            let line = line.trim();
            let span = Span::new(start, start + line.len());
            let text = line.to_owned();
            return Some(evidence(Sign::Threads, text, Place::new(&file, span)));
        }
    }
    None
}

/// What the words of a command say, which stand at one of these places.
fn in_words(server: &str, words: &[String], places: &[Place], signs: &mut Vec<Evidence>) {
    let mut found = |sign: Sign, text: String| {
        if let Some((text, place)) = as_written(&text, places) {
            add_evidence(signs, evidence(sign, text, place));
        }
    };
    let threads = programs::threads(server, words);
    let own = growth::has_pool(server) || programs::has_threads(server, words);
    match threads {
        Threads::Several(text) if text.split(['=', ' ']).any(growth::is_pool_worker) => {
            found(Sign::ThreadPool, text);
        }
        Threads::Several(text) => found(Sign::Threads, text),
        Threads::Unsaid if growth::has_pool(server) => found(Sign::ThreadPool, server.to_owned()),
        Threads::Unsaid if own => found(Sign::Threads, server.to_owned()),
        _ => {}
    }
    if growth::preforks(server) && programs::forks(server, words) {
        found(Sign::Prefork, server.to_owned());
    }
    let known = growth::server(server).into_iter();
    for option in known.flat_map(growth::Server::recycling) {
        let Some(given) = options::given(words, [option]) else {
            continue;
        };
        // `${MAX:-0}` is off where nobody says otherwise.
        let written = as_written(&given.text(), places);
        if written.is_some_and(|(written, _)| last_number(&written) != Some(0)) {
            found(Sign::Recycling, given.text());
        }
    }
}

/// Where a command's words stand: in the script that runs it, in another line of that, or in the image's command, of which the
/// script may run what it was given.
fn said_at(process: &Process) -> Vec<Place> {
    let mut places: Vec<Place> = process.said_at.iter().cloned().collect();
    places.extend(process.said_at.as_ref().map(|place| {
        let whole = Span::new(0, place.file.bytes.len());
        place.at(whole)
    }));
    places.extend(process.place.clone());
    places
}

/// The place of several that holds a text, else the last one: what is nowhere is in the command as a whole.
fn holding(text: &str, places: &[Place]) -> Option<Place> {
    let word = text.split(['=', ' ']).next().unwrap_or_default();
    let holds = |place: &&Place| place.of_text(word) != **place;
    let mut all = places.iter();
    all.find(holds).or(places.last()).cloned()
}

/// An option as the file has it, and where: `--threads=${T:-4}` where that was made `--threads=4`.
fn as_written(text: &str, places: &[Place]) -> Option<(String, Place)> {
    let place = holding(text, places)?;
    Some(in_place(text, &place))
}

fn in_place(text: &str, place: &Place) -> (String, Place) {
    let exact = place.of_text(text);
    if exact != *place {
        return (text.to_owned(), exact);
    }
    let option = text.split(['=', ' ']).next().unwrap_or_default();
    let found = place.of_text(option);
    let rest = place.file.text(Span::new(found.span.end, place.span.end));
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';');
    let end = match rest.chars().next() {
        Some('=') => rest.find(ends),
        Some(' ') => rest
            .get(1..)
            .and_then(|rest| rest.find(ends))
            .map(|at| at + 1),
        // In quotes: `"--threads", "4"`.
        _ => Some(0),
    };
    let end = end.unwrap_or(rest.len());
    if end == 0 || found == *place {
        return (text.to_owned(), found);
    }
    let whole = found.at(Span::new(found.span.start, found.span.end + end));
    (whole.file.text(whole.span).into_owned(), whole)
}

/// What the variable says from which a server takes further options.
fn in_variable(server: &str, command: &[String], state: &ImageState, signs: &mut Vec<Evidence>) {
    let further = growth::server(server).and_then(|known| further_options(known, state));
    let Some((words, place)) = further else {
        return;
    };
    let mut found = Vec::new();
    in_words(server, &words, &[place], &mut found);
    // What the command says counts more.
    let said = programs::threads(server, command) != Threads::Unsaid;
    found.retain(|sign| sign.sign != Sign::Threads || !said);
    found.into_iter().for_each(|sign| add_evidence(signs, sign));
}

/// The options in the variable of a server, and where they stand.
fn further_options(server: &growth::Server, state: &ImageState) -> Option<(Vec<String>, Place)> {
    let var = state.env.get(server.variable.as_deref()?)?;
    let words = var.now.value.known()?.split_whitespace();
    Some((words.map(str::to_owned).collect(), var.now.value_place()))
}

/// The server's file of settings, where it is beside the Dockerfile.
fn file_of(build: &Build<'_>, state: &ImageState, process: &Process) -> Option<(Traced, Place)> {
    let server = growth::server(process.server.as_deref()?)?;
    let mut own = server.options();
    let named = own.find_map(|option| options::value(&process.argv, option));
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
    paths.iter().find_map(|path| readable(build, state, path))
}

/// What the server's file of settings says.
fn in_file(build: &Build<'_>, state: &ImageState, process: &Process, signs: &mut Vec<Evidence>) {
    let name = process.server.as_deref().unwrap_or_default();
    let Some(server) = growth::server(name) else {
        return;
    };
    let Some((text, place)) = file_of(build, state, process) else {
        return;
    };
    // What the command says counts more.
    let said = programs::threads(name, &process.argv) != Threads::Unsaid;
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

/// A line `key = value` or `key: value`.
fn setting(line: &str) -> Option<(&str, &str)> {
    let text = code(line).trim();
    let at = text.find(['=', ':'])?;
    let (key, value) = (text.get(..at)?.trim(), text.get(at + 1..)?.trim());
    let none = value.starts_with('=') || value.starts_with("None") || key.starts_with(['#', ';']);
    (!none).then_some((key, value))
}

/// Such a line that is a sign, and where in the line it stands.
fn in_setting(server: &growth::Server, line: &str) -> Option<(Sign, std::ops::Range<usize>)> {
    let (key, value) = setting(line)?;
    let number = last_number(value);
    let word = last_literal(value);
    // `$(THREADS)` of uwsgi's file: whoever says it at all wants more than one.
    let open = number.is_none() && value.starts_with("$(");
    let sign = if server.is_threads(key) && (number > Some(1) || open) {
        Sign::Threads
    } else if server.is_recycling(key) && (number > Some(0) || open) {
        Sign::Recycling
    } else if server.is_thread_pool(word) {
        Sign::Threads
    } else if growth::is_pool_worker(word) {
        Sign::ThreadPool
    } else {
        return None;
    };
    let lead = line.len() - line.trim_start().len();
    Some((sign, lead..lead + code(line).trim().len()))
}

/// The text that a value is, or takes where nothing else is set: `os.environ.get("KIND", "gthread")`.
fn last_literal(value: &str) -> &str {
    let parts: Vec<&str> = value.split(['"', '\'']).collect();
    // Quotes part what is quoted from what is not.
    let mut quoted = parts.chunks_exact(2).filter_map(|pair| pair.get(1));
    quoted.next_back().copied().unwrap_or(value)
}

/// The number that a value says, or takes where nothing else is set: `int(os.environ.get("THREADS", "4"))`.
fn last_number(value: &str) -> Option<u64> {
    let part = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let mut words = value.split(part).rev();
    // Python's own `20_000`.
    words.find_map(|word| {
        let digits = word.starts_with(|c: char| c.is_ascii_digit());
        digits.then(|| word.replace('_', ""))?.parse().ok()
    })
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
            "worker_class = os.environ.get('KIND', 'gthread')",
        ] {
            assert_eq!(of(line), Some(Sign::Threads), "{line}");
        }
        assert_eq!(of("max_requests = 1000\n"), Some(Sign::Recycling));
        assert_eq!(of("max_requests = 20_000  # leaks"), Some(Sign::Recycling));
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
