//! Dockerfiles and Containerfiles.
//!
//! [`parse`] makes the lossless tree ([`syntax`]); [`Interpreted`] follows its stages and says which units
//! come out of them.

mod build;
mod copy;
mod edit;
mod evidence;
mod expand;
mod fragile;
mod image;
mod interpret;
mod lists;
mod run;
mod stages;
mod start;
pub(crate) mod syntax;
mod units;

use std::borrow::Cow;
use std::sync::Arc;

pub(crate) use edit::{Scene, Writer, spell};
pub(crate) use syntax::parse;
pub(crate) use units::{Search, Site};

use crate::facts::Arch;
use crate::model::{Built, Container, Source, Unit};
use crate::surroundings::Surroundings;
use crate::text::{Place, SourceFile};
use build::{Build, Made};
use lists::Grown;
use stages::Stage;
use syntax::Dockerfile;

/// A Dockerfile that was followed to its end: what its images will be like.
#[derive(Debug)]
pub(crate) struct Interpreted {
    file: Arc<SourceFile>,
    pub tree: Dockerfile,
    made: Made,
    /// The stages that something else builds by their names.
    targets: Vec<String>,
}

/// What an image is like that another Dockerfile builds.
#[derive(Clone, Debug)]
pub(crate) struct Base(image::ImageState);

impl Base {
    /// What stands on a built image; `at` names it.
    #[must_use]
    pub(crate) fn of_built(built: &Built, at: &Place) -> Self {
        Self(image::ImageState::of_built(built, at))
    }

    /// The same for others that stand on it: its files are out of their reach, and it may be there for other architectures, too.
    #[must_use]
    pub(crate) fn for_others(mut self) -> Self {
        self.0.copies = Grown::default();
        self.0.platform.archs =
            crate::model::Fact::Unknown("its base is stored here for one architecture".into());
        self
    }
}

/// What the project of a Dockerfile says of it.
pub(crate) struct Outside<'o> {
    /// The images that others of it build, by what a FROM calls them.
    pub base: &'o dyn Fn(&str) -> Option<Base>,
    /// The architectures that it is built for, and what says so.
    pub platforms: Option<(Vec<Arch>, String)>,
}

impl Interpreted {
    /// Follows the instructions of every stage.
    #[must_use]
    pub(crate) fn of(
        file: &Arc<SourceFile>,
        tree: Dockerfile,
        around: &dyn Surroundings,
        outside: &Outside<'_>,
    ) -> Self {
        let (globals, stages) = stages::split(&tree);
        let build = Build::walk(file, &tree, &globals, &stages, around, outside);
        let made = build.made.into_owned();
        Self {
            file: Arc::clone(file),
            tree,
            made,
            targets: Vec::new(),
        }
    }

    /// The same, where something builds stages by these names.
    #[must_use]
    pub(crate) fn with_targets(self, targets: Vec<String>) -> Self {
        Self { targets, ..self }
    }

    /// Why the units may go without a setting on purpose: a comment that was one.
    #[must_use]
    pub(crate) fn switched_off(&self) -> Option<String> {
        units::switched_off(&self.file, &self.tree)
    }

    /// Whether a stage stands on another of the file.
    #[must_use]
    pub(crate) fn stands_on_itself(&self) -> bool {
        self.made.parents.iter().any(Option::is_some)
    }

    /// The image of the stage of that name, else of the last one, for those that stand on it.
    #[must_use]
    pub(crate) fn base(&self, target: Option<&str>) -> Option<Base> {
        let index = self.stage(target)?;
        self.made.states.get(index).cloned().map(Base)
    }

    /// The stage of that name, else the last one, counted from 0.
    #[must_use]
    pub(crate) fn stage(&self, target: Option<&str>) -> Option<usize> {
        let (_, stages) = stages::split(&self.tree);
        stages::find(&stages, target)
    }

    /// What the stages stand on, by the names that stand in the text.
    #[must_use]
    pub(crate) fn named_bases(&self, around: &dyn Surroundings) -> Vec<String> {
        let (_, stages) = stages::split(&self.tree);
        let build = self.build(&stages, around);
        let names = stages.iter().filter_map(|stage| stage.base());
        let names = names.map(|word| build.expand_global(&word.raw));
        names
            .filter_map(|name| name.known().map(str::to_owned))
            .collect()
    }

    /// The environments of the stages that are no image of their own: what runs in them runs while others are built.
    #[must_use]
    pub(crate) fn passing(&self, around: &dyn Surroundings) -> Vec<Unit> {
        let (_, stages) = stages::split(&self.tree);
        units::passing(&self.build(&stages, around))
    }

    /// The units that come out of it, in the order of their stages, each with where it stands in the text.
    #[must_use]
    pub(crate) fn units(&self, around: &dyn Surroundings) -> Vec<(Unit, Site)> {
        let (_, stages) = stages::split(&self.tree);
        units::units(&self.build(&stages, around), &self.targets)
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
