//! What RUN does to a stage: the shell's effects carried over to the image's state.

mod libraries;
mod mounts;
mod opaque;
mod packages;
mod python_build;
mod settings;
mod version;

use std::collections::BTreeSet;
use std::ops::Range;

pub(super) use settings::{is_shell_start, stars};

use super::build::Build;
use super::copy::family_of;
use super::fragile;
use super::image::ImageState;
use super::syntax::{Args, Instruction};
use crate::model::{Strip, ThreadHook};
use crate::shell::effects::{Effect, EffectKind, Reader, Usually};
use crate::shell::is_shell;
use crate::shell::syntax::{Part, Word};
use crate::text::paths::base_name;
use crate::text::{Place, Span, Traced};

/// Scripts that run scripts are followed this deep.
const DEPTH: usize = 4;

/// A text whose effects are being applied.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) text: &'a Traced,
    /// The file that the text's spans are of.
    pub(super) file: &'a Place,
    /// How many scripts led here.
    pub(super) depth: usize,
}

impl Source<'_> {
    /// The place of `range` of the text.
    pub(super) fn place(&self, range: &Range<usize>) -> Place {
        self.text
            .source(range.clone())
            .map_or_else(|| self.file.clone(), |span| self.file.at(span))
    }
}

/// Applies a RUN.
pub(super) fn run(build: &Build<'_>, state: &mut ImageState, instruction: &Instruction) {
    let mounted = mounts::of(build, state, instruction);
    let others = state.copies.len();
    state.copies.extend(mounted);
    steps(build, state, instruction);
    // They are gone when the step is over, which copies nothing itself.
    state.copies.truncate(others);
}

fn steps(build: &Build<'_>, state: &mut ImageState, instruction: &Instruction) {
    let file = build.place(instruction.span);
    let hook = ThreadHook::named_in(instruction.text.as_str());
    state.thread_hook = state.thread_hook.max(hook);
    if let Args::Json(words) = &instruction.args {
        if hook != ThreadHook::Absent {
            // Python that names jemalloc: nothing of it is built or installed here.
            return;
        }
        let mut text = Traced::new();
        for (index, word) in words.iter().enumerate() {
            if index > 0 {
                text.push_from(" ", Span::empty(word.span.start));
            }
            let quoted = word.value.as_str();
            text.push_from(&format!("'{}'", quoted.replace('\'', "'\\''")), word.span);
        }
        return apply(
            build,
            state,
            Source {
                text: &text,
                file: &file,
                depth: 0,
            },
        );
    }
    if !state.reads_shell() {
        return;
    }
    let whole = with_bodies(build, instruction);
    apply(
        build,
        state,
        Source {
            text: &whole,
            file: &file,
            depth: 0,
        },
    );
    for heredoc in &instruction.heredocs {
        if is_read_by_shell(instruction.text.as_str()) {
            let body = Traced::verbatim(&build.file.bytes, heredoc.body);
            apply(
                build,
                state,
                Source {
                    text: &body,
                    file: &file,
                    depth: 0,
                },
            );
        }
    }
}

/// The command with the bodies of its heredocs behind it, as a shell would read them; without those
/// that are scripts of their own.
fn with_bodies(build: &Build<'_>, instruction: &Instruction) -> Traced {
    let mut whole = instruction.text.clone();
    if is_shell(whole.as_str()) {
        return whole;
    }
    for heredoc in &instruction.heredocs {
        whole.push_from("\n", Span::empty(heredoc.body.start));
        whole.push(&build.file.bytes, heredoc.body);
        if let Some(terminator) = heredoc.terminator {
            whole.push(&build.file.bytes, terminator);
        }
    }
    whole
}

/// Whether the command that takes the heredoc is a shell: `RUN <<EOF`, `RUN bash -e <<EOF`.
fn is_read_by_shell(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    first.starts_with("<<") || is_shell(base_name(first))
}

/// Applies the effects of a text.
pub(super) fn apply(build: &Build<'_>, state: &mut ImageState, source: Source<'_>) {
    let text = source.text.as_str();
    opaque::bind_architecture(state, text);
    packages::interpreters(state, text);
    let effects = reader(state, text).read(text);
    // What is exported with nothing but exports behind it is for nobody; of several for one variable the last counts.
    let exports = |effect: &&Effect| matches!(effect.kind, EffectKind::Export { .. });
    let mut names = BTreeSet::new();
    let tail = effects.iter().rev().take_while(exports);
    let mut last: Vec<bool> = tail
        .map(|effect| match &effect.kind {
            EffectKind::Export { name, .. } => names.insert(name),
            _ => false,
        })
        .collect();
    last.resize(effects.len(), false);
    for (effect, last) in effects.iter().zip(last.into_iter().rev()) {
        one(build, state, source, effect, last);
    }
}

