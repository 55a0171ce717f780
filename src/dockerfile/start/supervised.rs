//! What a supervisor starts, as its file says: supervisord, circus, honcho and others that read a Procfile.

use super::Follower;
use super::words::plain;
use crate::dockerfile::image::{Copied, CopySource};
use crate::facts::programs::{Supervisor, supervisor};
use crate::model::{ProcessKind, is_python, recognise};
use crate::shell::syntax;
use crate::text::paths::base_name;
use crate::text::{Place, Traced};

/// So many programs of one file are looked at.
const MOST: usize = 64;

/// A program that a file describes.
#[derive(Default)]
struct Program {
    name: String,
    /// The words of its command, which no shell reads; else a line for one.
    argv: Option<Vec<String>>,
    line: String,
    /// Where the command stands, in the text.
    at: usize,
    environment: Vec<(String, String)>,
}

impl Follower<'_> {
    /// Follows what a supervisor starts: the first program that is a server we know, else the only one. `false` where it is no
    /// supervisor, or its file is not here.
    pub(super) fn supervised(&mut self, program: &str, rest: &[String], hops: usize) -> bool {
        let Some(supervisor) = supervisor(base_name(program)).filter(|_| hops > 0) else {
            return false;
        };
        let files = self.files_of(supervisor, rest);
        for (text, file) in files {
            let programs = match &supervisor.section {
                Some(section) => sections(supervisor, section, text.as_str()),
                None => lines(text.as_str(), rest),
            };
            let serves = programs.iter().find(|program| program.serves());
            let only = programs.first().filter(|_| programs.len() == 1);
            let python = || programs.iter().find(|program| program.is_python());
            let Some(program) = serves.or(only).or_else(python) else {
                continue;
            };
            self.started.followed.push(file.file.path.clone());
            // What one of the others cannot bear, the image cannot.
            for other in &programs {
                self.breakable_argv(&other.words(), &place_of(other, &text, &file));
            }
            self.start_of(program, &text, &file, hops - 1);
            return true;
        }
        false
    }

    fn start_of(&mut self, program: &Program, text: &Traced, file: &Place, hops: usize) {
        let place = place_of(program, text, file);
        for (name, value) in &program.environment {
            self.started.settings.set_by_command(name, value, &place);
        }
        self.said_at = Some(place.clone());
        match &program.argv {
            Some(argv) => self.argv(argv, Some(&place), hops),
            None => {
                let mut line = Traced::new();
                line.push_from(&program.line, place.span);
                self.shell(&line, &place, &[], hops);
            }
        }
    }

    /// The paths in the image of the files that a COPY brings: one, or those of a folder.
    fn brought(&self, copied: &Copied) -> Vec<String> {
        let to = copied.to.trim_end_matches('/');
        let one = match copied.into_folder {
            true => format!("{to}/{}", base_name(&copied.path)),
            false => copied.to.clone(),
        };
        let home = self.build.around.home(&self.build.file.path);
        let source = copied.path.trim_matches('/').trim_start_matches("./");
        let mut folders = home.folders.iter().map(|folder| match folder.as_str() {
            "." => format!("{source}/"),
            folder => format!("{folder}/{source}/"),
        });
        let within = folders.find_map(|folder| {
            let files = self.build.around.list(folder.trim_end_matches('/'), 1);
            let names: Vec<String> = files
                .filter_map(|path| path.strip_prefix(&folder).map(str::to_owned))
                .filter(|name| !name.contains('/'))
                .take(FILES)
                .collect();
            (!names.is_empty()).then_some(names)
        });
        match within.filter(|_| copied.from == CopySource::Context && !source.is_empty()) {
            Some(names) => names.iter().map(|name| format!("{to}/{name}")).collect(),
            None => vec![one],
        }
    }

    /// The texts of the files that say what it starts, where they can be had.
    fn files_of(&mut self, supervisor: &Supervisor, rest: &[String]) -> Vec<(Traced, Place)> {
        let mut named = None;
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            let (option, value) = word.split_once('=').unwrap_or((word, ""));
            if supervisor.options.iter().any(|own| own == option) {
                named = Some(match value {
                    "" => words.next().cloned().unwrap_or_default(),
                    value => value.to_owned(),
                });
            } else if supervisor.options.is_empty() && !word.starts_with('-') {
                named = Some(word.clone());
            }
        }
        let own: Vec<&str> = match &named {
            Some(named) => vec![named.as_str()],
            None => supervisor.files.iter().map(String::as_str).collect(),
        };
        let copies = self.state.copies.iter();
        // Each is looked into once, where it may bring something.
        let near = copies.filter(|copied| {
            let mut folders = supervisor.folders.iter();
            folders.any(|folder| copied.to.starts_with(folder.as_str()))
        });
        let copied = near.take(FILES).flat_map(|copied| self.brought(copied));
        let further = copied.filter(|path| {
            let mut folders = supervisor.folders.iter();
            folders.any(|folder| {
                path.strip_prefix(folder.as_str())
                    .is_some_and(|rest| rest.starts_with('/'))
            })
        });
        let paths = own.into_iter().map(str::to_owned).chain(further);
        let paths: Vec<String> = paths.collect();
        let mut found = Vec::new();
        for path in paths {
            found.extend(self.find(&path));
        }
        found
    }
}

