//! Container engines: what the command line of a build says, and how builds and containers are run.

#[cfg(target_os = "linux")]
mod container;
mod context;
#[cfg(target_os = "linux")]
mod copy;
mod outputs;
mod run;
mod words;

#[cfg(target_os = "linux")]
pub(crate) use container::{Container, State};
pub(crate) use context::{Came, Context, Packed};
pub(crate) use outputs::Left;
pub(crate) use run::{Engine, Input, Started};
pub(crate) use words::Words;
