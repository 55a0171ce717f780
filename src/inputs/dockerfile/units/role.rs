//! What a stage is for: production, or building and testing.

use crate::inputs::dockerfile::start::Started;
use crate::inputs::dockerfile::state;
use crate::inputs::dockerfile::walk::Walker;
use crate::model::{ProcessKind, Role};

/// Words in a stage's or file's name that say that it tests or is for developers.
const TEST_NAMES: [&str; 21] = [
    "test",
    "tests",
    "testing",
    "unittest",
    "dev",
    "devel",
    "development",
    "lint",
    "linter",
    "ci",
    "docs",
    "doc",
    "debug",
    "debugger",
    "devcontainer",
    "e2e",
    "bench",
    "benchmark",
    "benchmarks",
    "mock",
    "loadtest",
];

/// Words that say that it builds, unless it starts a service all the same.
const BUILD_NAMES: [&str; 9] = [
    "build", "builder", "builds", "compile", "wheel", "wheels", "deps", "tool", "tools",
];

/// Folders that hold what tests, documents or CI need. (`build/` and `docker/` hold production's
/// Dockerfiles as often as not.)
const TEST_FOLDERS: [&str; 17] = [
    "testdata",
    "fixtures",
    "unittest",
    "doc",
    "docs",
    "lint",
    "bench",
    "ci",
    "devcontainer",
    "github",
    "gitlab",
    "circleci",
    "kokoro",
    "buildkite",
    "azure-pipelines",
    "jenkins",
    "hack",
];

/// Words in a folder's name that say that what is in it is a test.
const TEST_WORDS: [&str; 10] = [
    "test",
    "tests",
    "testing",
    "e2e",
    "mock",
    "mocks",
    "loadtest",
    "benchmark",
    "benchmarks",
    "fixtures",
];

/// Words in a folder's name that say that what is in it is shown, and copied from.
const SHOWN_WORDS: [&str; 10] = [
    "sample",
    "samples",
    "example",
    "examples",
    "demo",
    "demos",
    "tutorial",
    "tutorials",
    "quickstart",
    "quickstarts",
];

/// What the stage at `index` is for.
pub(super) fn of(walker: &Walker<'_>, index: usize, last: bool, started: &Started) -> Role {
    let stage = walker
        .stages
        .get(index)
        .and_then(|stage| stage.name.as_deref());
    if let Some(name) = stage.filter(|name| has_word(name, &TEST_NAMES)) {
        return Role::Build(format!(
            "stage `{name}` is named after a test or development"
        ));
    }
    let serves = started.process.kind.known() == Some(&ProcessKind::Service);
    if let Some(name) = stage.filter(|name| has_word(name, &BUILD_NAMES) && !serves) {
        return Role::Build(format!("stage `{name}` is named after a build"));
    }
    if let Some(name) = tested_below(walker, index) {
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
    if let Some(part) = test_part(&walker.file.path) {
        return Role::Build(format!("the path says `{part}`"));
    }
    if let Some(role) = shown(walker) {
        return role;
    }
    let image = walker
        .states
        .get(index)
        .and_then(|state| state.image.as_ref());
    if let Some(image) = image.filter(|image| state::is_build_image(image)) {
        return Role::Build(format!("`{}` is a build image", image.name));
    }
    if !last && started.process.argv.is_empty() {
        return Role::Build("an earlier stage that starts nothing".into());
    }
    Role::Runtime
}

/// The name of a stage below that tests.
fn tested_below<'w>(walker: &'w Walker<'_>, index: usize) -> Option<&'w str> {
    let mut next = walker.parents.get(index).copied().flatten();
    while let Some(at) = next {
        let name = walker
            .stages
            .get(at)
            .and_then(|stage| stage.name.as_deref());
        if let Some(name) =
            name.filter(|name| has_word(name, &["test", "tests", "testing", "lint", "e2e"]))
        {
            return Some(name);
        }
        next = walker.parents.get(at).copied().flatten();
    }
    None
}

/// A sample or example, by the names of its folders or of the whole project.
fn shown(walker: &Walker<'_>) -> Option<Role> {
    let folders = walker
        .file
        .path
        .rsplit_once('/')
        .map_or("", |(folders, _)| folders);
    if let Some(part) = folders.split('/').find(|part| has_word(part, &SHOWN_WORDS)) {
        return Some(Role::Shown(format!("the path says `{part}`")));
    }
    let project = walker.around.project(&walker.file.path)?;
    has_word(&project, &SHOWN_WORDS)
        .then(|| Role::Shown(format!("the project is called `{project}`")))
}

/// The part of a path that says that it is about tests: a folder, or a word of the file's own name.
fn test_part(path: &str) -> Option<&str> {
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let named = has_word(file, &TEST_NAMES) || has_word(file, &BUILD_NAMES);
    tested_folder(folders).or_else(|| named.then_some(file))
}

fn tested_folder(folders: &str) -> Option<&str> {
    folders.split('/').find(|part| {
        let part = part.trim_start_matches('.').to_lowercase();
        TEST_FOLDERS.contains(&part.as_str()) || has_word(&part, &TEST_WORDS)
    })
}

fn has_word(name: &str, words: &[&str]) -> bool {
    let name = name.to_lowercase();
    name.split(['-', '_', '.', ' ', '+'])
        .any(|word| words.contains(&word))
}

/// Whether a stage's name alone says that it only tests.
pub(super) fn is_test_stage(name: &str) -> bool {
    has_word(name, &TEST_NAMES)
}
