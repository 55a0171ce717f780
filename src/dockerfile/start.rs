//! What starts when the container starts: CMD and ENTRYPOINT, through wrappers and start scripts,
//! to the program that runs, and what happens to the environment on the way.

mod command;
mod console;
mod entrypoint;
mod interpreter;
mod places;
mod script;
mod service;
mod settings;
mod supervised;
mod target;
mod words;

use entrypoint::{Start, compose, is_login};
pub(super) use interpreter::interpreter;
use service::{Mentions, Script};
pub(super) use settings::Ended;
use settings::Settings;
use words::{
    given, lines_of, looks_like_script, mentions, mentions_library, put_in, python_scripts,
    shell_script,
};

use super::build::Build;
use super::copy::{self, Readable};
use super::fragile;
use super::image::{CopySource, ImageState};
use crate::facts::{self, is_allocator_setting, programs, roles};
use crate::model::{
    Fact, Found, Fragile, Privileged, Process, ProcessKind, ProcessModel, Stray, Strip, is_python,
    recognise,
};
use crate::secrets::masked_line;
use crate::shell;
use crate::shell::effects::{EffectKind, UNKNOWN};
use crate::shell::syntax::Word;
use crate::text::paths::base_name;
use crate::text::{Place, Traced};

/// Scripts that start scripts are followed this far.
const HOPS: usize = 6;
/// So many are read for one start.
const SCRIPTS: usize = 64;

/// The process and what its start does to the environment.
pub(super) struct Started {
    pub(super) process: Process,
    /// What it does to the variables that decide about allocators.
    pub(super) settings: Settings,
    pub(super) strips: Vec<Strip>,
    /// Settings of `LD_PRELOAD` that end before the service starts.
    pub(super) strays: Vec<Stray>,
    /// The paths of the scripts that were followed.
    pub(super) followed: Vec<String>,
    /// Why the process may get settings that we cannot see.
    pub(super) unseen: Option<String>,
    /// Start-up files that the command's shell reads.
    pub(super) login: bool,
    /// The paths of the files that its scripts read.
    pub(super) sourced: Vec<String>,
    /// How often it preloads what is surely no allocator.
    pub(super) others: usize,
    /// Programs that it starts and that a preload or a thread breaks.
    pub(super) fragile: Vec<Fragile>,
    /// Programs that it starts and that gain rights by it.
    pub(super) privileged: Vec<Privileged>,
    /// Programs that it starts without what breaks them.
    pub(super) shielded: Vec<&'static facts::Fragile>,
    /// What chooses the Python that runs, where the name and PATH alone do not: `uv run`.
    pub(super) chooser: Option<String>,
}

/// The variables that a start script finds and names, less those that decide about allocators: what it makes of these
/// is for the rules to see as it is written.
fn known<'s>(state: &'s ImageState, text: &str) -> impl Iterator<Item = (&'s str, &'s str)> {
    let ours = |name: &str| name.starts_with("LD_") || is_allocator_setting(name);
    let named = move |name: &str| text.contains('$') && text.contains(name) && !ours(name);
    let vars = state.env.iter().filter(move |var| named(&var.name));
    vars.filter_map(|var| Some((var.name.as_str(), var.now.value.known()?)))
}

/// Follows the start of a container of `state`.
pub(super) fn follow(build: &Build<'_>, state: &ImageState) -> Started {
    let commands = [state.entrypoint.as_ref(), state.cmd.as_ref()];
    let place = commands
        .iter()
        .flatten()
        .map(|command| command.place.clone())
        .next_back();
    let mut follower = Follower {
        build,
        state,
        scripts: SCRIPTS,
        argv: Vec::new(),
        written: None,
        said_at: None,
        text: None,
        started: Started {
            process: Process {
                argv: Vec::new(),
                place: place.clone(),
                said_at: None,
                written: None,
                worker_kind: None,
                missing: None,
                kind: Fact::Unknown("nothing says what the image starts".into()),
                model: Fact::Unknown("the server is not known".into()),
                threaded: false,
                server: None,
                copied: false,
                by_port_only: false,
                development: false,
                script: None,
                sign: None,
                hidden: state.hidden.clone(),
            },
            settings: Settings::default(),
            strips: Vec::new(),
            strays: Vec::new(),
            followed: Vec::new(),
            unseen: None,
            login: false,
            sourced: Vec::new(),
            others: 0,
            fragile: Vec::new(),
            shielded: Vec::new(),
            privileged: Vec::new(),
            chooser: None,
        },
    };
    match compose(state) {
        Some(Start::Argv(argv)) => follower.argv(&argv, place.as_ref(), HOPS),
        Some(Start::Shell(text, command)) => {
            follower.started.login = is_login(&state.shell);
            follower.shell(&text, &command.place, &[], HOPS);
        }
        None => {}
    }
    follower.finish()
}

