//! How paths are called, and where they lie.

use std::path::{Component, MAIN_SEPARATOR, Path, PathBuf};
use std::sync::OnceLock;

use crate::text::paths;

/// The path as users write it: relative to where the tool runs where it lies below that, without a
/// leading `./`, `/` between the parts. A file has one such name, whatever way around led there.
#[must_use]
pub(crate) fn shown(path: &Path) -> String {
    let below = here().and_then(|here| path.strip_prefix(here).ok());
    let text = below.unwrap_or(path).to_string_lossy();
    let text = if MAIN_SEPARATOR == '/' {
        text.into_owned()
    } else {
        text.replace(MAIN_SEPARATOR, "/")
    };
    let mut text = text.as_str();
    while let Some(rest) = text.strip_prefix("./") {
        text = rest;
    }
    if let Some(short) = outwards(text) {
        return short;
    }
    if text.is_empty() {
        ".".into()
    } else {
        text.to_owned()
    }
}

/// A path that a user names, without detours: `k/../base` is where that lies, whatever `k` is a link to.
#[must_use]
pub(crate) fn straight(path: &Path) -> PathBuf {
    let mut inner = path
        .components()
        .skip_while(|part| matches!(part, Component::ParentDir | Component::CurDir));
    let detour = inner.any(|part| part == Component::ParentDir);
    let lies = || path.canonicalize().ok();
    detour
        .then(lies)
        .flatten()
        .unwrap_or_else(|| path.to_path_buf())
}

/// A path that leads out of the folder that the program runs in, without what leads back into it.
fn outwards(path: &str) -> Option<String> {
    let parts = || path.split('/').filter(|part| !matches!(*part, "" | "."));
    let ups = parts().take_while(|part| *part == "..").count();
    let rest: Vec<&str> = parts().skip(ups).collect();
    // Behind a link, `..` is another folder.
    if ups == 0 || path.starts_with('/') || rest.contains(&"..") {
        return None;
    }
    let here = here()?.to_string_lossy();
    let here: Vec<&str> = here.split('/').filter(|part| !part.is_empty()).collect();
    let kept = here.len().checked_sub(ups)?;
    let target = here.get(..kept)?.iter().chain(&rest);
    let target: Vec<&str> = target.copied().collect();
    let same = here.iter().zip(&target).take_while(|(a, b)| a == b).count();
    let ups = std::iter::repeat_n("..", here.len() - same);
    let parts: Vec<&str> = ups.chain(target.get(same..)?.iter().copied()).collect();
    Some(if parts.is_empty() {
        ".".into()
    } else {
        parts.join("/")
    })
}

/// A path from the top of the disk on, links in it left as they are.
#[must_use]
pub(crate) fn absolute(path: &str) -> String {
    if path.starts_with('/') {
        return paths::normal(path);
    }
    let here = here().map_or_else(Default::default, |here| here.to_string_lossy());
    paths::normal(&format!("{here}/{path}"))
}

/// The paths from the top of the disk on by which patterns may mean a file: as it is called, and where it really lies.
#[must_use]
pub(crate) fn places(path: &str) -> Vec<String> {
    let mut places = vec![absolute(path)];
    let lies = Path::new(path).canonicalize();
    let lies = lies.map(|path| path.to_string_lossy().into_owned());
    places.extend(lies.ok().filter(|lies| !places.contains(lies)));
    places
}

/// Whether a folder is the top of a repository. (What a link named `.git` leads to is nobody's business.)
pub(crate) fn is_repository(folder: &Path) -> bool {
    folder.join(".git").symlink_metadata().is_ok()
}

/// The folder at or above another that is a repository.
pub(crate) fn top(folder: &Path) -> Option<PathBuf> {
    let mut above = folder.ancestors();
    let top = above.find(|folder| is_repository(folder));
    top.map(Path::to_path_buf)
}

/// A path from the top of the disk on, nothing taken away.
pub(super) fn from_here(path: &Path) -> PathBuf {
    here().map_or_else(|| path.to_path_buf(), |here| here.join(path))
}

/// The folder that the program runs in.
fn here() -> Option<&'static Path> {
    static HERE: OnceLock<Option<PathBuf>> = OnceLock::new();
    HERE.get_or_init(|| Path::new(".").canonicalize().ok())
        .as_deref()
}
