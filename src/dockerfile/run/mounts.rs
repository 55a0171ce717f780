//! What `RUN --mount=type=bind` shows a build step (docs.docker.com, "Dockerfile reference", RUN --mount): files that are
//! there while it runs, as if they had been copied.

use crate::dockerfile::build::Build;
use crate::dockerfile::image::{Copied, CopySource, ImageState};
use crate::dockerfile::syntax::Instruction;

/// The files that are mounted for the instruction.
pub(super) fn of(build: &Build<'_>, state: &ImageState, instruction: &Instruction) -> Vec<Copied> {
    let mounts = instruction.flags.iter().filter(|flag| flag.name == "mount");
    let values = mounts.filter_map(|flag| flag.value.as_ref());
    values
        .filter_map(|value| mount(build, state, value.as_str()))
        .collect()
}

fn mount(build: &Build<'_>, state: &ImageState, text: &str) -> Option<Copied> {
    let option = |names: &[&str]| {
        let mut pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        pairs.find_map(|(name, value)| names.contains(&name.trim()).then(|| value.trim()))
    };
    if option(&["type"]).is_some_and(|kind| kind != "bind") {
        return None;
    }
    let to = option(&["target", "dst", "destination"])?;
    let path = option(&["source", "src"]).unwrap_or(".");
    let from = match option(&["from"]) {
        None => CopySource::Context,
        Some(name) => match build.names.find(build.made.states.len(), name, true) {
            Some(index) => CopySource::Stage(index),
            None => CopySource::Image(name.to_owned()),
        },
    };
    Some(Copied {
        from,
        path: path.to_owned(),
        to: state.absolute(to),
        into_folder: false,
    })
}
