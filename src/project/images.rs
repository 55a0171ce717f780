//! The Dockerfiles that manifests start images of: each is read and followed once, however many containers
//! run it.

use std::sync::{Arc, OnceLock};

use super::memory::Memory;
use crate::dockerfile::syntax::Dockerfile;
use crate::dockerfile::{self, Interpreted};
use crate::text::SourceFile;

/// The images of a run, by the path of their Dockerfile.
#[derive(Debug, Default)]
pub(super) struct Images(Memory<String, Arc<Image>>);

/// What its Dockerfile is told of a setting that an image lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lack {
    /// It is advice.
    Advice,
    /// It is a fault.
    Fault,
}

/// What a Dockerfile builds.
#[derive(Debug)]
pub(crate) struct Image {
    file: Arc<SourceFile>,
    /// What its images are like.
    pub(crate) interpreted: Interpreted,
    lacks_setting: OnceLock<Option<Lack>>,
}

impl Images {
    pub(super) fn of(
        &self,
        file: &Arc<SourceFile>,
        interpret: &dyn Fn(Dockerfile) -> Interpreted,
    ) -> Arc<Image> {
        let made = || Image::of(file, interpret);
        let image = self.0.of(file.path.clone(), |_| made());
        // The file that is being fixed is another with every change.
        if Arc::ptr_eq(&image.file, file) {
            image
        } else {
            made()
        }
    }
}

impl Image {
    fn of(file: &Arc<SourceFile>, interpret: &dyn Fn(Dockerfile) -> Interpreted) -> Arc<Self> {
        let tree = dockerfile::parse(&file.bytes);
        Arc::new(Self {
            file: Arc::clone(file),
            interpreted: interpret(tree),
            lacks_setting: OnceLock::new(),
        })
    }

    /// How it lacks a setting, if it does, as `judge` found when it was asked first.
    pub(crate) fn lacks_setting(
        &self,
        judge: impl FnOnce(&Interpreted) -> Option<Lack>,
    ) -> Option<Lack> {
        *self.lacks_setting.get_or_init(|| judge(&self.interpreted))
    }
}