impl Started {
    /// The programs of the image that a preload or a thread breaks, and those that this starts.
    pub(super) fn fragile(&self, state: &ImageState) -> Vec<Fragile> {
        let shielded = |fragile: &&Fragile| {
            let mut all = self.shielded.iter();
            all.any(|program| std::ptr::eq(*program, fragile.program))
        };
        // What drives a browser drives the one that was downloaded.
        let other = |fragile: &&Fragile| {
            let mut others = state.others.iter();
            fragile.found == Found::Named
                && others.any(|program| std::ptr::eq(*program, fragile.program))
        };
        let own = state.fragile.iter();
        let own = own.filter(|fragile| !shielded(fragile) && !other(fragile));
        // Where only the packages of some releases were seen to break, another program of that name is another matter.
        let release = state.platform.release.value().copied();
        let started = self.fragile.iter().filter_map(|fragile| {
            let mut brought = state.fragile.iter();
            let same = |other: &Fragile| std::ptr::eq(other.program, fragile.program);
            let sure = brought.any(|other| same(other) && other.found == Found::Installed);
            let found = match fragile.program.is_seen_in(release) {
                Some(false) => return None,
                Some(true) if sure || fragile.program.is_everywhere() => fragile.found,
                _ => Found::Named,
            };
            Some(Fragile {
                found,
                ..fragile.clone()
            })
        });
        let mut all: Vec<Fragile> = started.chain(own.cloned()).collect();
        all.dedup_by(|later, first| std::ptr::eq(later.program, first.program));
        all
    }
}

/// The words of a command as people are to read them: what is not known is no star.
fn written(words: Option<Vec<String>>, argv: &[String]) -> Option<Vec<String>> {
    let unknown = argv.iter().any(|word| word == UNKNOWN);
    let words = words.or_else(|| unknown.then(|| argv.to_vec()))?;
    let word = |word: String| if word == UNKNOWN { "...".into() } else { word };
    Some(words.into_iter().map(word).collect())
}

/// Whether a program is one file that a COPY brings from another stage or image.
fn is_copied(state: &ImageState, program: &str) -> bool {
    let mut copies = state
        .copies
        .iter()
        .filter(|copied| copied.from != CopySource::Context);
    let path = state.absolute(program);
    copies.any(|copied| {
        let name = base_name(&copied.path);
        let whole = !copied.into_folder && copied.to == path;
        let called = !program.contains('/') && base_name(&copied.to) == program;
        whole || called || copied.into_folder && name == base_name(program)
    })
}

/// The program that a Python script starts in its own place: the last `os.exec*` that names one; and whether with an
/// environment of which nothing says that it is its own.
fn replaced_by(text: &str) -> Option<(Vec<String>, bool)> {
    let mut execs = shell::python::read(text).execs.into_iter().rev();
    let exec = execs.find(|exec| exec.argv.first().is_some_and(Option::is_some))?;
    let word = |word: Option<String>| word.unwrap_or_else(|| UNKNOWN.into());
    let takes_one = exec.function.ends_with('e');
    let handed_on = [
        "environ.copy()",
        "**os.environ",
        "dict(os.environ)",
        ", os.environ)",
        ", environ)",
    ];
    let own = takes_one && !handed_on.iter().any(|form| text.contains(form));
    Some((exec.argv.into_iter().map(word).collect(), own))
}

struct Follower<'a> {
    build: &'a Build<'a>,
    state: &'a ImageState,
    /// Scripts that may still be read: each may name others, and itself.
    scripts: usize,
    /// The program as far as it has been followed.
    argv: Vec<String>,
    /// The same as it is written, where that differs: a script that Python runs by its first line.
    written: Option<Vec<String>>,
    /// Where its words stand, where that is not the command of the image.
    said_at: Option<Place>,
    /// The text of the Python program, where it was found, and its path.
    text: Option<(String, String)>,
    started: Started,
}

