//! Why a process may get allocator settings that the Dockerfile does not show.

use crate::dockerfile::build::Walker;
use crate::dockerfile::image::{CopySource, State};
use crate::dockerfile::run;
use crate::dockerfile::start::Started;
use crate::model::{ProcessKind, Reach};

/// Why the process may get allocator settings that we cannot see.
pub(super) fn settings(walker: &Walker<'_>, state: &State, started: &Started) -> Option<String> {
    if let Some(why) = of_image(walker, state, started) {
        return Some(why);
    }
    if !is_asked(state, started) {
        return None;
    }
    let manifest = walker
        .around
        .manifest_that_sets_allocator(&walker.file.path)?;
    Some(format!("`{manifest}` sets an allocator"))
}

/// The same of the image alone, whatever starts it.
pub(super) fn of_image(walker: &Walker<'_>, state: &State, started: &Started) -> Option<String> {
    if let Some(why) = &started.unseen {
        return Some(why.clone());
    }
    if state.image.is_none() {
        return Some(format!(
            "the base image `{}` is not one we know",
            state.base
        ));
    }
    if let Some(image) = state.image.as_ref().filter(|image| image.crowded) {
        return Some(format!(
            "`{}` images come with settings of their own",
            image.name
        ));
    }
    let setting = |text: &str| text.contains("LD_PRELOAD") && !run::families_named(text).is_empty();
    if let Some(written) = state
        .written
        .iter()
        .find(|written| setting(written.text.as_str()))
    {
        return Some(format!("`{}` sets an allocator", written.path));
    }
    if reads_start_files(state, started) {
        return Some("the shell that starts the service reads its start-up files".into());
    }
    if !is_asked(state, started) {
        return None;
    }
    copied_script(walker, state, &started.followed)
}

/// A script in the image that sets an allocator, and that nobody has followed.
fn copied_script(walker: &Walker<'_>, state: &State, followed: &[String]) -> Option<String> {
    let from_context = state
        .copies
        .iter()
        .filter(|copied| copied.from == CopySource::Context);
    from_context
        .filter_map(|copied| {
            let scripts = walker
                .around
                .scripts_that_set_allocator(&walker.file.path, &copied.path);
            let mut others = scripts.iter().filter(|path| !followed.contains(path));
            others.next().cloned()
        })
        .map(|path| format!("`{path}` sets an allocator"))
        .next()
}

/// Whether the shell that starts the service reads a start-up file that sets an allocator.
pub(super) fn reads_start_files(state: &State, started: &Started) -> bool {
    let bash_env = state
        .env
        .get("BASH_ENV")
        .map(|var| var.now.value.text.as_str());
    state.strays.iter().any(|stray| match &stray.reach {
        Reach::Shells(path) => started.login || bash_env == Some(path),
        _ => false,
    })
}

/// Whether any rule will ask: files around a Dockerfile are searched for its sake only.
fn is_asked(state: &State, started: &Started) -> bool {
    let runs = started.process.kind.value() != Some(&ProcessKind::OneShot);
    runs && !started.process.argv.is_empty() && state.python.value().is_some()
}
