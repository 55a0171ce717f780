//! The files around an input, as they lie on the disk. What is asked for is remembered.

use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::discover;
use super::memory::Memory;
use crate::surroundings::{Home, Surroundings};
use crate::text::{SourceFile, paths};

/// Files around an input that are larger than this say nothing about allocators.
const LIMIT: u64 = 256 << 10;
/// A build context lies at most so many folders above its Dockerfile.
const LEVELS: usize = 8;

/// The surroundings on disk.
#[derive(Debug, Default)]
pub struct Disk {
    files: Memory<PathBuf, Option<Arc<SourceFile>>>,
    homes: Memory<PathBuf, Home>,
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
                .of(Path::new(folder).join(path), |path| load(path))
        })
    }

    fn beside(&self, near: &str, path: &str) -> Option<Arc<SourceFile>> {
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
        self.files.of(plain, |path| load(path))
    }

    fn peek(&self, path: &str) -> Option<Vec<u8>> {
        bytes(Path::new(path))
    }

    fn list(&self, path: &str, depth: usize) -> Box<dyn Iterator<Item = String>> {
        let files = discover::all(Path::new(path), depth);
        Box::new(files.map(|path| discover::shown(&path)))
    }

    fn home(&self, near: &str) -> Home {
        let own = Path::new(near)
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let own = own.unwrap_or_else(|| Path::new("."));
        self.homes.of(own.to_path_buf(), |own| home(own))
    }
}

/// What lies above a folder that is in neither is none of our business.
fn home(own: &Path) -> Home {
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

/// A path from the top of the disk on, links in it left as they are.
#[must_use]
pub(crate) fn absolute(path: &str) -> String {
    static HERE: OnceLock<String> = OnceLock::new();
    if path.starts_with('/') {
        return paths::normal(path);
    }
    let here = HERE.get_or_init(|| {
        let here = Path::new(".").canonicalize();
        here.map_or_else(
            |_| String::new(),
            |here| here.to_string_lossy().into_owned(),
        )
    });
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

fn load(path: &Path) -> Option<Arc<SourceFile>> {
    Some(SourceFile::new(discover::shown(path), bytes(path)?))
}

fn bytes(path: &Path) -> Option<Vec<u8>> {
    let meta = std::fs::metadata(path).ok()?;
    if !meta.is_file() || meta.len() > LIMIT {
        return None;
    }
    std::fs::read(path).ok()
}
