//! Files in which a project says what it builds its images from: bake files, skaffold, Compose files.

mod bake;
mod skaffold;
mod workflows;

use std::sync::Arc;

use super::Format;
use crate::manifests::Sheet;
use crate::manifests::compose;
use crate::surroundings::Surroundings;
use crate::text::SourceFile;
use crate::text::paths;
use crate::yaml;

/// An image that the project builds, and what from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ImageBuild {
    /// Its name, without tag and digest; empty where it has none.
    pub image: String,
    /// Its name with the tag.
    pub reference: String,
    /// The path of its Dockerfile, from where the tool runs.
    pub dockerfile: String,
    /// The stage; the last one where nothing is said.
    pub target: Option<String>,
    /// The platforms that it is built for, as they are written; empty where nothing is said.
    pub platforms: Vec<String>,
    /// The path of the file that says so.
    pub said_in: String,
}

/// Whether a file says what images are built from, by its path.
#[must_use]
pub(crate) fn is_link(path: &str) -> bool {
    let name = paths::file_name(path);
    let named = is_bake(name) || is_skaffold(name) || Format::is_compose_name(name);
    named || workflows::is_workflow(path)
}

/// `docker-bake.hcl`, `docker-bake.override.json` (docs.docker.com, "Bake file reference").
fn is_bake(name: &str) -> bool {
    let json = name.ends_with(".json");
    name.starts_with("docker-bake") && (json || name.ends_with(".hcl"))
}

fn is_skaffold(name: &str) -> bool {
    matches!(name, "skaffold.yaml" | "skaffold.yml")
}

/// The images that `file` says are built, and what from.
#[must_use]
pub(crate) fn read(file: &Arc<SourceFile>, around: &dyn Surroundings) -> Vec<ImageBuild> {
    let name = paths::file_name(&file.path);
    let Ok(text) = std::str::from_utf8(&file.bytes) else {
        return Vec::new();
    };
    if name.ends_with(".hcl") {
        return bake::read_hcl(file, text);
    }
    let Ok(tree) = yaml::read(text) else {
        return Vec::new();
    };
    let sheet = Sheet {
        file,
        text,
        tree: &tree,
    };
    if is_bake(name) {
        return bake::read_json(sheet);
    }
    if is_skaffold(name) {
        return skaffold::read(sheet);
    }
    if workflows::is_workflow(&file.path) {
        return workflows::read(sheet);
    }
    let containers = compose::read(sheet, around).into_iter();
    containers
        .filter_map(|(container, _)| {
            let (image, build) = (container.image, container.build?);
            build_of(
                file,
                image.as_ref().map_or("", |image| image.text.as_str()),
                &build.context,
                build.dockerfile.as_deref(),
                build.target,
            )
        })
        .collect()
}

/// The name of an image without tag and digest.
#[must_use]
pub(crate) fn repository(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or(image);
    match name.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => before,
        _ => name,
    }
}

/// The name of an image with its tag, `latest` where none is written.
#[must_use]
pub(crate) fn reference(image: &str) -> String {
    let tagged = image.split('@').next().unwrap_or(image);
    if repository(image) == tagged {
        return format!("{tagged}:latest");
    }
    tagged.to_owned()
}

/// `image` is built from the Dockerfile in `context`; a context on another machine is none of ours.
fn build_of(
    file: &SourceFile,
    image: &str,
    context: &str,
    dockerfile: Option<&str>,
    target: Option<String>,
) -> Option<ImageBuild> {
    let elsewhere = context.contains("://") || context.starts_with("git@");
    let name = repository(image);
    if elsewhere || name.contains('$') {
        return None;
    }
    let folder = paths::join(paths::folder(&file.path), context);
    Some(ImageBuild {
        image: name.to_owned(),
        reference: reference(image),
        dockerfile: paths::join(&folder, dockerfile.unwrap_or("Dockerfile")),
        target,
        platforms: Vec::new(),
        said_in: file.path.clone(),
    })
}
