//! What a stage is for: production, or building and testing.

use crate::dockerfile::build::Build;
use crate::dockerfile::image;
use crate::dockerfile::start::Started;
use crate::facts::roles;
use crate::model::{ProcessKind, Role};
use crate::purpose;

/// What the stage at `index` is for.
pub(super) fn of(build: &Build<'_>, index: usize, last: bool, started: &Started) -> Role {
    let stage = stage_name(build, index);
    if let Some(said) = test_stage(stage) {
        return Role::Build(said);
    }
    let serves = started.process.kind.known() == Some(&ProcessKind::Service);
    if let Some(name) = stage.filter(|name| roles::is_build_name(name) && !serves) {
        return Role::Build(format!("stage `{name}` is named after a build"));
    }
    if let Some(name) = tested_below(build, index) {
        return Role::Build(format!("it stands on stage `{name}`"));
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
/// the README beside it.
pub(super) fn named(build: &Build<'_>, index: usize) -> Option<String> {
    test_stage(stage_name(build, index))
        .or_else(|| not_production(build))
        .or_else(|| shown(build))
}

fn stage_name<'w>(build: &'w Build<'_>, index: usize) -> Option<&'w str> {
    build.stages.get(index)?.name.as_deref()
}

fn test_stage(name: Option<&str>) -> Option<String> {
    let name = name.filter(|name| roles::is_test_name(name))?;
    Some(format!(
        "stage `{name}` is named after a test or development"
    ))
}

fn not_production(build: &Build<'_>) -> Option<String> {
    let path = &build.file.path;
    let part = test_part(path).map(|part| format!("the path says `{part}`"));
    part.or_else(|| purpose::of_folder(path, build.around))
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

/// The name of a stage below that tests.
fn tested_below<'w>(build: &'w Build<'_>, index: usize) -> Option<&'w str> {
    let mut next = build.made.parents.get(index).copied().flatten();
    while let Some(at) = next {
        let name = stage_name(build, at);
        if let Some(name) = name.filter(|name| roles::is_test_stage(name)) {
            return Some(name);
        }
        next = build.made.parents.get(at).copied().flatten();
    }
    None
}

/// A sample or example, by the names of its folders, or by the name or README of the whole project.
fn shown(build: &Build<'_>) -> Option<String> {
    let folders = build
        .file
        .path
        .rsplit_once('/')
        .map_or("", |(folders, _)| folders);
    if let Some(part) = folders.split('/').find(|part| roles::is_shown(part)) {
        return Some(format!("the path says `{part}`"));
    }
    purpose::of_project(&build.file.path, build.around)
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