/// A reader that knows the variables of the stage that the text speaks of.
fn reader(state: &ImageState, text: &str) -> Reader {
    let mut reader = Reader::default();
    let from_env = state.env.iter().map(|var| (&var.name, &var.now.value));
    let from_args = state
        .args
        .iter()
        .filter_map(|(name, value)| value.as_ref().map(|value| (name, value)));
    for (name, value) in from_args.chain(from_env) {
        if let Some(value) = value
            .known()
            .filter(|_| text.contains('$') && text.contains(name.as_str()))
        {
            reader.know(name, value);
        }
    }
    reader
}

/// A path of an effect, made absolute: a `cd` before it counts.
pub(super) fn located(state: &ImageState, effect: &Effect, path: &str) -> String {
    match &effect.folder {
        Some(folder) if !path.starts_with(['/', '~']) => {
            state.absolute(&format!("{folder}/{path}"))
        }
        _ => state.absolute(path),
    }
}

fn one(build: &Build<'_>, state: &mut ImageState, source: Source<'_>, effect: &Effect, last: bool) {
    let place = source.place(&effect.range);
    match &effect.kind {
        EffectKind::Install {
            manager,
            packages,
            open_ended,
        } => {
            packages::install(state, source, effect, *manager, packages, *open_ended);
            python_build::installed(state, packages, |one| source.place(&one.range));
        }
        EffectKind::Uninstall { packages, .. } => packages::uninstall(state, packages),
        EffectKind::Place { from, to, .. } => {
            let paths = (pattern(build, state, from), pattern(build, state, to));
            libraries::put(state, &paths.0, &paths.1, effect, &place);
        }
        EffectKind::Remove { path }
            if path
                .parts
                .iter()
                .all(|part| matches!(part, Part::Literal { .. })) =>
        {
            let path = located(state, effect, &pattern(build, state, path));
            state
                .libraries
                .retain(|library| !libraries::removes(&path, library.path.as_str()));
        }
        // What a variable names is hardly ever a library: temporary folders, caches.
        EffectKind::Remove { .. } => {}
        EffectKind::BuildInstall { prefix } => {
            libraries::built(state, source, prefix, effect, &place);
        }
        EffectKind::Ldconfig => {
            let text = source
                .text
                .as_str()
                .get(effect.range.clone())
                .unwrap_or_default();
            let named = text
                .split_whitespace()
                .filter(|word| word.starts_with('/') && !word.ends_with("ldconfig"));
            let usual = [
                "/usr/local/lib",
                "/usr/local/lib64",
                "/usr/local/lib/{triplet}",
            ];
            state.search_dirs.extend(
                named
                    .chain(usual)
                    .map(|dir| dir.trim_end_matches('/').to_owned()),
            );
        }
        EffectKind::Setcap { file } => {
            let text = source
                .text
                .as_str()
                .get(effect.range.clone())
                .unwrap_or_default();
            if text.split_whitespace().any(|word| word == "-r") {
                state.strips.retain(|strip| strip.by != "setcap");
            } else if pattern(build, state, file).contains("python") || text.contains("python") {
                state.strips.push(Strip {
                    by: "setcap".into(),
                    launcher: None,
                    only_non_root: true,
                    place,
                });
            } else {
                let path = pattern(build, state, file);
                state.capable.push(base_name(&path).to_owned());
            }
        }
        EffectKind::AddNeeded { library } => {
            let name = pattern(build, state, library);
            if let Some(family) = family_of(base_name(&name)) {
                state.linked.push((family, place));
            }
        }
        EffectKind::RunScript { words, .. } => {
            if let Some(path) = words.first() {
                opaque::script(build, state, source, effect, path);
            }
        }
        EffectKind::MentionsAllocator => opaque::mentioned(state, source, effect),
        EffectKind::Run { words, .. } => {
            packages::ran(state, words, &place);
            let noted = state.noted.clone();
            python_build::ran(build, state, words, &place);
            fragile::ran(build, state, source.text.as_str(), words, &place);
            if effect.usually == Usually::Skipped {
                // What only a condition installs that does not hold is not there.
                state.noted = noted;
            }
            opaque::work(build, state, effect, words);
        }
        EffectKind::Export { .. } | EffectKind::Write { .. } => {
            settings::apply(state, source, effect, last);
        }
        EffectKind::Unset { .. }
        | EffectKind::Inline { .. }
        | EffectKind::Assign { .. }
        | EffectKind::DropsEnvironment { .. } => {}
    }
}

/// A word as a path pattern: what is not literal becomes `*`.
pub(super) fn pattern(build: &Build<'_>, state: &ImageState, word: &Word) -> String {
    let mut text = String::new();
    for part in &word.parts {
        match part {
            Part::Literal {
                text: literal,
                quoted: true,
                ..
            } => text.push_str(literal),
            Part::Literal { text: literal, .. } => text.push_str(&literal.replace('?', "*")),
            Part::Variable {
                name, operation, ..
            } if operation.is_empty() => match build.variable(state, name) {
                super::expand::Lookup::Value(value) if value.unknown.is_none() => {
                    text.push_str(value.text.as_str());
                }
                _ => text.push('*'),
            },
            Part::Variable { .. } | Part::Command { .. } => text.push('*'),
        }
    }
    text
}
