//! COPY and ADD: which files come into the image.

mod trace_back;

pub(super) use trace_back::{Readable, find, find_in_path};

use super::build::Build;
use super::image::{Copied, CopySource, ImageState, Preloading, Written};
use super::syntax::{Args, Instruction, Keyword};
use crate::facts::{self, Family, roles};
use crate::model::{Library, Opaque, Origin, PathPattern, Setting, ThreadHook, Value, Via};
use crate::text::paths::base_name;
use crate::text::paths::normal;
use crate::text::{Place, Span, Traced};

/// Reads a COPY or ADD.
pub(super) fn copy(build: &Build<'_>, state: &mut ImageState, instruction: &Instruction) {
    let mut words: Vec<String> = match &instruction.args {
        Args::Words(words) => words
            .iter()
            .map(|word| build.expand(state, &word.raw).text.as_str().to_owned())
            .collect(),
        Args::Json(words) => words
            .iter()
            .map(|word| build.expand(state, &word.value).text.as_str().to_owned())
            .collect(),
        _ => return,
    };
    let Some(target) = words.pop() else { return };
    let into_folder = target.ends_with('/') || target == "." || words.len() > 1;
    let to = state.absolute(&target);
    heredocs(build, state, instruction, &to, into_folder);
    let from = source(build, instruction);
    let place = build.place(instruction.span);
    // The here-document of the hook is no hook before a RUN puts it where Python looks.
    if instruction.heredocs.is_empty() {
        let hook = ThreadHook::named_in(instruction.text.as_str());
        state.thread_hook = state.thread_hook.max(hook);
    }
    if let CopySource::Stage(index) = from
        && let Some(from) = build.made.states.get(index)
    {
        state.thread_hook = state.thread_hook.max(from.thread_hook);
        // What was downloaded or built there may be what is copied; what a package brought lies all over the place.
        let brought = from.fragile.iter().filter(|fragile| !fragile.packaged);
        // Wheels that were built there are installed here.
        let wheels = words.iter().any(|path| path.contains("wheel"));
        if wheels || words.iter().any(|path| roles::holds_programs(path)) {
            state.noted.add(&from.noted);
        }
        if words.iter().any(|path| roles::holds_programs(path)) {
            brought.for_each(|fragile| state.add_fragile(fragile.clone()));
        }
    }
    if let CopySource::Stage(index) = from
        && let Some(whole) = build.made.states.get(index)
        && words.iter().any(|word| word == "/")
        && to == "/"
        && state.base == "scratch"
    {
        state.take_files(whole);
    }
    for path in words.iter().filter(|word| !word.starts_with("<<")) {
        let copied = Copied {
            from: from.clone(),
            path: path.clone(),
            to: to.clone(),
            into_folder,
        };
        bring(build, state, instruction.keyword, &copied, &place);
        state.copies.push(copied);
    }
}

fn source(build: &Build<'_>, instruction: &Instruction) -> CopySource {
    let from = instruction
        .flags
        .iter()
        .find(|flag| flag.name == "from")
        .and_then(|flag| flag.value.as_ref());
    let Some(from) = from.map(Traced::as_str) else {
        return CopySource::Context;
    };
    match build.names.find(build.made.states.len(), from, true) {
        Some(index) => CopySource::Stage(index),
        None => CopySource::Image(from.to_owned()),
    }
}

/// Files whose text stands in the Dockerfile: `COPY <<EOF /start.sh`.
fn heredocs(
    build: &Build<'_>,
    state: &mut ImageState,
    instruction: &Instruction,
    to: &str,
    into_folder: bool,
) {
    for heredoc in &instruction.heredocs {
        let path = if into_folder {
            format!("{to}/{}", heredoc.name)
        } else {
            to.to_owned()
        };
        let text = Traced::verbatim(&build.file.bytes, heredoc.body);
        let path = normal(&path);
        if path == "/etc/ld.so.preload" {
            state.hide(&path, "its text stands in a `COPY`");
        }
        state.written.push(Written { path, text });
    }
}

