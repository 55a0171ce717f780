//! The files around an input, as they lie on the disk. What is asked for is remembered.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::discover;
use super::memory::Memory;
use crate::disk::{Roots, shown};
use crate::surroundings::{Home, Surroundings};
use crate::text::SourceFile;

/// Files around an input that are larger than this say nothing about allocators.
const LIMIT: u64 = 256 << 10;
/// A build context lies at most so many folders above its Dockerfile.
const LEVELS: usize = 8;

/// The surroundings on disk.
#[derive(Debug, Default)]
pub struct Disk {
    roots: Roots,
    files: Memory<PathBuf, Option<Arc<SourceFile>>>,
    homes: Memory<PathBuf, Home>,
}

impl Disk {
    /// Those below some roots.
    #[must_use]
    pub fn below(roots: Roots) -> Self {
        Self {
            roots,
            ..Self::default()
        }
    }

    fn load(&self, path: &Path) -> Option<Arc<SourceFile>> {
        let bytes = self.roots.read(path, LIMIT).ok()?;
        Some(SourceFile::new(shown(path), bytes))
    }
}

impl Surroundings for Disk {
    fn read(&self, near: &str, path: &str) -> Option<Arc<SourceFile>> {
        let path = path.trim_start_matches('/');
        if path.is_empty() || path.split('/').any(|part| part == "..") || path.contains('*') {
            return None;
        }
        let home = self.home(near);
        let mut folders = home.folders.iter();
        folders.find_map(|folder| {
            self.files
                .of(Path::new(folder).join(path), |path| self.load(path))
        })
    }

    fn beside(&self, near: &str, path: &str) -> Option<Arc<SourceFile>> {
        let plain = plain(near, path)?;
        self.files.of(plain, |path| self.load(path))
    }

    fn is_outside(&self, near: &str, path: &str) -> bool {
        plain(near, path).is_some_and(|path| self.roots.shut_out(&path))
    }

    fn peek(&self, path: &str) -> Option<Vec<u8>> {
        self.roots.read(Path::new(path), LIMIT).ok()
    }

    fn list(&self, path: &str, depth: usize) -> Box<dyn Iterator<Item = String>> {
        let files = discover::all(Path::new(path), depth);
        Box::new(files.map(|path| shown(&path)))
    }

    fn home(&self, near: &str) -> Home {
        let own = Path::new(near)
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let own = own.unwrap_or_else(|| Path::new("."));
        self.homes
            .of(own.to_path_buf(), |own| home(own, &self.roots))
    }
}

/// A path relative to the folder of an input, without dots as far as they can be taken away.
fn plain(near: &str, path: &str) -> Option<PathBuf> {
    let below = Path::new(near).parent()?.join(path);
    let mut plain = PathBuf::new();
    for part in below.components() {
        match part {
            Component::CurDir => {}
            // What lies above where the tool runs is reached by its dots.
            Component::ParentDir if plain.file_name().is_none() => plain.push(".."),
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    Some(plain)
}

/// What lies above a folder that is in neither is none of our business.
fn home(own: &Path, roots: &Roots) -> Home {
    let named = |folder: &&Path| !folder.as_os_str().is_empty();
    let mut found: Vec<&Path> = own.ancestors().filter(named).take(LEVELS).collect();
    if own.is_relative() && own != Path::new(".") {
        found.push(Path::new("."));
    }
    let top = found.iter().position(|folder| folder.join(".git").exists());
    match top {
        Some(top) => found.truncate(top + 1),
        None if own.is_absolute() => found.truncate(1),
        None => {}
    }
    found.retain(|folder| roots.hold(folder));
    let name = || {
        let whole = found.last()?.canonicalize().ok()?;
        Some(whole.file_name()?.to_string_lossy().into_owned())
    };
    Home {
        name: top.and_then(|_| name()),
        folders: found
            .iter()
            .map(|path| path.to_string_lossy().into_owned())
            .collect(),
    }
}
