//! What RUN does to a stage: the shell's effects carried over to the image's state.

mod packages;
mod settings;

use std::ops::Range;

pub(super) use settings::stars;

use super::files::{self, Readable, base_name, family_of};
use super::state::State;
use super::syntax::{Args, Instruction};
use super::walk::Walker;
use crate::facts::Family;
use crate::inputs::shell::effects::{Effect, EffectKind, Reader};
use crate::inputs::shell::script::{Part, Word};
use crate::model::{Library, Origin, PathPattern, Strip};
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
pub(super) fn run(walker: &Walker<'_>, state: &mut State, instruction: &Instruction) {
    let file = walker.place(instruction.span);
    if let Args::Json(words) = &instruction.args {
        let mut text = Traced::new();
        for (index, word) in words.iter().enumerate() {
            if index > 0 {
                text.push_from(" ", Span::empty(word.span.start));
            }
            let quoted = word.value.as_str();
            text.push_from(&format!("'{}'", quoted.replace('\'', "'\\''")), word.span);
        }
        return apply(
            walker,
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
    apply(
        walker,
        state,
        Source {
            text: &instruction.text,
            file: &file,
            depth: 0,
        },
    );
    for heredoc in &instruction.heredocs {
        if is_shell(instruction.text.as_str()) {
            let body = Traced::verbatim(&walker.file.bytes, heredoc.body);
            apply(
                walker,
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

/// Whether the command that takes the heredoc is a shell: `RUN <<EOF`, `RUN bash -e <<EOF`.
fn is_shell(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    first.starts_with("<<") || matches!(base_name(first), "sh" | "bash" | "ash" | "dash" | "zsh")
}

/// Applies the effects of a text.
pub(super) fn apply(walker: &Walker<'_>, state: &mut State, source: Source<'_>) {
    let text = source.text.as_str();
    bind_architecture(state, text);
    let effects = reader(state, text).read(text);
    let last = effects.len().saturating_sub(1);
    for (index, effect) in effects.iter().enumerate() {
        one(walker, state, source, effect, index == last);
    }
}

/// A reader that knows the variables of the stage that the text speaks of.
fn reader(state: &State, text: &str) -> Reader {
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
pub(super) fn located(state: &State, effect: &Effect, path: &str) -> String {
    match &effect.folder {
        Some(folder) if !path.starts_with(['/', '~']) => {
            state.absolute(&format!("{folder}/{path}"))
        }
        _ => state.absolute(path),
    }
}

fn one(walker: &Walker<'_>, state: &mut State, source: Source<'_>, effect: &Effect, last: bool) {
    let place = source.place(&effect.range);
    match &effect.kind {
        EffectKind::Install {
            manager,
            packages,
            open_ended,
        } => {
            packages::install(state, source, effect, *manager, packages, *open_ended);
        }
        EffectKind::Uninstall { packages, .. } => packages::uninstall(state, packages),
        EffectKind::Place { from, to, .. } => {
            let paths = (pattern(walker, state, from), pattern(walker, state, to));
            put(state, &paths.0, &paths.1, effect, &place);
        }
        EffectKind::Remove { path } => {
            let path = located(state, effect, &pattern(walker, state, path));
            state
                .libraries
                .retain(|library| !crate::model::matches(&path, library.path.as_str()));
        }
        EffectKind::BuildInstall { prefix } => built(state, prefix, effect, &place),
        EffectKind::Ldconfig => {
            state.search_dirs.extend(
                [
                    "/usr/local/lib",
                    "/usr/local/lib64",
                    "/usr/local/lib/{triplet}",
                ]
                .map(str::to_owned),
            );
        }
        EffectKind::Setcap { file } => {
            let text = source
                .text
                .as_str()
                .get(effect.range.clone())
                .unwrap_or_default();
            if pattern(walker, state, file).contains("python") || text.contains("python") {
                state.strips.push(Strip {
                    by: "setcap".into(),
                    only_non_root: true,
                    place,
                });
            }
        }
        EffectKind::AddNeeded { library } => {
            let name = pattern(walker, state, library);
            if let Some(family) = family_of(base_name(&name)) {
                state.linked.push((family, place));
            }
        }
        EffectKind::RunScript { path, .. } => script(walker, state, source, effect, path),
        EffectKind::MentionsAllocator => mentioned(state, source, effect),
        EffectKind::Run { words, .. } => packages::ran(state, words, &place),
        EffectKind::Export { .. } | EffectKind::Write { .. } => {
            settings::apply(state, source, effect, last);
        }
        EffectKind::Unset { .. }
        | EffectKind::Inline { .. }
        | EffectKind::DropsEnvironment { .. } => {}
    }
}

/// A file appears at `to`.
fn put(state: &mut State, from: &str, to: &str, effect: &Effect, place: &Place) {
    let to = located(state, effect, to);
    if to == "/etc/ld.so.preload" {
        return state.hide("/etc/ld.so.preload", format!("`{from}` is put there"));
    }
    let name = base_name(&to);
    let (family, path) = match (family_of(name), family_of(base_name(from))) {
        (Some(family), _) => (family, to.clone()),
        (None, Some(family)) => (
            family,
            format!("{}/{}", to.trim_end_matches('/'), base_name(from)),
        ),
        (None, None) => return,
    };
    let behind = state
        .libraries
        .iter()
        .find(|library| library.family == family)
        .cloned();
    state.libraries.push(Library {
        family,
        path: PathPattern::new(path),
        origin: Origin::Linked,
        version: behind.as_ref().and_then(|library| library.version.clone()),
        needs: Vec::new(),
        min_glibc: None,
        libc: None,
        conditional: effect.context.conditional,
        place: place.clone(),
        step: state.step,
    });
}

/// Something was built: an allocator, if one was fetched before.
fn built(state: &mut State, prefix: &str, effect: &Effect, place: &Place) {
    state.compiles = true;
    for family in state.mentioned.clone() {
        state.libraries.push(Library {
            family,
            path: PathPattern::new(format!("{}/lib*.so*", prefix.trim_end_matches('/'))),
            origin: Origin::Built,
            version: None,
            needs: Vec::new(),
            min_glibc: None,
            libc: None,
            conditional: effect.context.conditional,
            place: place.clone(),
            step: state.step,
        });
    }
}

fn mentioned(state: &mut State, source: Source<'_>, effect: &Effect) {
    let text = source
        .text
        .as_str()
        .get(effect.range.clone())
        .unwrap_or_default();
    let families = families_named(text);
    let first = text
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned();
    for family in families {
        if !state.mentioned.contains(&family) {
            state.mentioned.push(family);
        }
        state.hide(
            "/",
            format!("`{first}` does something with {family} that cannot be followed"),
        );
    }
}

/// The allocators that a text names.
pub(super) fn families_named(text: &str) -> Vec<Family> {
    let text = text.to_lowercase();
    let names = [
        (Family::Jemalloc, ["jemalloc", "jemalloc"]),
        (Family::Tcmalloc, ["tcmalloc", "gperftools"]),
        (Family::Mimalloc, ["mimalloc", "mimalloc"]),
    ];
    names
        .into_iter()
        .filter(|(_, names)| names.iter().any(|name| text.contains(name)))
        .map(|(family, _)| family)
        .collect()
}

/// A script of the image runs: read it if it stands beside the Dockerfile, else anything may be.
fn script(
    walker: &Walker<'_>,
    state: &mut State,
    source: Source<'_>,
    effect: &Effect,
    path: &Word,
) {
    let path = located(state, effect, &pattern(walker, state, path));
    let readable = if source.depth < DEPTH {
        files::find(walker, state, &path)
    } else {
        None
    };
    match readable {
        Some(Readable::Inline(text)) => {
            let file = walker.place(Span::default());
            apply(
                walker,
                state,
                Source {
                    text: &text,
                    file: &file,
                    depth: source.depth + 1,
                },
            );
        }
        Some(Readable::Beside(file)) => {
            let whole = Span::new(0, file.bytes.len());
            let text = Traced::verbatim(&file.bytes, whole);
            let file = Place::new(&file, whole);
            apply(
                walker,
                state,
                Source {
                    text: &text,
                    file: &file,
                    depth: source.depth + 1,
                },
            );
        }
        None => state.hide(
            "/",
            format!("the script `{path}` is not beside the Dockerfile"),
        ),
    }
}

/// A word as a path pattern: what is not literal becomes `*`.
pub(super) fn pattern(walker: &Walker<'_>, state: &State, word: &Word) -> String {
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
            } if operation.is_empty() => match walker.variable(state, name) {
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

/// A download for one architecture binds the image to it, unless the text also looks at the
/// architecture it runs on.
fn bind_architecture(state: &mut State, text: &str) {
    if state.arch_bound.is_some() || !text.contains("http") {
        return;
    }
    let looks = [
        "uname",
        "TARGETARCH",
        "TARGETPLATFORM",
        "print-architecture",
        "$(arch)",
        "${ARCH",
        "$ARCH",
    ];
    if looks.iter().any(|sign| text.contains(sign)) {
        return;
    }
    let download = |word: &&str| word.contains("://");
    for word in text.split_whitespace().filter(download) {
        let arch = match word {
            _ if word.contains("x86_64") || word.contains("amd64") => crate::facts::Arch::Amd64,
            _ if word.contains("aarch64") || word.contains("arm64") => crate::facts::Arch::Arm64,
            _ => continue,
        };
        let word = word.trim_matches(['"', '\'', ';']);
        state.arch_bound = Some((arch, word.to_owned()));
        return;
    }
}
