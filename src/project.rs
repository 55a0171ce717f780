//! The projects that files belong to: which files there are, and what they say about each other. Whatever is
//! asked for is read, and understood, once in a run.
//!
//! One of the few modules that touch the disk: `discover` finds and reads what is to be checked, `disk` what stands
//! around it.

mod discover;
mod disk;
mod format;
mod images;
pub(crate) mod link;
pub(crate) mod links;
mod memory;
mod names;
mod searches;
mod survey;

pub(crate) use discover::{Failure, shown};
pub use discover::{find, read};
pub use disk::Disk;
pub use format::Format;
pub(crate) use format::is_template_ending;
pub(crate) use names::{Claim, claim};

use crate::dockerfile::Search;
use crate::manifests::kustomize::{self, Kustomization};
use crate::model::Unit;
use crate::surroundings::{self, Surroundings};
use crate::text::SourceFile;
use images::{Image, Images};
use links::ImageBuild;
use memory::Memory;
use searches::Searches;
use std::sync::Arc;
use survey::Survey;

/// What a configuration says about which Dockerfile builds which image, for the input at a path.
pub(crate) type SaidImages = Box<dyn Fn(&str) -> Vec<ImageBuild> + Send + Sync>;

/// The projects of a run.
pub struct Project<'a> {
    around: &'a dyn Surroundings,
    said: Option<SaidImages>,
    images: Images,
    searches: Searches,
    surveys: Memory<String, Arc<Survey>>,
    kustomizations: Memory<String, Arc<[Kustomization]>>,
    config_maps: Memory<String, Arc<[Arc<SourceFile>]>>,
    builds: Memory<String, Arc<[ImageBuild]>>,
}

impl std::fmt::Debug for Project<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Project")
    }
}

impl<'a> Project<'a> {
    /// What `around` holds.
    #[must_use]
    pub fn of(around: &'a dyn Surroundings) -> Self {
        Self {
            around,
            said: None,
            images: Images::default(),
            searches: Searches::default(),
            surveys: Memory::default(),
            kustomizations: Memory::default(),
            config_maps: Memory::default(),
            builds: Memory::default(),
        }
    }

    /// The same, with what a configuration says about images.
    #[must_use]
    pub fn with_images(around: &'a dyn Surroundings, said: SaidImages) -> Self {
        Self {
            said: Some(said),
            ..Self::of(around)
        }
    }

    pub(crate) fn around(&self) -> &'a dyn Surroundings {
        self.around
    }

    /// What a Dockerfile builds.
    pub(crate) fn image(&self, file: &Arc<SourceFile>) -> Arc<Image> {
        self.images.of(file, self.around)
    }

    /// Notes why the process of a unit may get settings that its image does not show.
    pub(crate) fn look_around(&self, near: &str, search: &Search, unit: &mut Unit) {
        let alone = || self.dockerfiles(near).len() <= 1;
        let found = self.searches.find(near, search, self.around, alone);
        let Some((path, about)) = found else {
            return;
        };
        if about {
            unit.unseen_settings = Some(format!("`{path}` sets an allocator"));
        } else {
            unit.doubt.get_or_insert_with(|| {
                format!("`{path}` sets an allocator, and nothing says whether it is for this image")
            });
        }
    }

    /// The paths of the Dockerfiles in the project of the input at `near`, sorted.
    pub(crate) fn dockerfiles(&self, near: &str) -> Arc<[String]> {
        self.survey(near)
            .map_or_else(Arc::default, |(_, survey)| Arc::clone(&survey.dockerfiles))
    }

    /// What the kustomizations of its project make of a manifest.
    #[must_use]
    pub fn builds(&self, file: &Arc<SourceFile>) -> Vec<kustomize::Build> {
        let others = kustomize::Others {
            around: self.around,
            kustomizations: &self.kustomizations(&file.path),
            config_maps: &|| self.config_maps(&file.path),
        };
        kustomize::builds(file, &others)
    }

    /// Its kustomizations, sorted by path.
    fn kustomizations(&self, near: &str) -> Arc<[Kustomization]> {
        let Some((top, survey)) = self.survey(near) else {
            return Arc::default();
        };
        self.kustomizations.of(top, |_| {
            let files = survey
                .kustomizations
                .iter()
                .filter_map(|path| self.file(path));
            files.map(|file| Kustomization::of(&file)).collect()
        })
    }

    /// Its manifests that hold ConfigMaps, sorted by path.
    fn config_maps(&self, near: &str) -> Arc<[Arc<SourceFile>]> {
        let Some((top, survey)) = self.survey(near) else {
            return Arc::default();
        };
        self.config_maps.of(top, |_| {
            let read = |path: &String| {
                let bytes = self.around.peek(path)?;
                let has = |text: &[u8]| memchr::memmem::find(&bytes, text).is_some();
                (has(b"kind: ConfigMap") && !has(b"{{"))
                    .then(|| SourceFile::new(path.as_str(), bytes))
            };
            survey.manifests.iter().filter_map(read).collect()
        })
    }

    /// What it says about which Dockerfile builds which image. What the user says counts more than what is found.
    pub(crate) fn image_builds(&self, near: &str) -> Arc<[ImageBuild]> {
        let said = self.said.as_ref().map_or_else(Vec::new, |said| said(near));
        let Some((top, survey)) = self.survey(near) else {
            return said.into();
        };
        let found = self.builds.of(top, |_| {
            let files = survey.links.iter().filter_map(|path| self.file(path));
            files
                .flat_map(|file| links::read(&file, self.around))
                .collect()
        });
        if said.is_empty() {
            return found;
        }
        let others = found
            .iter()
            .filter(|one| said.iter().all(|own| own.image != one.image));
        said.iter().chain(others).cloned().collect()
    }

    /// The name of the project of the input at `near`: the folder of its repository.
    pub(crate) fn name(&self, near: &str) -> Option<String> {
        self.around.home(near).name
    }

    fn file(&self, path: &str) -> Option<Arc<SourceFile>> {
        surroundings::at(path, self.around)
    }

    /// The top of the project of the input at `near`, and the files in it.
    fn survey(&self, near: &str) -> Option<(String, Arc<Survey>)> {
        let top = self.around.home(near).top()?.to_owned();
        let survey = self.surveys.of(top.clone(), |top| {
            Arc::new(Survey::of(self.around.list(top, usize::MAX)))
        });
        Some((top, survey))
    }
}
