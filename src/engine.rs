//! Container engines: what the command line of a build says, and how builds are run.

mod context;
mod outputs;
mod run;
mod words;

pub(crate) use context::{Came, Context, Packed};
pub(crate) use outputs::Left;
pub(crate) use run::{Engine, Input, Started};
pub(crate) use words::Words;
