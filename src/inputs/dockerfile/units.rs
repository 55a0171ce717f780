//! From the states of stages to units: what the images that can come out of the file will be like.

use super::files::stage_name;
use super::start::{self, Started};
use super::state::{self, State};
use super::walk::Walker;
use super::{stages, effects};
use crate::facts::Manager;
use crate::model::{
    Fact, Platform, Preload, Reach, Replaced, Role, Setting, Stray, Unit, User, Via, entries, family_of, judge,
};
use crate::text::Place;

/// Words in a stage's or file's name that say that it does not run in production.
const BUILD_NAMES: [&str; 28] = [
    "build", "builder", "builds", "test", "tests", "testing", "unittest", "dev", "devel", "development", "lint", "linter", "ci",
    "docs", "doc", "debug", "devcontainer", "compile", "wheel", "wheels", "deps", "e2e", "bench", "benchmark",
    "benchmarks", "tool", "tools", "debugger",
];

/// Folders that CI systems read.
const CI_FOLDERS: [&str; 7] = ["github", "gitlab", "circleci", "kokoro", "buildkite", "azure-pipelines", "jenkins"];

/// The units of all stages that can be an image of their own.
pub(super) fn units(walker: &Walker<'_>) -> Vec<Unit> {
    let used = stages::used(walker.stages, &walker.names);
    let strays = Elsewhere::of(walker);
    let last = walker.stages.len().saturating_sub(1);
    let leaf = |index: &usize| *index == last || !used.get(*index).copied().unwrap_or(false);
    (0..walker.stages.len()).filter(leaf).filter_map(|index| unit(walker, &strays, index, index == last)).collect()
}

fn unit(walker: &Walker<'_>, elsewhere: &Elsewhere, index: usize, last: bool) -> Option<Unit> {
    let state = walker.states.get(index)?;
    let started = start::follow(walker, state);
    let mut strays = state.strays.clone();
    if reads_start_files(state, &started) {
        // The service's own shell reads those files: what they set does reach it.
        strays.retain(|stray| !matches!(stray.reach, Reach::Shells(_)));
    }
    strays.extend(elsewhere.seen_from(walker, index));
    let mut unit = Unit {
        name: name(walker, index),
        place: state.from.clone(),
        install_at: install_at(state),
        role: role(walker, index, last, &started),
        python: python(state, &started),
        platform: platform(state),
        env: state.env.clone(),
        libraries: state.libraries.clone(),
        extra_libraries: state.extra_libraries.clone(),
        opaque: state.opaque.clone(),
        search_dirs: search_dirs(state),
        preloads: Vec::new(),
        linked: state.linked.clone(),
        process: started.process.clone(),
        user: state.user.clone(),
        strays,
        strips: state.strips.iter().chain(&started.strips).cloned().collect(),
        installs: state.installs.clone(),
        start_replaces_preload: replaces(state, &started),
        unseen_settings: unseen(walker, state, &started),
        compiles: state.compiles,
    };
    unit.preloads = preloads(&unit, state, &started);
    Some(unit)
}

fn name(walker: &Walker<'_>, index: usize) -> String {
    match walker.stages.get(index).and_then(|stage| stage.name.as_deref()) {
        Some(name) => format!("stage `{name}`"),
        None if walker.stages.len() == 1 => "the image".into(),
        None => format!("stage {}", index + 1),
    }
}

/// The preloads in force, judged.
fn preloads(unit: &Unit, state: &State, started: &Started) -> Vec<Preload> {
    let from_env = unit.env.get("LD_PRELOAD").map(|var| (&var.now, Via::Environment));
    let others = state.preloads.iter().chain(&started.preloads).map(|made| (&made.setting, made.via));
    let mut found = Vec::new();
    for (setting, via) in from_env.into_iter().chain(others) {
        found.extend(judged(unit, setting, via));
    }
    found
}

