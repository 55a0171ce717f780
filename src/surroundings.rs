//! What may be asked of the files around an input, by those who may not touch the disk. Who answers reads
//! files and lists folders; it understands nothing of what is in them.

use std::sync::Arc;

use crate::text::{SourceFile, paths};

/// The files around an input.
///
/// Paths use `/` and are relative to where the tool runs.
pub trait Surroundings: Sync {
    /// The file that `path` names in the build context of the input at `near`. The context is not
    /// written down anywhere: the folder of the input is tried first, then the folders above it.
    fn read(&self, near: &str, path: &str) -> Option<Arc<SourceFile>>;

    /// The file at `path`, relative to the folder of the input at `near`.
    fn beside(&self, near: &str, path: &str) -> Option<Arc<SourceFile>> {
        let _ = (near, path);
        None
    }

    /// Whether a file is there at `path`, relative to the folder of the input at `near`, that is not read because it lies
    /// outside of what may be read.
    fn is_outside(&self, near: &str, path: &str) -> bool {
        let _ = (near, path);
        false
    }

    /// Whether [`Surroundings::read`] finds nothing because a link leads out of what may be read.
    fn leads_outside(&self, near: &str, path: &str) -> bool {
        let _ = (near, path);
        false
    }

    /// What a path is called: a file has one name, by whatever dots it is reached.
    fn called(&self, path: &str) -> String {
        path.to_owned()
    }

    /// The bytes of the file at `path`, for one look: nobody remembers them.
    fn peek(&self, path: &str) -> Option<Vec<u8>> {
        let _ = path;
        None
    }

    /// The paths of the files at and below `path`, so many folders deep, sorted.
    fn list(&self, path: &str, depth: usize) -> Box<dyn Iterator<Item = String>> {
        let _ = (path, depth);
        Box::new(std::iter::empty())
    }

    /// Where the input at `near` is at home.
    fn home(&self, near: &str) -> Home {
        let _ = near;
        Home::default()
    }

    /// Whether what an input and the folders around it are called says what it is for. Where a built image is stored says nothing.
    fn names_tell(&self) -> bool {
        true
    }
}

/// The project of an input.
#[derive(Clone, Debug, Default)]
pub struct Home {
    /// The folder of the input and those above it, up to the top of its repository, or to where the tool runs.
    pub folders: Arc<[String]>,
    /// The name of the repository's folder, where the last of them is one.
    pub name: Option<String>,
}

impl Home {
    /// The folder above all others.
    #[must_use]
    pub fn top(&self) -> Option<&str> {
        self.folders.last().map(String::as_str)
    }
}

/// Why nothing is known of a file that is there.
#[must_use]
pub(crate) fn not_read(path: &str) -> String {
    format!("`{path}` is not read: it lies outside of the project (`--root` names another folder)")
}

/// The file at a path.
#[must_use]
pub(crate) fn at(path: &str, around: &dyn Surroundings) -> Option<Arc<SourceFile>> {
    around.beside(path, paths::file_name(path))
}

/// Surroundings in which one file says something else.
pub(crate) struct Instead<'a> {
    /// What they are otherwise.
    pub(crate) around: &'a dyn Surroundings,
    /// The file as it would be.
    pub(crate) file: Arc<SourceFile>,
}

impl Instead<'_> {
    fn of(&self, found: Arc<SourceFile>) -> Arc<SourceFile> {
        if paths::join("", &found.path) == paths::join("", &self.file.path) {
            return Arc::clone(&self.file);
        }
        found
    }
}

impl Surroundings for Instead<'_> {
    fn read(&self, near: &str, path: &str) -> Option<Arc<SourceFile>> {
        self.around.read(near, path).map(|found| self.of(found))
    }

    fn beside(&self, near: &str, path: &str) -> Option<Arc<SourceFile>> {
        self.around.beside(near, path).map(|found| self.of(found))
    }

    fn is_outside(&self, near: &str, path: &str) -> bool {
        self.around.is_outside(near, path)
    }

    fn leads_outside(&self, near: &str, path: &str) -> bool {
        self.around.leads_outside(near, path)
    }

    fn called(&self, path: &str) -> String {
        self.around.called(path)
    }

    fn peek(&self, path: &str) -> Option<Vec<u8>> {
        if paths::join("", path) == paths::join("", &self.file.path) {
            return Some(self.file.bytes.clone());
        }
        self.around.peek(path)
    }

    fn list(&self, path: &str, depth: usize) -> Box<dyn Iterator<Item = String>> {
        self.around.list(path, depth)
    }

    fn home(&self, near: &str) -> Home {
        self.around.home(near)
    }

    fn names_tell(&self) -> bool {
        self.around.names_tell()
    }
}

/// No surroundings: text from standard input, examples.
#[derive(Debug)]
pub struct Nowhere;

impl Surroundings for Nowhere {
    fn read(&self, _: &str, _: &str) -> Option<Arc<SourceFile>> {
        None
    }
}
