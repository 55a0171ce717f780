//! What a stage is for: production, or building and testing.

use std::collections::BTreeSet;

use crate::dockerfile::build::Build;
use crate::dockerfile::image;
use crate::dockerfile::start::Started;
use crate::facts::roles;
use crate::model::{ProcessKind, Role};
use crate::text::paths;

/// What the stage at `index` is for.
pub(super) fn of(build: &Build<'_>, index: usize, last: bool, started: &Started) -> Role {
    let stage = stage_name(build, index);
    if let Some(said) = aside(build, index, started) {
        return Role::Build(said);
    }
    let serves = started.process.kind.known() == Some(&ProcessKind::Service);
    if let Some(name) = stage.filter(|name| roles::is_build_name(name) && !serves) {
        return Role::Build(format!("stage `{name}` is named after a build"));
    }
    let script = started
        .process
        .script
        .as_deref()
        .and_then(|path| path.rsplit_once('/'));
    if let Some(part) = script.and_then(|(folder, _)| tested_folder(folder)) {
        return Role::Build(format!("what it runs is in `{part}`"));
    }
    if let Some(said) = not_production(build) {
        return Role::Build(said);
    }
    if let Some(script) = developers_script(started) {
        return Role::Build(format!("it starts `{script}`"));
    }
    if let Some(said) = shown(build) {
        return Role::Shown(said);
    }
    let image = build
        .made
        .states
        .get(index)
        .and_then(|state| state.image.as_ref());
    if let Some(image) = image.filter(|image| image::is_build_image(image)) {
        return Role::Build(format!("`{}` is a build image", image.name));
    }
    if !last && started.process.argv.is_empty() {
        return Role::Build("an earlier stage that starts nothing".into());
    }
    Role::Runtime
}

/// Why an image of a stage is not for production, whatever runs it: the stage's name or the Dockerfile's path says so, or
/// the project's name.
pub(super) fn named(build: &Build<'_>, index: usize) -> Option<String> {
    called_aside(stage_name(build, index))
        .or_else(|| not_production(build))
        .or_else(|| shown(build))
}

/// The stages that something builds by their names, less those that are named after development or tests.
pub(super) fn targets(build: &Build<'_>, names: &[String]) -> BTreeSet<usize> {
    let named = |name: &String| {
        let mut stages = (0..build.stages.len()).filter(|at| stage_name(build, *at).is_some());
        let is = |at: &usize| {
            stage_name(build, *at)
                .is_some_and(|own| own.eq_ignore_ascii_case(name) && !roles::is_aside_stage(own))
        };
        stages.find(is)
    };
    names.iter().filter_map(named).collect()
}

/// Why a stage is none of production's: it stands on one that something builds by its name, and nobody builds it so.
pub(super) fn beside(build: &Build<'_>, index: usize, targets: &BTreeSet<usize>) -> Option<String> {
    if targets.contains(&index) {
        return None;
    }
    let parent = |at: &usize| build.made.parents.get(*at).copied().flatten();
    let mut below = std::iter::successors(parent(&index), parent);
    let target = below.find(|at| targets.contains(at))?;
    let name = stage_name(build, target)?;
    Some(format!("stage `{name}` is what is built"))
}

fn stage_name<'w>(build: &'w Build<'_>, index: usize) -> Option<&'w str> {
    build.stages.get(index)?.name.as_deref()
}

/// Why a stage is for developers or tests: its whole name or its own command says so. The last one, which is what
/// `docker build` makes, is only where another stage starts the service, or it starts none.
pub(super) fn aside(build: &Build<'_>, index: usize, started: &Started) -> Option<String> {
    let name = stage_name(build, index);
    if index + 1 == build.stages.len() {
        let other = served_by(build, index).is_some() || serves_beside(build, index);
        let serves = started.process.kind.value() == Some(&ProcessKind::Service);
        return called_aside(name)
            .or_else(|| runs_aside(build, index, started))
            .filter(|_| other || !serves);
    }
    called_aside(name)
        .or_else(|| stands_aside(build, index))
        .or_else(|| runs_aside(build, index, started))
}

/// Whether another image of the file starts something, and is not for developers or tests by its name.
fn serves_beside(build: &Build<'_>, index: usize) -> bool {
    let named = |at: usize| stage_name(build, at).is_some_and(roles::is_aside_stage);
    let base = |at: usize| build.made.parents.contains(&Some(at));
    let mut others = (0..index).filter(|at| !named(*at) && !base(*at));
    others.any(|at| starts_something(build, at))
}