/// A folder holds no more files of a supervisor.
const FILES: usize = 64;

/// Where a program's command begins.
fn place_of(program: &Program, text: &Traced, file: &Place) -> Place {
    let first = program.line.lines().next().unwrap_or_default().len();
    let span = text.source(program.at..program.at + first);
    span.map_or_else(|| file.clone(), |span| file.at(span))
}

impl Program {
    /// The words of its command; of a line for a shell, of its first.
    fn words(&self) -> Vec<String> {
        self.argv.clone().unwrap_or_else(|| {
            let script = syntax::parse(&self.line);
            let first = script.commands.first();
            first.map_or_else(Vec::new, |command| plain(&command.words))
        })
    }

    /// Whether it is a server that we know.
    fn serves(&self) -> bool {
        let of = |argv: &[String]| {
            recognise(argv).is_some_and(|found| found.kind != ProcessKind::OneShot)
        };
        match &self.argv {
            Some(argv) => {
                let unwrapped = crate::shell::unwrap_argv(argv);
                let script = unwrapped.script.as_deref();
                script.map_or_else(|| of(&unwrapped.argv), |text| in_shell(text, &of))
            }
            None => in_shell(&self.line, &of),
        }
    }

    /// Whether it runs Python.
    fn is_python(&self) -> bool {
        let words = self.words();
        is_python(base_name(words.first().map_or("", String::as_str)))
    }
}

/// Whether one of the commands of a text for a shell is such.
fn in_shell(text: &str, of: &dyn Fn(&[String]) -> bool) -> bool {
    let script = syntax::parse(text);
    let mut commands = script.commands.iter();
    commands.any(|command| of(&crate::shell::unwrap_argv(&plain(&command.words)).argv))
}

/// The programs of a file of sections: `[program:web]`, `command = ...`, whose lines go on where they begin with a blank.
fn sections(supervisor: &Supervisor, section: &str, text: &str) -> Vec<Program> {
    let mut programs: Vec<Program> = Vec::new();
    let mut inside = false;
    let mut key = String::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let plain = line.split(" ;").next().unwrap_or_default().trim_end();
        if plain.trim_start().starts_with([';', '#']) || plain.is_empty() {
            continue;
        }
        if let Some(name) = plain
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next())
        {
            inside = name.starts_with(section) && programs.len() < MOST;
            if inside {
                programs.push(Program {
                    name: name.trim_start_matches(section).to_owned(),
                    ..Program::default()
                });
            }
            continue;
        }
        let Some(program) = programs.last_mut().filter(|_| inside) else {
            continue;
        };
        let goes_on = plain.starts_with([' ', '\t']);
        let value = match plain.split_once('=') {
            Some((name, value)) if !goes_on => {
                name.trim().clone_into(&mut key);
                value
            }
            _ if goes_on => plain,
            _ => continue,
        };
        if supervisor.command.contains(&key) {
            if program.line.is_empty() {
                program.at = start + plain.len() - value.trim_start().len();
            }
            program.line.push_str(value.trim());
            program.line.push(' ');
        } else if supervisor.environment.as_ref() == Some(&key) {
            program.environment.extend(pairs(value));
        }
    }
    for program in &mut programs {
        program.line = program.line.trim_end().to_owned();
        let script = syntax::parse(&program.line);
        let words = script.commands.first().map(|command| plain(&command.words));
        program.argv = Some(words.unwrap_or_default());
    }
    programs.retain(|program| !program.line.is_empty());
    programs
}

/// `A="b",C=d`
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = text.trim();
    while let Some((name, behind)) = rest.split_once('=') {
        let quote = behind.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, more) = match quote {
            Some(quote) => {
                let inner = behind.get(1..).unwrap_or_default();
                inner.split_once(quote).unwrap_or((inner, ""))
            }
            None => behind.split_once(',').unwrap_or((behind, "")),
        };
        pairs.push((name.trim().to_owned(), value.trim().to_owned()));
        rest = more.trim_start_matches([',', ' ', '\t']);
    }
    pairs
}

/// The programs of a Procfile: `web: gunicorn ...`; those that the command names, where it names some.
fn lines(text: &str, rest: &[String]) -> Vec<Program> {
    let mut programs = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n').take(MOST) {
        let start = at;
        at += line.len();
        let Some((name, command)) = line.split_once(':') else {
            continue;
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if name.is_empty() || !name.chars().all(plain) {
            continue;
        }
        let lead = command.len() - command.trim_start().len();
        programs.push(Program {
            name: name.to_owned(),
            at: start + name.len() + 1 + lead,
            line: command.trim().to_owned(),
            ..Program::default()
        });
    }
    let named = |program: &Program| rest.contains(&program.name);
    if programs.iter().any(named) {
        programs.retain(named);
    }
    programs
}