fn judged<'a>(unit: &'a Unit, setting: &'a Setting, via: Via) -> impl Iterator<Item = Preload> + 'a {
    let text = setting.value.text.as_str();
    entries(text).into_iter().map(move |range| {
        let name = text.get(range.clone()).unwrap_or_default().to_owned();
        let family = family_of(&name);
        let outcome = if via == Via::Environment || !name.contains('*') {
            judge(unit, &setting.value, &range)
        } else {
            computed(unit, family)
        };
        Preload { family, outcome, place: setting.part(range), name, via, step: setting.step }
    })
}

/// An entry whose text is put together when it is written or when the container starts.
fn computed(unit: &Unit, family: Option<crate::facts::Family>) -> crate::model::Outcome {
    use crate::model::Outcome;
    match unit.libraries.iter().find(|library| Some(library.family) == family) {
        Some(library) => Outcome::Works(library.clone()),
        None => Outcome::Unknown("the path is put together when the container starts".into()),
    }
}

/// Allocator settings and libraries of all stages, with the stage they are made in.
struct Elsewhere(Vec<(usize, Stray)>);

/// So many of them are told; nobody reads more.
const STRAYS: usize = 64;

impl Elsewhere {
    fn of(walker: &Walker<'_>) -> Self {
        let mut strays = Vec::new();
        for (index, state) in walker.states.iter().enumerate() {
            let reach = Reach::Stage(stage_name(walker, index));
            let own = |place: &Place| place.span.start >= state.from.span.start || !place.same_file(&state.from);
            for library in state.libraries.iter().filter(|library| own(&library.place)) {
                let value = library.path.as_str().to_owned();
                let (family, place) = (Some(library.family), library.place.clone());
                strays.push((index, Stray { variable: None, value, family, reach: reach.clone(), place }));
            }
            let preload = state.env.get("LD_PRELOAD").filter(|var| own(&var.now.place));
            for var in preload.into_iter().chain(state.env.get("MALLOC_CONF").filter(|var| own(&var.now.place))) {
                let value = var.now.value.text.as_str().to_owned();
                let family = effects::families_named(&value).first().copied();
                let (variable, place) = (Some(var.name.clone()), var.now.place.clone());
                strays.push((index, Stray { variable, value, family, reach: reach.clone(), place }));
            }
        }
        Self(strays)
    }

    /// Those of stages that the stage at `index` does not stand on.
    fn seen_from(&self, walker: &Walker<'_>, index: usize) -> Vec<Stray> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let mut below = std::collections::BTreeSet::new();
        let mut next = Some(index);
        while let Some(at) = next {
            below.insert(at);
            next = walker.parents.get(at).copied().flatten();
        }
        let others = self.0.iter().filter(|(other, _)| !below.contains(other));
        others.take(STRAYS).map(|(_, stray)| stray.clone()).collect()
    }
}

/// Where a missing installation goes: an installation of this stage as root, else its FROM.
fn install_at(state: &State) -> Place {
    let from = &state.from;
    let own = |place: &Place| place.same_file(from) && place.span.start > from.span.start;
    let fits = |install: &&crate::model::Install| {
        install.manager != Manager::Conda && own(&install.place) && install.user.value().is_some_and(User::is_root)
    };
    state.installs.iter().find(fits).map_or_else(|| from.clone(), |install| install.place.clone())
}

fn role(walker: &Walker<'_>, index: usize, last: bool, started: &Started) -> Role {
    let stage = walker.stages.get(index).and_then(|stage| stage.name.as_deref());
    if let Some(name) = stage.filter(|name| is_build_name(name)) {
        return Role::Build(format!("stage `{name}` is named after a build or test"));
    }
    if let Some(part) = build_part(&walker.file.path) {
        return Role::Build(format!("the path says `{part}`"));
    }
    let image = walker.states.get(index).and_then(|state| state.image.as_ref());
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
        BUILD_NAMES.contains(&part.as_str()) || CI_FOLDERS.contains(&part.as_str())
    };
    folders.split('/').find(folder).or_else(|| is_build_name(file).then_some(file))
}

fn is_build_name(name: &str) -> bool {
    let name = name.to_lowercase();
    name.split(['-', '_', '.', ' ']).any(|word| BUILD_NAMES.contains(&word))
}

