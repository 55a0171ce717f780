//! The containers of other files that run what a Dockerfile builds.

use std::sync::Arc;

use crate::dockerfile::{Interpreted, Site};
use crate::manifests::{Sheet, compose, kubernetes};
use crate::model::{Container, Evidence, Unit, add_evidence, are_enough};
use crate::project::link::{self, Link};
use crate::project::{Format, Project};
use crate::text::{SourceFile, paths};
use crate::yaml;

/// The files of the project whose images or containers hang on what a Dockerfile says.
pub(super) fn of(path: &str, project: &Project<'_>) -> Vec<Arc<SourceFile>> {
    project.users(path, &|user| {
        let linked = linked(user, project).into_iter();
        linked
            .map(|(_, link)| paths::join("", &link.file.path))
            .collect()
    })
}

/// Gives the unit of a Dockerfile the limit of memory that a container has which runs it as it is, where one sign more
/// makes a difference.
pub(super) fn limit(
    unit: &mut Unit,
    site: &Site,
    file: &SourceFile,
    interpreted: &Interpreted,
    project: &Project<'_>,
) {
    if unit.evidence.is_empty() || are_enough(&unit.evidence) {
        return;
    }
    let path = paths::join("", &file.path);
    let runs = |(container, link): &(Container, Link)| {
        let same = container.entrypoint.is_none() && container.cmd.is_none();
        let built = paths::join("", &link.file.path) == path;
        let stage = || interpreted.stage(link.target.as_deref());
        container.not_production.is_none() && same && built && stage() == Some(site.stage())
    };
    let users = of(&file.path, project).into_iter();
    let mut limited = users.flat_map(|user| linked(&user, project)).filter(runs);
    let found = limited.find_map(|(container, _)| container.limits.memory);
    if let Some((bytes, place)) = found {
        add_evidence(&mut unit.evidence, Evidence::limit(bytes, &place));
    }
}

/// The containers of a manifest whose images the project builds, with what builds them.
fn linked(file: &Arc<SourceFile>, project: &Project<'_>) -> Vec<(Container, Link)> {
    let Ok(text) = std::str::from_utf8(&file.bytes) else {
        return Vec::new();
    };
    let Ok(tree) = yaml::read(text) else {
        return Vec::new();
    };
    let sheet = Sheet {
        file,
        text,
        tree: &tree,
    };
    let containers: Vec<Container> = match Format::of(&file.path, &file.bytes) {
        Format::Compose => containers_of(compose::read(sheet, project.around())),
        Format::Kubernetes => containers_of(kubernetes::read(sheet)),
        Format::Dockerfile => Vec::new(),
    };
    let linked = containers.into_iter();
    linked
        .filter_map(|container| {
            let link = link::link(&file.path, &container, project)?;
            Some((container, link))
        })
        .collect()
}

fn containers_of<S>(read: impl IntoIterator<Item = (Container, S)>) -> Vec<Container> {
    read.into_iter().map(|(container, _)| container).collect()
}
