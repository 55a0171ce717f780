//! What may be asked of the files around an input, by those who may not touch the disk.

use std::sync::Arc;

use crate::text::SourceFile;

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

    /// The kustomizations in the project of the input at `near`, sorted by path.
    fn kustomizations(&self, near: &str) -> Arc<[Kustomization]> {
        let _ = near;
        Arc::default()
    }

    /// The manifests in the project of the input at `near` that hold ConfigMaps, sorted by path.
    fn config_maps(&self, near: &str) -> Arc<[Arc<SourceFile>]> {
        let _ = near;
        Arc::default()
    }

    /// What the project of the input at `near` says about which Dockerfile builds which image.
    fn image_builds(&self, near: &str) -> Arc<[ImageBuild]> {
        let _ = near;
        Arc::default()
    }

    /// The paths of the scripts below `folder` of the build context of `near` that set an allocator.
    fn scripts_that_set_allocator(&self, near: &str, folder: &str) -> Arc<[String]>;

    /// The path of a Compose file, manifest or environment file near `near` that sets an allocator,
    /// if there is one.
    fn manifest_that_sets_allocator(&self, near: &str) -> Option<String>;

    /// The name of the project that the input at `near` belongs to: the folder of its repository.
    fn project(&self, near: &str) -> Option<String> {
        let _ = near;
        None
    }

    /// The README at the top of that project.
    fn readme(&self, near: &str) -> Option<Arc<SourceFile>> {
        let _ = near;
        None
    }
}

/// An image that the project builds, and what from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageBuild {
    /// Its name, without tag and digest.
    pub image: String,
    /// Its name with the tag.
    pub reference: String,
    /// The path of its Dockerfile, from where the tool runs.
    pub dockerfile: String,
    /// The stage; the last one where nothing is said.
    pub target: Option<String>,
    /// The path of the file that says so.
    pub said_in: String,
}

/// The files and folders that a kustomization names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// What it builds upon.
    pub resources: Vec<String>,
    /// What it lays over that.
    pub patches: Vec<String>,
}

/// A kustomization of a project.
#[derive(Debug)]
pub struct Kustomization {
    /// The file.
    pub file: Arc<SourceFile>,
    /// What it names, as paths from where the tool runs.
    pub references: References,
}

/// No surroundings: text from standard input, examples.
#[derive(Debug)]
pub struct Nowhere;

impl Surroundings for Nowhere {
    fn read(&self, _: &str, _: &str) -> Option<Arc<SourceFile>> {
        None
    }

    fn scripts_that_set_allocator(&self, _: &str, _: &str) -> Arc<[String]> {
        Arc::default()
    }

    fn manifest_that_sets_allocator(&self, _: &str) -> Option<String> {
        None
    }
}
