//! Which build of Python a RUN brings: with the interpreter's lock or without.

use super::pattern;
use crate::dockerfile::build::Build;
use crate::dockerfile::copy::{self, Readable};
use crate::dockerfile::image::ImageState;
use crate::facts::free_threading::{
    chooses, chosen, chosen_by, is_free_threaded, requested, without_lock,
};
use crate::model::{PythonBuild, is_python};
use crate::shell::effects::Package;
use crate::shell::syntax::Word;
use crate::text::Place;
use crate::text::paths::base_name;

/// A command: a tool that chooses a Python, CPython's own `configure`, or such a Python itself.
pub(super) fn ran(build: &Build<'_>, state: &mut ImageState, words: &[Word], place: &Place) {
    let words: Vec<String> = words
        .iter()
        .map(|word| pattern(build, state, word))
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some((program, arguments)) = words.split_first() else {
        return;
    };
    let program = base_name(program);
    let free = |said: &str| PythonBuild {
        said: said.to_owned(),
        place: place.of_text(said),
        free_threaded: true,
    };
    let found = if program == "configure" {
        let switch = arguments.iter().find(|word| **word == without_lock());
        switch.map(|switch| free(switch))
    } else if is_python(program) {
        requested(program)
            .filter(|free| *free)
            .map(|_| free(program))
    } else if let Some((said, free_threaded)) = chosen(program, arguments) {
        Some(PythonBuild {
            free_threaded,
            ..free(said)
        })
    } else if chooses(program) {
        by_variable(state).or_else(|| by_file(build, state))
    } else {
        None
    };
    if found.is_some() {
        state.noted.python_build = found;
    }
}

/// Packages of a distribution or of conda: `python3.13-nogil`.
pub(super) fn installed(
    state: &mut ImageState,
    packages: &[Package],
    place: impl Fn(&Package) -> Place,
) {
    let mut named = packages
        .iter()
        .filter(|package| package.name.starts_with("python") && is_free_threaded(&package.name));
    if let Some(package) = named.next() {
        state.noted.python_build = Some(PythonBuild {
            said: package.name.clone(),
            place: place(package),
            free_threaded: true,
        });
    }
}

/// What the variable says in which such a tool looks.
fn by_variable(state: &ImageState) -> Option<PythonBuild> {
    let (name, _) = chosen_by();
    let var = state.env.get(name)?;
    let value = var.now.value.known()?;
    Some(PythonBuild {
        said: format!("{name}={value}"),
        place: var.now.place.clone(),
        free_threaded: requested(value)?,
    })
}

/// What the file says in which such a tool looks.
fn by_file(build: &Build<'_>, state: &ImageState) -> Option<PythonBuild> {
    let (_, name) = chosen_by();
    let found: Readable = copy::find(build, state, name)?;
    let (text, place) = found.open(build).ok()?;
    let said = text
        .as_str()
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())?;
    Some(PythonBuild {
        said: said.to_owned(),
        free_threaded: requested(said)?,
        place,
    })
}