/// The stage for developers or tests that a stage stands on: one for tests, or the one that says what it runs. (A service
/// with a command of its own may well stand on `develop`.)
fn stands_aside(build: &Build<'_>, index: usize) -> Option<String> {
    let state = build.made.states.get(index)?;
    let commands = state.cmd.iter().chain(&state.entrypoint);
    let says = commands.map(|command| command.place.span.start).max();
    let parent = |at: &usize| build.made.parents.get(*at).copied().flatten();
    let below = std::iter::successors(parent(&index), parent);
    let aside = |at: &usize| {
        let name = stage_name(build, *at)?;
        let from = build.stages.get(*at)?.from.span.start;
        let inherits = says.is_none_or(|command| command < state.from.span.start && command > from);
        let fits = roles::is_test_stage(name) || roles::is_aside_stage(name) && inherits;
        fits.then(|| format!("it stands on stage `{name}`"))
    };
    below.into_iter().find_map(|at| aside(&at))
}

/// The command of a stage's own that tests, or serves developers.
fn runs_aside(build: &Build<'_>, index: usize, started: &Started) -> Option<String> {
    let from = &build.made.states.get(index)?.from;
    let place = started.process.place.as_ref()?;
    if !place.same_file(from)
        || place.span.start < from.span.start
        || served_by(build, index).is_none()
    {
        return None;
    }
    let words = started.process.argv.iter().take(3);
    let mut names = words.map(|word| paths::base_name(word));
    match names.find(|name| roles::is_test_program(name)) {
        Some(name) => Some(format!("it runs `{name}`")),
        None if started.process.development => Some("it runs a server for development".into()),
        None => None,
    }
}

/// The nearest stage below that starts something, if there is one.
pub(super) fn served_by(build: &Build<'_>, index: usize) -> Option<usize> {
    let mut next = build.made.parents.get(index).copied().flatten();
    while let Some(at) = next {
        let named = stage_name(build, at).is_some_and(roles::is_aside_stage);
        if !named && starts_something(build, at) {
            return Some(at);
        }
        next = build.made.parents.get(at).copied().flatten();
    }
    None
}

/// Whether an instruction of this file says what a stage starts.
fn starts_something(build: &Build<'_>, index: usize) -> bool {
    let state = build.made.states.get(index);
    state.is_some_and(|state| state.entrypoint.is_some() || state.cmd.is_some())
}

fn called_aside(name: Option<&str>) -> Option<String> {
    let name = name.filter(|name| roles::is_aside_stage(name))?;
    Some(format!(
        "stage `{name}` is named after a test or development"
    ))
}

fn not_production(build: &Build<'_>) -> Option<String> {
    let part = test_part(&build.file.path).filter(|_| build.around.names_tell());
    part.map(|part| format!("the path says `{part}`"))
}

/// The start script of a server for development, where its name says so too: `start-dev.sh`.
fn developers_script(started: &Started) -> Option<String> {
    let place = started.process.place.as_ref()?;
    let command = place.file.text(place.span);
    let mut words = command.split(['"', '\'', ' ', '/', ',', '[', ']']);
    let named = |word: &&str| word.ends_with(".sh") && roles::is_test_name(word);
    let found = words.find(|word| started.process.development && named(word))?;
    Some(found.to_owned())
}

/// A sample or example, by the names of its folders, or by the name of the whole project.
fn shown(build: &Build<'_>) -> Option<String> {
    let folders = build
        .file
        .path
        .rsplit_once('/')
        .map_or("", |(folders, _)| folders);
    let mut parts = folders.split('/').filter(|_| build.around.names_tell());
    let part = parts.find(|part| roles::is_shown(part))?;
    Some(format!("the path says `{part}`"))
}

/// The part of a path that says that it is about tests or development: a folder, or a word of the file's own name.
fn test_part(path: &str) -> Option<&str> {
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let named = roles::is_test_name(file) || roles::is_build_name(file) || is_local(file);
    let developers = folders
        .split('/')
        .find(|part| roles::is_developer_folder(part));
    tested_folder(folders)
        .or(developers)
        .or_else(|| named.then_some(file))
}

/// `Dockerfile.local`, `local.Dockerfile`, `Dockerfile.api.local`; not `Dockerfile.local-ai`.
fn is_local(file: &str) -> bool {
    let words: Vec<&str> = file.split(['.', '-', '_']).collect();
    match words.as_slice() {
        [one, other] => roles::is_developer_folder(one) || roles::is_developer_folder(other),
        [.., last] => roles::is_developer_folder(last),
        [] => false,
    }
}

fn tested_folder(folders: &str) -> Option<&str> {
    folders.split('/').find(|part| roles::is_test_folder(part))
}