fn python(state: &State, started: &Started) -> Fact<crate::model::Python> {
    if state.python.value().is_some() {
        return state.python.clone();
    }
    let program = started.process.argv.first().map(|program| super::files::base_name(program));
    match (program, &started.process.server, &started.process.place) {
        (Some(program), server, Some(place)) if crate::model::is_python(program) || is_python_server(server.as_deref()) => {
            Fact::Known(crate::model::Python { version: None, pypy: false }, place.clone())
        }
        _ => state.python.clone(),
    }
}

/// Servers whose name alone says Python; shells and the like say nothing.
fn is_python_server(server: Option<&str>) -> bool {
    server.is_some_and(|server| matches!(server, "gunicorn" | "uvicorn" | "celery" | "flask" | "streamlit" | "hypercorn"))
}

fn platform(state: &State) -> Platform {
    let mut platform = state.platform.clone();
    if state.each_platform && let Some(arch) = named_arch(state) {
        platform.archs = Fact::Assumed(vec![arch], "there is a stage for each platform".into());
    }
    if let (Some((arch, why)), None) = (&state.arch_bound, platform.archs.value()) {
        platform.archs = Fact::Assumed(vec![*arch], format!("`{why}` is for one architecture"));
    }
    platform
}

/// The architecture whose folder the preload names, where a stage was made for it.
fn named_arch(state: &State) -> Option<crate::facts::Arch> {
    let var = state.env.get("LD_PRELOAD")?;
    var.now.value.text.as_str().split('/').find_map(crate::facts::Arch::from_triplet)
}

fn search_dirs(state: &State) -> Vec<String> {
    let mut dirs = state.search_dirs.clone();
    if let Some(var) = state.env.get("LD_LIBRARY_PATH") {
        dirs.extend(var.now.value.text.as_str().split(':').filter(|dir| dir.starts_with('/')).map(str::to_owned));
    }
    dirs
}

/// Why the start replaces `LD_PRELOAD`: the base's own entrypoint where it is kept, or a script.
fn replaces(state: &State, started: &Started) -> Option<Replaced> {
    if let Some(why) = &started.replaces {
        return Some(Replaced { why: why.clone(), sometimes: false });
    }
    let image = state.image.as_ref().filter(|_| state.entrypoint.is_none())?;
    let why = image.overwrites_preload.clone()?;
    Some(Replaced { why, sometimes: image.overwrites_sometimes })
}

/// Why the process may get allocator settings that we cannot see.
fn unseen(walker: &Walker<'_>, state: &State, started: &Started) -> Option<String> {
    if let Some(why) = &started.unseen {
        return Some(why.clone());
    }
    if state.image.is_none() {
        return Some(format!("the base image `{}` is not one we know", state.base));
    }
    if let Some(image) = state.image.as_ref().filter(|image| image.crowded) {
        return Some(format!("`{}` images come with settings of their own", image.name));
    }
    let setting = |text: &str| text.contains("LD_PRELOAD") && !effects::families_named(text).is_empty();
    if let Some(written) = state.written.iter().find(|written| setting(written.text.as_str())) {
        return Some(format!("`{}` sets an allocator", written.path));
    }
    if reads_start_files(state, started) {
        return Some("the shell that starts the service reads its start-up files".into());
    }
    copied_script(walker, state).or_else(|| {
        let manifest = walker.around.manifest_that_sets_allocator(&walker.file.path)?;
        Some(format!("`{manifest}` sets an allocator"))
    })
}

fn copied_script(walker: &Walker<'_>, state: &State) -> Option<String> {
    let from_context = state.copies.iter().filter(|copied| copied.from == super::state::CopySource::Context);
    from_context
        .filter_map(|copied| walker.around.script_that_sets_allocator(&walker.file.path, &copied.path))
        .map(|path| format!("`{path}` sets an allocator"))
        .next()
}

/// Whether the shell that starts the service reads a start-up file that sets an allocator.
fn reads_start_files(state: &State, started: &Started) -> bool {
    let bash_env = state.env.get("BASH_ENV").map(|var| var.now.value.text.as_str());
    state.strays.iter().any(|stray| match &stray.reach {
        Reach::Shells(path) => started.login || bash_env == Some(path),
        _ => false,
    })
}
