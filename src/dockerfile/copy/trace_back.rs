//! The way back from a path in the image to a file beside the Dockerfile, or to text in it.

use std::sync::Arc;

use super::has_extension;
use crate::dockerfile::build::Build;
use crate::dockerfile::image::{Copied, CopySource, ImageState};
use crate::text::paths::base_name;
use crate::text::paths::normal;
use crate::text::{SourceFile, Traced};

/// How often a file is followed from stage to stage.
const HOPS: usize = 16;

/// A file of the image whose text we can read.
pub(in crate::dockerfile) enum Readable {
    /// It stands in the Dockerfile itself.
    Inline(Traced),
    /// It stands in the build context.
    Beside(Arc<SourceFile>),
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
            CopySource::Context => build
                .around
                .read(&build.file.path, &source)
                .map(Readable::Beside),
            CopySource::Stage(index) if hops > 0 => {
                let stage = build.made.states.get(*index)?;
                locate(build, stage, &stage.absolute(&source), hops - 1)
            }
            _ => None,
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
