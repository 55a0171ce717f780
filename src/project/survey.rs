//! One walk through a project, for the files in it that others refer to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::links;
use super::{Claim, claim};
use crate::manifests::kustomize;

/// Files of a project that others may refer to, sorted.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) dockerfiles: Arc<[String]>,
    pub(super) kustomizations: Vec<PathBuf>,
    pub(super) links: Vec<PathBuf>,
    pub(super) manifests: Vec<PathBuf>,
}

impl Survey {
    /// The files below `top`.
    pub(super) fn of(top: &Path) -> Self {
        let (mut dockerfiles, mut survey) = (Vec::new(), Self::default());
        for path in super::all(top) {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if claim(name) == Some(Claim::Dockerfile) {
                dockerfiles.push(super::shown(&path));
            } else if kustomize::is_kustomization(name) {
                survey.kustomizations.push(path);
            } else if links::is_link(name) {
                survey.links.push(path);
            } else if claim(name) == Some(Claim::Yaml) {
                survey.manifests.push(path);
            }
        }
        survey.dockerfiles = dockerfiles.into();
        survey
    }
}
