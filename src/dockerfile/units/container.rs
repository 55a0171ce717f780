//! A container's description laid over an image: variables replace, they never add.

use std::sync::Arc;

use super::{Search, assemble, role, unseen};
use crate::dockerfile::build::Build;
use crate::dockerfile::evidence;
use crate::dockerfile::image::{Command, Form, ImageState};
use crate::dockerfile::stages;
use crate::dockerfile::start::{self, Started};
use crate::model::{
    Container, Evidence, Fact, ProcessKind, Role, Source, Unit, Value, Words, add_evidence,
    is_python,
};
use crate::text::Traced;
use crate::text::paths;

/// The unit of a container that runs the image of a stage: the one of that name, else the last one.
pub(in crate::dockerfile) fn of_stage(
    build: &Build<'_>,
    target: Option<&str>,
    container: &Container,
    source: Source,
) -> Option<(Unit, Option<Search>)> {
    let index = stages::find(build.stages, target)?;
    let mut container = container.clone();
    // An image for tests or developers is one, wherever it runs.
    container.not_production = container
        .not_production
        .or_else(|| role::named(build, index));
    let mut state = build.made.states.get(index)?.clone();
    lay(&container, &mut state);
    let started = start::follow(build, &state);
    let unseen = container
        .gaps
        .unseen
        .clone()
        .or_else(|| unseen::of_image(&state, &started));
    let search = unseen::search(&state, &started, false).filter(|_| unseen.is_none());
    let unit = finish(build, &container, &state, started, source, unseen);
    Some((unit, search))
}

/// The unit of a container that runs an image from elsewhere; `build` has read an empty Dockerfile.
pub(in crate::dockerfile) fn of_image_from_elsewhere(
    build: &Build<'_>,
    container: &Container,
) -> Unit {
    let mut reference = Value::default();
    let place = match &container.image {
        Some(image) => {
            let mut text = Traced::new();
            text.push_from(&image.text, image.place.span);
            reference.text = text;
            &image.place
        }
        None => {
            reference.unknown = Some("image".into());
            &container.place
        }
    };
    let unpinned = Fact::Unknown("nothing here pins the platform of this container".into());
    let mut state = ImageState::on_image(&reference, place, unpinned);
    lay(container, &mut state);
    let started = start::follow(build, &state);
    let crowded = state.image.as_ref().filter(|image| image.crowded);
    let own =
        crowded.map(|image| format!("`{}` images come with settings of their own", image.name));
    let unseen = container
        .gaps
        .unseen
        .clone()
        .or_else(|| started.unseen.clone())
        .or(own);
    finish(build, container, &state, started, Source::Foreign, unseen)
}

/// A container's memory is limited: a sign more.
fn limited(unit: &mut Unit) {
    if let Some((bytes, place)) = &unit.limits.memory {
        add_evidence(&mut unit.evidence, Evidence::limit(*bytes, place));
    }
}

fn lay(container: &Container, state: &mut ImageState) {
    state.step += 1;
    for (name, setting) in &container.env {
        let mut setting = setting.clone();
        setting.step = state.step;
        Arc::make_mut(&mut state.env).set(name, setting);
    }
    let commands = container.entrypoint.iter().chain(&container.cmd);
    state.hidden = commands.flat_map(|words| words.hidden.clone()).collect();
    if let Some(entrypoint) = &container.entrypoint {
        state.entrypoint = Some(command(entrypoint));
        // The image's own arguments were made for its own entrypoint.
        state.cmd = None;
    }
    if let Some(cmd) = &container.cmd {
        state.cmd = Some(command(cmd));
    }
    if let Some(user) = &container.user {
        state.user = user.clone();
    }
    for path in &container.mounts {
        state.hide(path, "a volume is mounted there");
    }
    if let Some(archs) = &container.archs {
        state.platform.archs = archs.clone();
    }
}

fn command(words: &Words) -> Command {
    Command {
        place: words.place.clone(),
        form: Form::Exec(words.words.clone()),
    }
}

fn finish(
    build: &Build<'_>,
    container: &Container,
    state: &ImageState,
    mut started: Started,
    source: Source,
    unseen: Option<String>,
) -> Unit {
    kept_running(container, &mut started);
    let role = container
        .not_production
        .clone()
        .map_or(Role::Runtime, Role::Build);
    let name = container.name.clone();
    let mut unit = assemble(state, &started, Vec::new(), role, name, unseen);
    unit.place = container.place.clone();
    unit.install_at = container.place.clone();
    unit.source = source;
    unit.env_faults.clone_from(&container.env_faults);
    unit.limits = container.limits.clone();
    unit.doubt.clone_from(&container.gaps.doubt);
    evidence::give(&mut unit, build, state, &started);
    limited(&mut unit);
    unit
}

/// A Python program that is started again whenever it ends is a service, whatever it is.
fn kept_running(container: &Container, started: &mut Started) {
    let process = &mut started.process;
    let python = process
        .argv
        .first()
        .is_some_and(|program| is_python(paths::file_name(program)));
    let script = process.argv.len() > 1;
    if let Some(why) = &container.kept_running
        && (process.kind.value().is_none() || process.by_port_only)
        && python
        && script
    {
        process.kind = Fact::Assumed(ProcessKind::Service, why.clone());
        process.by_port_only = false;
    }
}
