//! The files of a project that others refer to.

use std::sync::Arc;

use super::links;
use super::names::{Claim, claim};
use crate::manifests::kustomize;
use crate::text::paths;

/// Files of a project that others may refer to, sorted.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) dockerfiles: Arc<[String]>,
    pub(super) kustomizations: Vec<String>,
    pub(super) links: Vec<String>,
    pub(super) manifests: Vec<String>,
}

impl Survey {
    /// Those among the files of a project.
    pub(super) fn of(files: impl Iterator<Item = String>) -> Self {
        let (mut dockerfiles, mut survey) = (Vec::new(), Self::default());
        for path in files {
            let name = paths::file_name(&path);
            if claim(name) == Some(Claim::Dockerfile) {
                dockerfiles.push(path);
            } else if kustomize::is_kustomization(name) {
                survey.kustomizations.push(path);
            } else if links::is_link(&path) {
                survey.links.push(path);
            } else if claim(name) == Some(Claim::Yaml) {
                survey.manifests.push(path);
            }
        }
        survey.dockerfiles = dockerfiles.into();
        survey
    }
}
