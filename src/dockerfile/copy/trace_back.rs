//! The way back from a path in the image to a file beside the Dockerfile, or to text in it.

use std::sync::Arc;

use super::has_extension;
use crate::dockerfile::build::Build;
use crate::dockerfile::image::{Copied, CopySource, ImageState};
use crate::shell::is_shell;
use crate::surroundings::not_read;
use crate::text::paths::base_name;
use crate::text::paths::normal;
use crate::text::{Place, SourceFile, Span, Traced};

/// How often a file is followed from stage to stage.
const HOPS: usize = 16;

/// A file of the image whose text we can read.
pub(in crate::dockerfile) enum Readable {
    /// It stands in the Dockerfile itself.
    Inline(Traced),
    /// It stands in the build context.
    Beside(Arc<SourceFile>),
    /// It lies outside of what may be read, at that path of the build context.
    Outside(String),
}

impl Readable {
    /// The text and where it stands, or why it is not read.
    pub(in crate::dockerfile) fn open(self, build: &Build<'_>) -> Result<(Traced, Place), String> {
        match self {
            Self::Inline(text) => Ok((text, build.place(Span::default()))),
            Self::Beside(file) => {
                let whole = Span::new(0, file.bytes.len());
                let text = Traced::verbatim(&file.bytes, whole);
                Ok((text, Place::new(&file, whole)))
            }
            Self::Outside(path) => Err(not_read(&path)),
        }
    }

    /// Whether its first line names a shell.
    pub(in crate::dockerfile) fn is_shell(&self) -> bool {
        let first = |text: &[u8]| {
            let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let line = String::from_utf8_lossy(line);
            let program = line.strip_prefix("#!").unwrap_or_default();
            let mut words = program.split_whitespace().map(base_name);
            let words = words
                .by_ref()
                .filter(|word| *word != "env" && !word.starts_with('-'));
            words
                .take(1)
                .any(|word| is_shell(word) || word == "with-contenv")
        };
        match self {
            Self::Inline(text) => first(text.as_str().as_bytes()),
            Self::Beside(file) => first(&file.bytes),
            Self::Outside(_) => false,
        }
    }
}

/// Where programs are looked for that are named without a path.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The text of the program of that name, where a COPY, a link or the Dockerfile itself puts it into a folder of PATH.
pub(in crate::dockerfile) fn find_in_path(
    build: &Build<'_>,
    state: &ImageState,
    name: &str,
) -> Option<Readable> {
    let set = state.env.get("PATH").map(|var| var.now.value.text.as_str());
    let own = set
        .unwrap_or_default()
        .split(':')
        .filter(|dir| dir.starts_with('/'));
    let mut dirs = own.chain(PATH.split(':'));
    dirs.find_map(|dir| {
        let dir = dir.trim_end_matches('/');
        let below = |path: &str| {
            path.strip_prefix(dir)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mut targets = state.copies.iter().map(|copied| copied.to.as_str());
        let put = targets.any(below)
            || state.placed.iter().any(|(_, to)| below(to))
            || state.written.iter().any(|written| below(&written.path));
        let found = put.then(|| find(build, state, &format!("{dir}/{name}")));
        found.flatten()
    })
}

/// The text of the file at `path` of the image, where it can be had.
pub(in crate::dockerfile) fn find(
    build: &Build<'_>,
    state: &ImageState,
    path: &str,
) -> Option<Readable> {
    let path = state.absolute(path);
    locate(build, state, &path, HOPS)
}

fn locate(build: &Build<'_>, state: &ImageState, path: &str, hops: usize) -> Option<Readable> {
    if let Some(written) = state
        .written
        .iter()
        .rev()
        .find(|written| written.path == path)
    {
        return Some(Readable::Inline(written.text.clone()));
    }
    let mut placed = state.placed.iter().rev();
    let moved = placed
        .find(|(from, to)| to == path || format!("{to}/{}", base_name(from)) == path)
        .filter(|_| hops > 0)
        .and_then(|(from, _)| locate(build, state, from, hops - 1));
    if moved.is_some() {
        return moved;
    }
    let mut candidates: Vec<(usize, &Copied, String)> = state
        .copies
        .iter()
        .filter_map(|copied| source_of(copied, path).map(|(rank, source)| (rank, copied, source)))
        .collect();
    // The most specific COPY first; of equals the last one wins in the image.
    candidates.reverse();
    candidates.sort_by_key(|(rank, ..)| std::cmp::Reverse(*rank));
    candidates
        .into_iter()
        .find_map(|(_, copied, source)| match &copied.from {
            CopySource::Context => beside(build, source),
            CopySource::Stage(index) if hops > 0 => {
                let stage = build.made.states.get(*index)?;
                locate(build, stage, &stage.absolute(&source), hops - 1)
            }
            _ => None,
        })
}

fn beside(build: &Build<'_>, source: String) -> Option<Readable> {
    let near = &build.file.path;
    let found = build.around.read(near, &source).map(Readable::Beside);
    found.or_else(|| {
        let outside = build.around.leads_outside(near, &source);
        outside.then_some(Readable::Outside(source))
    })
}

/// The path in the source of `copied` that becomes `path`, and how specific that is.
fn source_of(copied: &Copied, path: &str) -> Option<(usize, String)> {
    let name = base_name(&copied.path);
    if copied.to == path {
        return Some((usize::MAX, copied.path.clone()));
    }
    let rest = if copied.to == "/" {
        path
    } else {
        path.strip_prefix(copied.to.as_str())?
    };
    let rest = rest.strip_prefix('/')?;
    if rest == name {
        return Some((usize::MAX, copied.path.clone()));
    }
    let folder = copied.path.trim_end_matches('/');
    if name.contains('*') {
        let above = folder.rsplit_once('/').map_or(".", |(above, _)| above);
        return Some((copied.to.len(), normal(&format!("{above}/{rest}"))));
    }
    if has_extension(name) && copied.into_folder {
        return None;
    }
    Some((copied.to.len(), normal(&format!("{folder}/{rest}"))))
}
