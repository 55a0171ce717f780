//! The formats malloclint reads. Each turns its own text into [`crate::model`] units; no format
//! knows a rule, a report or another format (`shell` is the one seam that several share).

use std::sync::Arc;

use crate::text::SourceFile;

pub mod compose;
pub mod kubernetes;
pub mod kustomize;
pub mod links;
pub mod manifest;
pub mod project;

/// What a file is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Format {
    Dockerfile,
    Kubernetes,
    Compose,
}

impl Format {
    /// The format of a file, by its name, and by its text where the name leaves that open.
    #[must_use]
    pub fn of(path: &str, bytes: &[u8]) -> Self {
        let name = path
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let yaml = name.ends_with(".yaml") || name.ends_with(".yml");
        let line = |word: &str| {
            let text = word.as_bytes();
            bytes.starts_with(text)
                || memchr::memmem::find(bytes, format!("\n{word}").as_bytes()).is_some()
        };
        let services = line("services:") && !line("apiVersion:") && (yaml || !line("FROM "));
        if yaml && Self::is_compose_name(&name) || services {
            return Self::Compose;
        }
        // What a chart renders to may come under any name.
        if yaml
            || name == "kustomization"
            || name.ends_with(".json")
            || line("apiVersion:") && line("kind:")
        {
            return Self::Kubernetes;
        }
        Self::Dockerfile
    }

    /// Whether a file of that name is a Compose file: `compose.yaml`, `docker-compose.prod.yml`.
    #[must_use]
    pub fn is_compose_name(name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let yaml = name
            .strip_suffix(".yaml")
            .or_else(|| name.strip_suffix(".yml"));
        yaml.is_some_and(|stem| {
            stem.split(['.', '-', '_'])
                .any(|word| word == "compose" || word == "dockercompose")
        })
    }
}

/// Endings of files that another program reads first.
const TEMPLATES: [&str; 15] = [
    "j2", "jinja", "jinja2", "tmpl", "tpl", "tftpl", "template", "in", "erb", "mustache", "hbs",
    "ejs", "gotmpl", "m4", "mako",
];

/// Whether a file with that ending (`j2` of `Dockerfile.j2`, of `pod.j2.yaml`) is one that another program reads first.
#[must_use]
pub fn is_template_ending(ending: &str) -> bool {
    TEMPLATES.contains(&ending)
}

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

    fn script_that_sets_allocator(&self, _: &str, _: &str) -> Option<String> {
        None
    }

    fn manifest_that_sets_allocator(&self, _: &str) -> Option<String> {
        None
    }
}
