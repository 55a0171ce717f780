//! Dockerfiles and Containerfiles.
//!
//! [`parse`] makes the lossless tree ([`syntax`]); [`read`] follows its stages and says which units
//! come out of them.

mod build;
mod copy;
mod edit;
mod expand;
mod image;
mod interpret;
mod run;
mod stages;
mod start;
pub mod syntax;
mod units;

use std::sync::Arc;

pub use edit::{Refusal, Scene, spell};
pub use syntax::parse;
pub use units::Site;

use crate::model::{Container, Source, Unit};
use crate::surroundings::Surroundings;
use crate::text::SourceFile;
use syntax::Dockerfile;

/// The units that come out of a Dockerfile, in the order of their stages.
#[must_use]
pub fn read(
    file: &Arc<SourceFile>,
    dockerfile: &Dockerfile,
    around: &dyn Surroundings,
) -> Vec<Unit> {
    let units = survey(file, dockerfile, around).into_iter();
    units.map(|(unit, _)| unit).collect()
}

/// The same, each unit with where it stands in the text.
#[must_use]
pub fn survey(
    file: &Arc<SourceFile>,
    dockerfile: &Dockerfile,
    around: &dyn Surroundings,
) -> Vec<(Unit, Site)> {
    let (globals, stages) = stages::split(dockerfile);
    let walker = build::Walker::walk(file, dockerfile, &globals, &stages, around);
    units::units(&walker)
}

/// The unit of a container that runs an image of this Dockerfile: the stage of that name, else the last
/// one. `None` where there is no such stage.
#[must_use]
pub fn started(
    file: &Arc<SourceFile>,
    dockerfile: &Dockerfile,
    around: &dyn Surroundings,
    target: Option<&str>,
    container: &Container,
    source: Source,
) -> Option<Unit> {
    let (globals, stages) = stages::split(dockerfile);
    let walker = build::Walker::walk(file, dockerfile, &globals, &stages, around);
    units::over_stage(&walker, target, container, source)
}

/// The unit of a container that runs an image from elsewhere.
#[must_use]
pub fn started_elsewhere(container: &Container, around: &dyn Surroundings) -> Unit {
    let (file, none) = (&container.place.file, Dockerfile::default());
    let walker = build::Walker::walk(file, &none, &[], &[], around);
    units::over_image(&walker, container)
}
