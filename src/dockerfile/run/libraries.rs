//! Libraries that a RUN puts somewhere: links, copies, builds; and takes away.

use super::version::{self, Version};
use super::{Source, located};
use crate::dockerfile::copy::{self, family_of};
use crate::dockerfile::image::ImageState;
use crate::facts::{self, Family, Manager, families_named};
use crate::model::{Library, Origin, PathPattern, is_library_folder};
use crate::shell::effects::{Effect, EffectKind};
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
    let linked = matches!(effect.kind, EffectKind::Place { link: true, .. }) && !to.ends_with('/');
    let to = located(state, effect, to);
    if to == "/etc/ld.so.preload" {
        return state.hide("/etc/ld.so.preload", format!("`{from}` is put there"));
    }
    let name = base_name(&to);
    if let (None, Some(family)) = (family_of(name), family_of(base_name(from)))
        && linked
        && !name.contains('.')
        && !is_library_folder(name)
    {
        // It may be a folder, or a name of the library's own.
        appear(state, family, to.clone(), effect, place);
    }
    let (family, path) = match (family_of(name), family_of(base_name(from))) {
        (Some(family), _) => (family, to.clone()),
        // A library under a name of its own.
        (None, Some(family)) if name.contains(".so") => (family, to.clone()),
        (None, Some(family)) => (
            family,
            format!("{}/{}", to.trim_end_matches('/'), base_name(from)),
        ),
        (None, None) => {
            return put_folder(state, &located(state, effect, from), &to, effect, place);
        }
    };
    appear(state, family, path, effect, place);
}

/// A library of that family appears at `path`.
fn appear(state: &mut ImageState, family: Family, path: String, effect: &Effect, place: &Place) {
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
pub(super) fn built(
    state: &mut ImageState,
    source: Source<'_>,
    prefix: &str,
    effect: &Effect,
    place: &Place,
) {
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
    let text = source.text.as_str();
    for family in families {
        let files = built_files(state, family, text);
        for (folder, file) in folders(state, family, text)
            .iter()
            .flat_map(|folder| files.iter().map(move |file| (folder, file)))
        {
            state.add_library(Library {
                family,
                path: PathPattern::new(format!("{prefix}/{folder}/{file}")),
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
}

/// The folders below the prefix into which a build installs: `lib` by autotools, which is all that jemalloc has; CMake's
/// and Meson's take `lib64` where the distribution does (GNUInstallDirs).
fn folders(state: &ImageState, family: Family, text: &str) -> &'static [&'static str] {
    let says = ["libdir", "LIBDIR"].iter().any(|word| text.contains(word));
    let manager = state.platform.manager;
    match (family, manager) {
        _ if says => &["lib", "lib64", "lib/{triplet}"],
        (Family::Jemalloc, _) | (_, Some(Manager::Apt | Manager::Apk)) => &["lib"],
        _ => &["lib", "lib64"],
    }
}

/// The names of the files: those of the version, where the text of the step or a variable of the stage says one.
fn built_files(state: &ImageState, family: Family, text: &str) -> Vec<String> {
    let allocator = facts::allocators(family).next();
    let soname = allocator.and_then(|allocator| {
        let soname = match version::of(state, family, text) {
            Some(Version::Number(version)) => allocator.soname(version),
            Some(Version::Newest) => allocator.newest_soname(),
            None => None,
        };
        Some((allocator, soname?))
    });
    match (soname, allocator) {
        // gperftools and mimalloc build variants of other names beside: minimal, secure.
        (Some((allocator, soname)), _) if family == Family::Jemalloc => {
            vec![soname, allocator.library.clone()]
        }
        (_, Some(allocator)) => {
            let stem = allocator.library.trim_end_matches(".so");
            vec![format!("{stem}*.so*")]
        }
        (_, None) => vec!["lib*.so*".into()],
    }
}
