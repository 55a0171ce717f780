//! What a stage is for: production, or building and testing.

use crate::inputs::dockerfile::start::Started;
use crate::inputs::dockerfile::state;
use crate::inputs::dockerfile::walk::Walker;
use crate::model::Role;

/// Words in a stage's or file's name that say that it does not run in production.
const BUILD_NAMES: [&str; 28] = [
    "build",
    "builder",
    "builds",
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
    "devcontainer",
    "compile",
    "wheel",
    "wheels",
    "deps",
    "e2e",
    "bench",
    "benchmark",
    "benchmarks",
    "tool",
    "tools",
    "debugger",
];

/// Folders that hold what tests, documents or CI need. (`build/` and `docker/` hold production's
/// Dockerfiles as often as not.)
const BUILD_FOLDERS: [&str; 22] = [
    "test",
    "tests",
    "testing",
    "testdata",
    "fixtures",
    "unittest",
    "e2e",
    "doc",
    "docs",
    "lint",
    "bench",
    "benchmark",
    "benchmarks",
    "ci",
    "devcontainer",
    "github",
    "gitlab",
    "circleci",
    "kokoro",
    "buildkite",
    "azure-pipelines",
    "jenkins",
];

/// What the stage at `index` is for.
pub(super) fn of(walker: &Walker<'_>, index: usize, last: bool, started: &Started) -> Role {
    let stage = walker
        .stages
        .get(index)
        .and_then(|stage| stage.name.as_deref());
    if let Some(name) = stage.filter(|name| is_build_name(name)) {
        return Role::Build(format!("stage `{name}` is named after a build or test"));
    }
    if let Some(part) = build_part(&walker.file.path) {
        return Role::Build(format!("the path says `{part}`"));
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

/// The part of a path that says that it is about building or testing: a folder of just that name,
/// or a word of the file's own name.
fn build_part(path: &str) -> Option<&str> {
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = |part: &&str| {
        let part = part.trim_start_matches('.').to_lowercase();
        BUILD_FOLDERS.contains(&part.as_str())
    };
    folders
        .split('/')
        .find(folder)
        .or_else(|| is_build_name(file).then_some(file))
}

fn is_build_name(name: &str) -> bool {
    let name = name.to_lowercase();
    name.split(['-', '_', '.', ' '])
        .any(|word| BUILD_NAMES.contains(&word))
}
