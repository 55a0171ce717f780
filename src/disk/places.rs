//! How paths are called, and where they lie.

use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::sync::OnceLock;

use crate::text::paths;

/// The path as users write it: relative to where the tool runs where it lies below that, without a
/// leading `./`, `/` between the parts.
#[must_use]
pub(crate) fn shown(path: &Path) -> String {
    let below = here().and_then(|here| path.strip_prefix(here).ok());
    let around = path
        .starts_with("..")
        .then(|| absolute(&path.to_string_lossy()));
    // Out of this folder and into it again.
    let around = around.as_deref().map(Path::new);
    let below = below.or_else(|| around?.strip_prefix(here()?).ok());
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
    if text.is_empty() {
        ".".into()
    } else {
        text.to_owned()
    }
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

/// The folder at or above another that is a repository.
pub(crate) fn top(folder: &Path) -> Option<PathBuf> {
    let mut above = folder.ancestors();
    let top = above.find(|folder| folder.join(".git").exists());
    top.map(Path::to_path_buf)
}

/// The folder that the program runs in.
fn here() -> Option<&'static Path> {
    static HERE: OnceLock<Option<PathBuf>> = OnceLock::new();
    HERE.get_or_init(|| Path::new(".").canonicalize().ok())
        .as_deref()
}
