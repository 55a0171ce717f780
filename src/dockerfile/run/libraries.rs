//! Libraries that a RUN puts somewhere: links, copies, builds; and takes away.

use super::located;
use crate::dockerfile::copy::{self, family_of};
use crate::dockerfile::image::ImageState;
use crate::facts::families_named;
use crate::model::{Library, Origin, PathPattern};
use crate::shell::effects::Effect;
use crate::text::Place;
use crate::text::paths::base_name;

/// Whether removing `pattern` removes the file at `path`: a glob does not reach into folders.
pub(super) fn removes(pattern: &str, path: &str) -> bool {
    let depth = |text: &str| text.matches('/').count();
    depth(pattern) == depth(path) && crate::model::matches(pattern, path)
        || !pattern.contains('*')
            && path
                .strip_prefix(pattern)
                .is_some_and(|rest| rest.starts_with('/'))
}

/// A file appears at `to`.
pub(super) fn put(state: &mut ImageState, from: &str, to: &str, effect: &Effect, place: &Place) {
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
        (None, None) => {
            return put_folder(state, &located(state, effect, from), &to, effect, place);
        }
    };
    let behind = state
        .libraries
        .iter()
        .find(|library| library.family == family)
        .cloned();
    state.add_library(Library {
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

/// A folder or an unknown file appears at `to`: the libraries in it appear there too.
fn put_folder(state: &mut ImageState, from: &str, to: &str, effect: &Effect, place: &Place) {
    let folder = from
        .trim_end_matches("/*")
        .trim_end_matches("/.")
        .trim_end_matches('/');
    let inside: Vec<(String, Library)> = state
        .libraries
        .iter()
        .filter_map(|library| Some((copy::below(&library.path, folder)?, library.clone())))
        .collect();
    for (rest, library) in inside {
        let path = PathPattern::new(format!("{}/{rest}", to.trim_end_matches('/')));
        let (place, step, conditional) = (place.clone(), state.step, effect.context.conditional);
        state.add_library(Library {
            path,
            origin: Origin::Linked,
            place,
            step,
            conditional,
            ..library
        });
    }
    state.placed.push((from.to_owned(), to.to_owned()));
    state.hide_rest(to, format!("`{from}` is put there"));
}

/// Something was built: an allocator, if one was fetched before.
pub(super) fn built(state: &mut ImageState, prefix: &str, effect: &Effect, place: &Place) {
    state.compiles = true;
    let mut families = state.mentioned.clone();
    if families.is_empty() {
        // No word of the command says what is built: the folder it is built in may.
        let folder = effect.folder.clone().unwrap_or_default();
        let copies: Vec<&str> = state
            .copies
            .iter()
            .map(|copied| copied.path.as_str())
            .collect();
        families = families_named(&format!("{} {folder} {}", state.workdir, copies.join(" ")));
    }
    if families.is_empty() {
        state.hide_rest(prefix, "something that is built is installed there");
    }
    let prefix = prefix.trim_end_matches('/');
    for (family, folder) in families
        .iter()
        .flat_map(|family| [(family, "lib"), (family, "lib64")])
    {
        state.add_library(Library {
            family: *family,
            path: PathPattern::new(format!("{prefix}/{folder}/lib*.so*")),
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
