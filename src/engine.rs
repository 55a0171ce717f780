//! Container engines: what the command line of a build says, and how builds are run.

mod context;
mod run;
mod words;

pub(crate) use context::{Came, Context, Packed};
pub(crate) use run::{Engine, Input, Left, Started};
pub(crate) use words::Words;
