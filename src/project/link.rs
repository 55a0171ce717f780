//! Which Dockerfile of the project builds the image that a container runs.

use std::sync::Arc;

use super::Project;
use super::links::{self, ImageBuild};
use crate::facts::{self, roles};
use crate::model::{Container, Source};
use crate::purpose;
use crate::surroundings;
use crate::text::SourceFile;
use crate::text::paths;

/// A Dockerfile and the stage of it.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) file: Arc<SourceFile>,
    pub(crate) target: Option<String>,
    pub(crate) source: Source,
}

/// The path of the Dockerfile that a container says it is built from.
fn dockerfile_of_build(container: &Container) -> Option<String> {
    let build = container.build.as_ref()?;
    let name = build.dockerfile.as_deref().unwrap_or("Dockerfile");
    Some(format!("{}/{name}", build.context))
}

/// Why nothing is known of the image of a container, where what builds it may not be read.
pub(crate) fn not_read(near: &str, container: &Container, project: &Project<'_>) -> Option<String> {
    let path = dockerfile_of_build(container)?;
    let outside = project.around().is_outside(near, &path);
    outside.then(|| surroundings::not_read(&path))
}

/// What builds the image of a container that is described at `near`, where the project says so or the
/// names leave no doubt.
pub(crate) fn link(near: &str, container: &Container, project: &Project<'_>) -> Option<Link> {
    if let Some(path) = dockerfile_of_build(container) {
        let build = container.build.as_ref()?;
        let file = project.around().beside(near, &path)?;
        let source = Source::Linked(file.path.clone(), None);
        return Some(Link {
            file,
            target: build.target.clone(),
            source,
        });
    }
    let image = container.image.as_ref()?;
    if facts::image(&image.text, None).is_some() {
        return None;
    }
    if let Some(said) = said(near, &image.text, project) {
        return said;
    }
    let name = short(&image.text);
    let all = project.dockerfiles(near);
    let mut named = all.iter().filter(|path| names(path, &name));
    let found = named.next().filter(|_| named.next().is_none());
    let called = || {
        let is = |project: &str| plain(project) == name;
        project
            .name(near)
            .is_some_and(|name| is(&name) || roles::without_ending(&name).is_some_and(is))
    };
    let (path, why) = match found {
        Some(path) => (
            path,
            format!(
                "`{path}` is the only Dockerfile here with the name of the image `{}`",
                image.text
            ),
        ),
        None => {
            let own: Vec<&String> = all
                .iter()
                .filter(|path| purpose::of_path(path).is_none())
                .collect();
            let (path, what) = main(&own).filter(|_| called())?;
            let why = format!("the image is called as the project, and `{path}` is its {what}");
            (path, why)
        }
    };
    let file = dockerfile(path, project)?;
    let source = Source::Linked(file.path.clone(), Some(why));
    Some(Link {
        file,
        target: None,
        source,
    })
}

/// The only Dockerfile of a project, or the one above all others, and which it is.
fn main<'a>(own: &[&'a String]) -> Option<(&'a String, &'static str)> {
    if let [only] = own {
        return Some((only, "only Dockerfile"));
    }
    let plain = own
        .iter()
        .filter_map(|path| Some((*path, plain_folder(path)?)));
    let (first, top) = plain.min_by_key(|(_, folder)| folder.len())?;
    // `Dockerfile.worker` beside it builds another image; a `Containerfile` beside it perhaps the same.
    let below = |path: &str| path.starts_with(top) && plain_folder(path) != Some(top);
    let above = own.iter().all(|path| *path == first || below(path));
    above.then_some((first, "topmost Dockerfile"))
}

/// The folder of a Dockerfile that has no name of its own.
fn plain_folder(path: &str) -> Option<&str> {
    let mut names = ["Dockerfile", "Containerfile"].iter();
    let folder = names.find_map(|name| path.strip_suffix(name))?;
    (folder.is_empty() || folder.ends_with('/')).then_some(folder)
}

