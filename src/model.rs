//! What is in force when Python starts, whatever text says so.
//!
//! Every input reduces its text to [`Unit`]s; rules see nothing else. The model knows no syntax:
//! it holds facts with their provenance, and what follows from them for the dynamic loader.

mod change;
mod container;
mod env;
mod fact;
mod library;
mod loader;
pub mod malloc_conf;
mod preload;
mod process;
pub(crate) mod set_at_start;
mod unit;

pub use change::Change;
pub use container::{Build, Container, EnvFault, EnvFaultKind, Limits, Named, Source, Words};
pub use env::{EnvVar, Environment, Erased, Setting, Value};
pub use fact::Fact;
pub use library::{Fit, Library, Opaque, Origin, PathPattern, matches};
pub use loader::{entries, family_of, finds, judge, newer};
pub use preload::{Outcome, Preload, Via};
pub use process::{Process, ProcessKind, ProcessModel, Recognised, is_python, recognise};
pub use unit::{
    Install, Platform, PreforkHook, Python, Reach, Replaced, Role, Stray, Strip, UNIVERSE, Unit,
    User,
};
