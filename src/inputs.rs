//! The formats malloclint reads. Each turns its own text into [`crate::model`] units; no format
//! knows a rule, a report or another format (`shell` is the one seam that several share).

use std::sync::Arc;

use crate::text::SourceFile;

pub mod compose;
pub mod dockerfile;
pub mod kubernetes;
pub mod manifest;
pub mod shell;
pub mod yaml;

/// The files around an input, read for it by those who may touch the disk.
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

    /// The paths of the Dockerfiles in the project of the input at `near`, sorted.
    fn dockerfiles(&self, near: &str) -> Arc<[String]> {
        let _ = near;
        Arc::default()
    }

    /// The path of a script below `folder` of the build context of `near` that sets an allocator,
    /// if there is one.
    fn script_that_sets_allocator(&self, near: &str, folder: &str) -> Option<String>;

    /// The path of a Compose file, manifest or environment file near `near` that sets an allocator,
    /// if there is one.
    fn manifest_that_sets_allocator(&self, near: &str) -> Option<String>;

    /// The name of the project that the input at `near` belongs to: the folder of its repository.
    fn project(&self, near: &str) -> Option<String> {
        let _ = near;
        None
    }
}

/// How a user wants changes to be spelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// What `LD_PRELOAD` is set to.
    pub preload: PreloadStyle,
}

/// What `LD_PRELOAD` is set to where the loader finds the library by its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PreloadStyle {
    /// The bare soname: right on every architecture.
    #[default]
    Soname,
    /// An absolute path; a link that the build makes where several architectures are possible.
    Path,
}

/// No surroundings: text from standard input, examples.
#[derive(Debug)]
pub struct Nowhere;

impl Surroundings for Nowhere {
    fn read(&self, _: &str, _: &str) -> Option<Arc<SourceFile>> {
        None
    }

    fn script_that_sets_allocator(&self, _: &str, _: &str) -> Option<String> {
        None
    }

    fn manifest_that_sets_allocator(&self, _: &str) -> Option<String> {
        None
    }
}