/// What the project says about an image, if it says something: nothing, where it says two things. What is said of
/// the very tag counts more, then what the same file says; a Dockerfile that is not there counts nothing.
fn said(near: &str, image: &str, project: &Project<'_>) -> Option<Option<Link>> {
    let builds = project.image_builds(near);
    let (name, reference) = (links::repository(image), links::reference(image));
    let named = builds.iter().filter(|build| build.image == name);
    let said = named
        .filter_map(|build| Some((build, dockerfile(&build.dockerfile, project)?)))
        .collect();
    let said: Vec<Built<'_>> = narrow(said, |build| build.reference == reference);
    let said = narrow(said, |build| build.said_in == near);
    let (first, file) = said.first()?;
    let same = |(other, _): &Built<'_>| {
        (&other.dockerfile, &other.target) == (&first.dockerfile, &first.target)
    };
    if !said.iter().all(same) {
        return Some(None);
    }
    Some(Some(Link {
        source: Source::Linked(file.path.clone(), None),
        target: first.target.clone(),
        file: Arc::clone(file),
    }))
}

type Built<'a> = (&'a ImageBuild, Arc<SourceFile>);

/// Those that fit, if any does.
fn narrow(mut said: Vec<Built<'_>>, fits: impl Fn(&ImageBuild) -> bool) -> Vec<Built<'_>> {
    if said.iter().any(|(build, _)| fits(build)) {
        said.retain(|(build, _)| fits(build));
    }
    said
}

fn dockerfile(path: &str, project: &Project<'_>) -> Option<Arc<SourceFile>> {
    surroundings::at(path, project.around())
}

/// The last part of an image's name, without tag and digest.
fn short(image: &str) -> String {
    let name = image.split('@').next().unwrap_or_default();
    let name = paths::file_name(name);
    plain(name.split(':').next().unwrap_or_default())
}

/// Whether a Dockerfile's folder or own name is that of an image.
fn names(path: &str, name: &str) -> bool {
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = plain(paths::file_name(folders));
    let lower = file.to_ascii_lowercase();
    let own = ["dockerfile", "containerfile"].iter().find_map(|word| {
        let before = lower
            .strip_suffix(word)
            .map(|rest| rest.trim_end_matches(['.', '-', '_']));
        let after = lower
            .strip_prefix(word)
            .map(|rest| rest.trim_start_matches(['.', '-', '_']));
        before.or(after).map(plain)
    });
    match own.filter(|own| !own.is_empty()) {
        Some(own) => own == name,
        None => !name.is_empty() && folder == name,
    }
}

fn plain(name: &str) -> String {
    name.to_ascii_lowercase().replace(['-', '_', '.'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_dockerfile_lies_above_all_others() {
        let of = |paths: &[&str]| {
            let all: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
            main(&all.iter().collect::<Vec<_>>()).map(|(path, _)| path.clone())
        };
        assert_eq!(
            of(&["x/App.Dockerfile"]).as_deref(),
            Some("x/App.Dockerfile")
        );
        assert_eq!(
            of(&["Dockerfile", "a/Dockerfile"]).as_deref(),
            Some("Dockerfile")
        );
        assert_eq!(
            of(&["shop/Dockerfile", "shop/a/b/Dockerfile"]).as_deref(),
            Some("shop/Dockerfile")
        );
        assert_eq!(
            of(&["Dockerfile.docs", "Dockerfile", "mock/Dockerfile"]).as_deref(),
            Some("Dockerfile")
        );
        assert_eq!(of(&["Dockerfile.web", "Dockerfile.worker"]), None);
        assert_eq!(of(&["Dockerfile", "Containerfile"]), None);
        assert_eq!(of(&["a/Dockerfile", "b/c/Dockerfile"]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn names_of_images_are_those_of_folders_or_files() {
        assert_eq!(short("ghcr.io/a/my-api:1.2@sha256:0"), "myapi");
        assert!(names("services/my_api/Dockerfile", "myapi"));
        assert!(names("docker/Dockerfile.my-api", "myapi"));
        assert!(names("my-api.Dockerfile", "myapi"));
        assert!(!names("services/my_api/Dockerfile.dev", "myapi"));
        assert!(!names("Dockerfile", ""));
    }
}