/// A file for `/etc/ld.so.preload`: read where it stands beside the Dockerfile, else unseen.
fn preload_file(build: &Build<'_>, state: &mut ImageState, copied: &Copied) {
    let file = match copied.from {
        CopySource::Context => build.around.read(&build.file.path, &copied.path),
        _ => None,
    };
    let Some(file) = file else {
        return state.hide(
            "/etc/ld.so.preload",
            format!("`{}` is copied there", copied.path),
        );
    };
    let names = without_comments(&file.bytes);
    let Some(start) = names.iter().position(|byte| *byte != b' ') else {
        return;
    };
    let end = names
        .iter()
        .rposition(|byte| *byte != b' ')
        .unwrap_or(start)
        + 1;
    let span = Span::new(start, end);
    let place = Place::new(&file, span);
    let value = Value {
        text: Traced::verbatim(&names, span),
        ..Value::default()
    };
    let setting = Setting {
        value,
        name_place: place.clone(),
        place,
        step: state.step,
        via: Via::File,
    };
    state.preloads.push(Preloading {
        setting,
        conditional: false,
    });
}

/// The file as the loader takes it: names between blanks of any kind, and comments, each byte where it was (glibc, elf/rtld.c).
fn without_comments(text: &[u8]) -> Vec<u8> {
    let mut comment = false;
    let mut names = text.to_vec();
    for byte in &mut names {
        comment = *byte != b'\n' && (comment || *byte == b'#');
        if comment || byte.is_ascii_whitespace() {
            *byte = b' ';
        }
    }
    names
}

/// Whether a folder that is copied to the root brings `/etc/ld.so.preload`.
fn holds_preload_file(build: &Build<'_>, copied: &Copied) -> bool {
    let below = match copied.to.as_str() {
        "/" => "etc/ld.so.preload",
        "/etc" => "ld.so.preload",
        _ => return false,
    };
    let path = normal(&format!("{}/{below}", copied.path));
    build.around.read(&build.file.path, &path).is_some()
}

/// What one source of a COPY brings: a library, a folder that holds some, or what we cannot see.
fn bring(
    build: &Build<'_>,
    state: &mut ImageState,
    keyword: Keyword,
    copied: &Copied,
    place: &Place,
) {
    let name = base_name(&copied.path);
    if copied.to == "/etc/ld.so.preload" || copied.to == "/etc" && name == "ld.so.preload" {
        return preload_file(build, state, copied);
    }
    let renamed = (!copied.into_folder)
        .then(|| family_of(base_name(&copied.to)))
        .flatten();
    if let Some(family) = family_of(name).or(renamed) {
        let library = origin(build, state, copied, family, place);
        state.add_library(library);
        return;
    }
    let is_library = name.ends_with(".so")
        || name.contains(".so.")
        || name.starts_with("lib") && name.contains('*');
    if is_library {
        return state.add_extra(name);
    }
    match &copied.from {
        CopySource::Stage(index) => from_stage(build, state, *index, copied, place),
        CopySource::Context if is_archive(name) && keyword == Keyword::Add => {
            state.hide(&copied.to, format!("`{}` is unpacked there", copied.path));
        }
        CopySource::Context
            if has_extension(name) && !name.contains('*') && !copied.path.ends_with('/') => {}
        CopySource::Context if holds_preload_file(build, copied) => {
            state.hide("/etc/ld.so.preload", format!("`{}` holds one", copied.path));
            state.hide(
                &copied.to,
                format!("`{}` of the build context is copied there", copied.path),
            );
        }
        CopySource::Context => state.hide(
            &copied.to,
            format!("`{}` of the build context is copied there", copied.path),
        ),
        CopySource::Image(image) => {
            state.hide(&copied.to, format!("files of `{image}` are copied there"));
        }
    }
}

fn from_stage(
    build: &Build<'_>,
    state: &mut ImageState,
    index: usize,
    copied: &Copied,
    place: &Place,
) {
    let Some(stage) = build.made.states.get(index) else {
        return;
    };
    let source = stage.absolute(&copied.path);
    let folder = source.trim_end_matches('/');
    for library in &*stage.libraries {
        if let Some(rest) = below(&library.path, folder) {
            let path = PathPattern::new(normal(&format!("{}/{rest}", copied.to)));
            let origin = Origin::Copied {
                from: stage_name(build, index),
            };
            let (place, step) = (place.clone(), state.step);
            // What it links against lies in the same folder, and comes with it.
            let needs = Vec::new();
            state.add_library(Library {
                path,
                origin,
                place,
                step,
                needs,
                ..library.clone()
            });
        }
    }
    let inside = format!("{folder}/x");
    let hides = |opaque: &&Opaque| opaque.covers(&inside) || opaque.path.starts_with(folder);
    let hidden = stage.opaque.iter().find(hides);
    if let Some(opaque) = hidden {
        state.hide(&copied.to, opaque.why.clone());
    } else {
        for name in &*stage.extra_libraries {
            state.add_extra(name);
        }
    }
}

