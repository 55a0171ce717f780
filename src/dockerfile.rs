//! Dockerfiles and Containerfiles.
//!
//! [`parse`] makes the lossless tree ([`syntax`]); [`Interpreted`] follows its stages and says which units
//! come out of them.

mod build;
mod copy;
mod edit;
mod expand;
mod fragile;
mod image;
mod interpret;
mod run;
mod stages;
mod start;
pub(crate) mod syntax;
mod units;

use std::borrow::Cow;
use std::sync::Arc;

pub(crate) use edit::{Scene, spell};
pub(crate) use syntax::parse;
pub(crate) use units::{Search, Site};

use crate::model::{Container, Source, Unit};
use crate::surroundings::Surroundings;
use crate::text::SourceFile;
use build::{Build, Made};
use stages::Stage;
use syntax::Dockerfile;

/// A Dockerfile that was followed to its end: what its images will be like.
#[derive(Debug)]
pub(crate) struct Interpreted {
    file: Arc<SourceFile>,
    pub tree: Dockerfile,
    made: Made,
}

impl Interpreted {
    /// Follows the instructions of every stage.
    #[must_use]
    pub(crate) fn of(file: &Arc<SourceFile>, tree: Dockerfile, around: &dyn Surroundings) -> Self {
        let (globals, stages) = stages::split(&tree);
        let build = Build::walk(file, &tree, &globals, &stages, around);
        let made = build.made.into_owned();
        Self {
            file: Arc::clone(file),
            tree,
            made,
        }
    }

    /// The units that come out of it, in the order of their stages, each with where it stands in the text.
    #[must_use]
    pub(crate) fn units(&self, around: &dyn Surroundings) -> Vec<(Unit, Site)> {
        let (_, stages) = stages::split(&self.tree);
        units::units(&self.build(&stages, around))
    }

    /// The unit of a container that runs an image of it: the stage of that name, else the last one.
    /// `None` where there is no such stage. With it comes what is to be searched before a setting is called missing.
    #[must_use]
    pub(crate) fn container(
        &self,
        around: &dyn Surroundings,
        target: Option<&str>,
        container: &Container,
        source: Source,
    ) -> Option<(Unit, Option<Search>)> {
        let (_, stages) = stages::split(&self.tree);
        units::of_stage(&self.build(&stages, around), target, container, source)
    }

    fn build<'a>(&'a self, stages: &'a [Stage<'a>], around: &'a dyn Surroundings) -> Build<'a> {
        let made = Cow::Borrowed(&self.made);
        Build::new(&self.file, &self.tree, around, stages, made)
    }
}

/// The unit of a container that runs an image from elsewhere.
#[must_use]
pub fn started_elsewhere(container: &Container, around: &dyn Surroundings) -> Unit {
    let (file, none) = (&container.place.file, Dockerfile::default());
    let build = Build::new(file, &none, around, &[], Cow::default());
    units::of_image_from_elsewhere(&build, container)
}