impl Follower<'_> {
    fn argv(&mut self, argv: &[String], place: Option<&Place>, hops: usize) {
        let here = place.cloned().unwrap_or_else(|| self.state.from.clone());
        self.started.login |= is_login(argv);
        self.chosen(argv.iter().map(String::as_str));
        self.breakable_argv(argv, &here);
        let unwrapped = shell::unwrap_argv(argv);
        if let Some(by) = &unwrapped.drops_environment {
            self.started.settings.drop_all(by, &here);
        }
        for (name, value) in unwrapped.env {
            self.started.settings.set_by_command(&name, &value, &here);
        }
        let kept = argv.iter().any(|word| word.starts_with("LD_PRELOAD="));
        if let Some(by) = unwrapped.drops_environment.filter(|_| !kept) {
            self.started.strips.push(Strip {
                by,
                launcher: None,
                only_non_root: false,
                place: here.clone(),
            });
        }
        if let Some(script) = unwrapped.script {
            let mut text = Traced::new();
            text.push_from(&script, here.span);
            // Behind the text stands what it calls itself, and then its arguments.
            let mut given = unwrapped.argv.iter();
            let given = given.find(|word| **word == script).map(|_| given.skip(1));
            let given: Vec<String> = given.into_iter().flatten().cloned().collect();
            return self.shell(&text, &here, &given, hops);
        }
        let Some((program, rest)) = unwrapped.argv.split_first() else {
            return;
        };
        if self.supervised(program, rest, hops) {
            return;
        }
        let runs_python = is_python(base_name(program));
        let (program, rest) = match shell_script(program, rest) {
            Some((script, rest)) => (script, rest),
            None => (program, rest),
        };
        let scripts = if runs_python {
            python_scripts(rest)
        } else {
            vec![program.clone()]
        };
        let shell =
            base_name(program) != base_name(unwrapped.argv.first().map_or("", String::as_str));
        let here = self.in_repository(program, shell || runs_python);
        let recognised = !shell && here.is_none() && recognise(&unwrapped.argv).is_some();
        self.argv = std::iter::once(program).chain(rest).cloned().collect();
        self.written = None;
        if let Some((text, file)) = self.own_command(&unwrapped.argv) {
            self.written = Some(unwrapped.argv);
            self.argv = vec!["python".into(), file.file.path.clone()];
            self.text = Some((text.as_str().to_owned(), file.file.path.clone()));
            return;
        }
        if recognised || hops == 0 {
            return;
        }
        let scripts = scripts.iter();
        let mut found = scripts.map(|script| copy::find(self.build, self.state, script));
        match here.or_else(|| found.find_map(|found| found)) {
            Some(readable) => {
                if let Some((text, file)) = self.open(readable) {
                    self.script(&text, &file, rest, hops - 1);
                }
            }
            None if looks_like_script(program) => {
                self.started.unseen.get_or_insert_with(|| {
                    format!("the start script `{program}` is not beside the Dockerfile")
                });
            }
            None if !runs_python && !program.contains('/') => {
                if let Some((text, file)) = self.console_script(program) {
                    self.script(&text, &file, rest, hops - 1);
                }
            }
            None => {}
        }
    }

    /// Notes the programs that gain rights: `sudo`, and those with file capabilities.
    fn privileged(
        &mut self,
        effects: &[shell::effects::Effect],
        place: impl Fn(&shell::effects::Effect) -> Place,
    ) {
        for effect in effects {
            let name = match &effect.kind {
                EffectKind::DropsEnvironment { by, .. } if by == "sudo" => Some(by.clone()),
                EffectKind::Run { words, .. } => {
                    let name = words.first().and_then(Word::literal);
                    let name = name.map(|name| base_name(&name).to_owned());
                    name.filter(|name| {
                        name == "sudo" || self.state.capable.iter().any(|own| own == name)
                    })
                }
                _ => None,
            };
            let place = place(effect);
            self.started
                .privileged
                .extend(name.map(|name| Privileged { name, place }));
        }
    }

    /// Notes the programs of a script that a preload or a thread breaks.
    fn breakable(&mut self, script: Script<'_>) {
        let place = |effect: &shell::effects::Effect| script.place(&effect.range);
        self.privileged(&script.reading.effects, place);
        let sourced = script
            .reading
            .effects
            .iter()
            .filter_map(|effect| match &effect.kind {
                EffectKind::RunScript {
                    words,
                    sourced: true,
                    ..
                } => words.first().and_then(Word::literal),
                _ => None,
            });
        self.started.sourced.extend(sourced);
        let (effects, scopes) = (&script.reading.effects, &script.reading.scopes);
        let mentions = Mentions::of(script);
        let runs = |effect: &shell::effects::Effect| {
            let mut functions = scopes.functions(effect.context);
            !functions.any(|(name, _)| mentions.never_calls(name))
        };
        let (found, shielded) = fragile::started(effects, script.text, runs, place);
        self.started.fragile.extend(found);
        self.started.shielded.extend(shielded);
    }

    /// The same of an argv, which is one command.
    fn breakable_argv(&mut self, argv: &[String], here: &Place) {
        let mut text = Traced::new();
        let quoted = argv
            .iter()
            .map(|word| format!("'{}'", word.replace('\'', "'\\''")));
        text.push_from(&quoted.collect::<Vec<_>>().join(" "), here.span);
        let effects = shell::effects::read(text.as_str());
        self.privileged(&effects, |_| here.clone());
        let (found, shielded) = fragile::started(&effects, &text, |_| true, |_| here.clone());
        self.started.fragile.extend(found);
        self.started.shielded.extend(shielded);
    }

    /// The text of a program that is a shell script of the repository, whatever its name: by its path, or in a folder of
    /// PATH. (A shell or an interpreter finds its script otherwise.)
    fn in_repository(&self, program: &str, runs_another: bool) -> Option<Readable> {
        if runs_another {
            return None;
        }
        let found = if program.contains('/') {
            copy::find(self.build, self.state, program)
        } else {
            copy::find_in_path(self.build, self.state, program)
        };
        found.filter(Readable::is_shell)
    }

    /// The text of a file of the image and where it stands. What may not be read may set anything.
    fn open(&mut self, readable: Readable) -> Option<(Traced, Place)> {
        let written = matches!(readable, Readable::Inline(_));
        match readable.open(self.build) {
            Ok((text, file)) if written => Some((lines_of(text), file)),
            Ok(found) => Some(found),
            Err(why) => {
                self.started.unseen.get_or_insert(why);
                None
            }
        }
    }

    fn find(&mut self, path: &str) -> Option<(Traced, Place)> {
        let readable = copy::find(self.build, self.state, path)?;
        self.open(readable)
    }

    /// A script that was found: a shell's, or Python's.
    fn script(&mut self, text: &Traced, file: &Place, rest: &[String], hops: usize) {
        let first = text.as_str().lines().next().unwrap_or_default();
        let python =
            first.starts_with("#!") && first.contains("python") || file.file.path.ends_with(".py");
        if !python {
            return self.shell(text, file, rest, hops);
        }
        if let Some(path) = mentions(text.as_str()).then(|| file.file.path.clone()) {
            self.started
                .unseen
                .get_or_insert_with(|| format!("`{path}` deals with allocators itself"));
        }
        if let Some((argv, own)) = replaced_by(text.as_str()).filter(|_| hops > 0) {
            if own {
                let path = &file.file.path;
                let why = format!("`{path}` starts it with an environment that it puts together");
                self.started.unseen.get_or_insert(why);
            }
            self.started.followed.push(file.file.path.clone());
            self.said_at = Some(file.clone());
            return self.argv(&argv, Some(file), hops - 1);
        }
        self.text = Some((text.as_str().to_owned(), file.file.path.clone()));
        if !is_python(self.argv.first().map_or("", |program| base_name(program))) {
            self.written = Some(self.argv.clone());
            self.argv.insert(0, "python".into());
        }
    }

    /// Shell text: what it does to the environment, and which of its commands is the service.
    fn shell(&mut self, text: &Traced, file: &Place, positional: &[String], hops: usize) {
        let before = self.understood();
        self.started.followed.push(file.file.path.clone());
        self.chosen(text.as_str().split_ascii_whitespace());
        let known = known(self.state, text.as_str());
        let exported = self.exported();
        let unsure = self.state.env.iter();
        let unsure = unsure.filter(|var| var.now.value.known().is_none());
        let unsure: Vec<String> = unsure.map(|var| var.name.clone()).collect();
        let start = shell::effects::Start {
            arguments: positional,
            known: known.collect(),
            exported: &exported,
            unsure: &unsure,
            all: false,
        };
        let reading = shell::effects::read_with(text.as_str(), &start);
        let service = command::service(&reading, positional);
        let script = Script {
            reading: &reading,
            text,
            file,
            positional,
        };
        self.breakable(script);
        self.settings_for(script, service.map(|(at, _)| at), hops);
        self.unread(text.as_str(), file, before);
        let Some((at, words)) = service else {
            return;
        };
        let effect = reading.effects.get(at);
        self.said_at = effect.map(|effect| script.place(&effect.range));
        self.started
            .process
            .hidden
            .extend(put_in(words, text.as_str()));
        let argv = given(words, positional);
        if hops > 0 && !argv.is_empty() {
            self.argv(&argv, Some(file), hops - 1);
        }
    }

    /// How much of what is loaded, and of other settings, was understood.
    fn understood(&self) -> (usize, usize) {
        let settings = &self.started.settings;
        let preloads = settings.loading() + self.started.strays.len() + self.started.others;
        (preloads, settings.len() + preloads)
    }

    /// A script that deals with allocators in a way that was not understood.
    fn unread(&mut self, text: &str, file: &Place, before: (usize, usize)) {
        let now = self.understood();
        let preloads = now.0 > before.0;
        let settings = preloads || now.1 > before.1;
        if !preloads && mentions_library(text) || !settings && mentions(text) {
            let path = &file.file.path;
            self.started
                .unseen
                .get_or_insert_with(|| format!("`{path}` sets up an allocator when it starts"));
        }
    }

    /// The text in the Python program that says that it keeps running, and the program's path.
    fn sign(&self) -> Option<(&'static programs::Sign, String)> {
        let (text, path) = self.text.as_ref()?;
        let code = shell::python::without_prose(text);
        Some((programs::sign_of_service(&code)?, path.clone()))
    }

    /// The exposed port or health check, if it can be this program's. Where the folder says that what is in it ends, it
    /// was copied from elsewhere.
    fn serves(&self) -> Option<&Place> {
        let stdio = |text: &str| programs::talks_over_stdio(text, &self.argv);
        let serves = self.state.serves.as_ref();
        serves.filter(|place| {
            !self.argv.is_empty()
                && !self.text.as_ref().is_some_and(|(text, _)| stdio(text))
                && !roles::is_in_job_folder(&place.file.path)
        })
    }

    /// A program that starts the service without the environment.
    fn launched(&mut self) {
        let Some((program, rest)) = self.argv.split_first() else {
            return;
        };
        let Some(launcher) = programs::launcher(base_name(program)) else {
            return;
        };
        let set = launcher.only_with().is_none_or(|(name, value)| {
            let var = self.state.env.get(name);
            var.and_then(|var| var.now.value.known()) == Some(value)
        });
        let mut given = rest.iter().filter_map(|word| {
            let found = copy::find(self.build, self.state, word)?;
            found.open(self.build).ok()
        });
        let saved = given.any(|(text, _)| launcher.is_saved_by(text.as_str()));
        if set && !saved {
            let place = self.started.process.place.clone();
            self.started.strips.push(Strip {
                by: base_name(program).to_owned(),
                launcher: Some(launcher),
                only_non_root: false,
                place: place.unwrap_or_else(|| self.state.from.clone()),
            });
        }
    }

    /// What kind of process it is, from all that was found.
    fn finish(mut self) -> Started {
        self.launched();
        let (sign, serves) = (self.sign(), self.serves().cloned());
        let missing = self.missing_target();
        let mut process = self.started.process;
        if let Some(found) = recognise(&self.argv) {
            let place = process
                .place
                .clone()
                .unwrap_or_else(|| self.state.from.clone());
            process.kind = Fact::Known(found.kind, place.clone());
            process.model = match found.model {
                Some(model) => Fact::Known(model, place),
                None => Fact::Unknown(format!("how `{}` makes workers is not known", found.server)),
            };
            process.threaded = found.threaded;
            process.development = found.development;
            process.server = Some(found.server);
            process.missing = missing;
        } else if let Some((sign, script)) = sign {
            process.sign = Some(sign);
            process.kind = Fact::Assumed(
                ProcessKind::Service,
                format!("`{script}` holds `{}`", sign.text),
            );
            process.model = Fact::Assumed(
                ProcessModel::Threads,
                format!("`{script}` starts no workers itself"),
            );
        } else if let Some(serves) = serves {
            let text = serves.file.text(serves.span);
            let line = text.lines().next().unwrap_or_default().trim();
            // What a check asks for is its own affair.
            let line = match line.get(..11) {
                Some(word) if word.eq_ignore_ascii_case("HEALTHCHECK") => "HEALTHCHECK".to_owned(),
                _ => masked_line(line),
            };
            let why = format!("`{line}`, line {}", serves.line());
            process.kind = Fact::Assumed(ProcessKind::Service, why);
            process.by_port_only = true;
        }
        if let (Fact::Unknown(why), Some(program)) = (&mut process.kind, self.argv.first()) {
            *why = format!(
                "`{program}` is not a program we know, and its text was not found or does not tell"
            );
        }
        process.copied = self
            .argv
            .first()
            .is_some_and(|program| is_copied(self.state, program));
        process.script = self.text.map(|(_, path)| path);
        process.argv = self.argv;
        process.written = written(self.written, &process.argv);
        process.said_at = self.said_at;
        self.started.process = process;
        self.started
    }
}