/// The part of a library's path below `folder`, which may name one architecture or hold a glob.
pub(super) fn below(library: &PathPattern, folder: &str) -> Option<String> {
    let arch = folder.split('/').find_map(facts::Arch::from_triplet);
    let path = arch.map_or_else(|| library.as_str().to_owned(), |arch| library.on(arch));
    if folder.contains('*') {
        let own = PathPattern::new(library.folder());
        let fits = crate::model::matches(folder, own.as_str())
            || crate::model::matches(folder, &own.on(facts::Arch::Amd64));
        return fits.then(|| library.file_name().to_owned());
    }
    path.strip_prefix(folder)?
        .strip_prefix('/')
        .map(str::to_owned)
}

/// The library that a COPY names outright.
fn origin(
    build: &Build<'_>,
    state: &ImageState,
    copied: &Copied,
    family: Family,
    place: &Place,
) -> Library {
    let name = base_name(&copied.path);
    let path = if copied.into_folder || family_of(base_name(&copied.to)).is_none() {
        format!("{}/{name}", copied.to.trim_end_matches('/'))
    } else {
        copied.to.clone()
    };
    let mut library = Library {
        family,
        path: PathPattern::new(path),
        origin: Origin::Context,
        version: None,
        needs: Vec::new(),
        min_glibc: None,
        libc: None,
        conditional: false,
        place: place.clone(),
        step: state.step,
    };
    match &copied.from {
        CopySource::Context => {}
        CopySource::Image(image) => {
            from_image(&mut library, image);
            library.origin = Origin::Copied {
                from: image.clone(),
            };
        }
        CopySource::Stage(index) => {
            library.origin = Origin::Copied {
                from: stage_name(build, *index),
            };
            let Some(stage) = build.made.states.get(*index) else {
                return library;
            };
            library.libc = stage.platform.libc.value().copied();
            if let Some(same) = stage.libraries.iter().find(|other| other.family == family) {
                library.version.clone_from(&same.version);
                library.needs.clone_from(&same.needs);
                library.min_glibc.clone_from(&same.min_glibc);
            }
        }
    }
    library
}

/// What an image from outside says about a library that is copied out of it.
fn from_image(library: &mut Library, reference: &str) {
    let Some(image) = facts::image(reference, None) else {
        return;
    };
    library.libc = image.libc;
    let mut packages = image
        .release
        .into_iter()
        .flat_map(|release| release.packages_of(library.family));
    if let Some(package) = packages.find(|package| !package.dev) {
        library.version.clone_from(&package.version);
        library.needs.clone_from(&package.needs);
        library.min_glibc.clone_from(&package.min_glibc);
    }
}

/// What a report calls the stage at `index`.
pub(super) fn stage_name(build: &Build<'_>, index: usize) -> String {
    let name = build.stages.get(index).and_then(|stage| stage.name.clone());
    name.unwrap_or_else(|| format!("{}", index + 1))
}

/// The family of a library by its file name, which may end in a glob.
pub(super) fn family_of(name: &str) -> Option<Family> {
    let plain = name.trim_end_matches([
        '*', '.', '?', '[', ']', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
    ]);
    let whole = facts::family_of_library(name);
    whole
        .or_else(|| facts::family_of_library(plain))
        .or_else(|| {
            let stem = plain.trim_end_matches(".so");
            name.contains('*')
                .then(|| facts::family_of_library(&format!("{stem}.so")))
                .flatten()
        })
}

/// Whether a name is a file's, by its ending; `jemalloc-5.3.0` and `libs.d` are folders.
fn has_extension(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty() && extension != "d" && extension.bytes().any(|b| b.is_ascii_alphabetic())
    })
}

fn is_archive(name: &str) -> bool {
    [".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar.zst"]
        .iter()
        .any(|end| name.ends_with(end))
}
