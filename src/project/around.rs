//! The files around an input, as they lie on the disk. What is asked for is remembered.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::discover;
use super::memory::Memory;
use crate::disk::{Roots, is_repository, shown};
use crate::surroundings::{Home, Surroundings};
use crate::text::SourceFile;

/// Files around an input that are larger than this say nothing about allocators.
const LIMIT: u64 = 256 << 10;
/// A build context lies at most so many folders above its Dockerfile.
const LEVELS: usize = 16;

/// The surroundings on disk.
#[derive(Debug, Default)]
pub struct Disk {
    roots: Roots,
    files: Memory<PathBuf, Option<Arc<SourceFile>>>,
    homes: Memory<PathBuf, Home>,
    /// Whether paths that were asked for lead outside: each link on the way is read.
    outside: Memory<PathBuf, bool>,
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
            // `./` in the middle of a path is no part of its name.
            let path: PathBuf = Path::new(folder).join(path).components().collect();
            let path = PathBuf::from(shown(&path));
            self.files.of(path, |path| self.load(path))
        })
    }

    fn beside(&self, near: &str, path: &str) -> Option<Arc<SourceFile>> {
        let path = PathBuf::from(shown(&plain(near, path)?));
        self.files.of(path, |path| self.load(path))
    }

    fn is_outside(&self, near: &str, path: &str) -> bool {
        plain(near, path)
            .is_some_and(|path| self.outside.of(path, |path| self.roots.shut_out(path)))
    }

    fn leads_outside(&self, near: &str, path: &str) -> bool {
        let path = path.trim_start_matches('/');
        let home = self.home(near);
        let mut folders = home.folders.iter();
        folders.any(|folder| self.roots.shut_out(&Path::new(folder).join(path)))
    }

    fn called(&self, path: &str) -> String {
        let name = shown(Path::new(path));
        if name == "." { String::new() } else { name }
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

/// What lies above the roots is none of our business.
fn home(own: &Path, roots: &Roots) -> Home {
    let mut found: Vec<PathBuf> = Vec::new();
    let mut is_top = false;
    let mut next = Some(own.to_path_buf());
    while let Some(folder) = next.filter(|folder| found.len() < LEVELS && roots.hold(folder)) {
        is_top = is_repository(&folder);
        next = if is_top { None } else { above(&folder) };
        found.push(folder);
    }
    let name = || {
        let whole = found.last()?.canonicalize().ok()?;
        Some(whole.file_name()?.to_string_lossy().into_owned())
    };
    Home {
        name: is_top.then(name).flatten(),
        folders: found
            .iter()
            .map(|path| path.to_string_lossy().into_owned())
            .collect(),
    }
}

/// The folder above another, relative to where the tool runs where that one is.
fn above(folder: &Path) -> Option<PathBuf> {
    match folder.components().next_back()? {
        Component::Normal(_) => {
            let parent = folder.parent()?;
            let named = !parent.as_os_str().is_empty();
            Some(if named { parent } else { Path::new(".") }.to_path_buf())
        }
        Component::CurDir => Some(PathBuf::from("..")),
        Component::ParentDir => Some(folder.join("..")),
        _ => None,
    }
}
