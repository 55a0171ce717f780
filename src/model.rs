//! What is in force when Python starts, whatever text says so.
//!
//! Every input reduces its text to [`Unit`]s; rules see nothing else. The model knows no syntax:
//! it holds facts with their provenance, and what follows from them for the dynamic loader.

mod built;
mod change;
mod concern;
mod container;
mod env;
mod evidence;
mod fact;
mod fragile;
mod free_threading;
mod library;
mod loader;
pub(crate) mod malloc_conf;
mod preload;
mod privileged;
mod process;
mod seen;
pub(crate) mod set_at_start;
mod thread_hook;
mod unit;

pub(crate) use built::{Built, BuiltLibrary};
pub use change::Change;
pub(crate) use concern::{Concern, concern};
pub use container::Container;
pub(crate) use container::{
    Build, EnvFault, EnvFaultKind, Expanded, Gaps, Limits, Named, Source, Words,
};
pub use env::Setting;
pub(crate) use env::{EnvVar, Environment, Erased, Value};
pub(crate) use evidence::{Evidence, Sign, add as add_evidence, are_enough};
pub(crate) use fact::Fact;
pub(crate) use fragile::{Found, Fragile};
pub(crate) use free_threading::PythonBuild;
pub(crate) use library::{Fit, Library, Opaque, Origin, PathPattern, matches};
pub(crate) use loader::{
    entries, entries_of, family_of, finds, is_library_folder, judge, loader_lib, newer, separates,
};
pub(crate) use preload::{Outcome, Preload, Via};
pub(crate) use privileged::Privileged;
pub(crate) use process::{Process, ProcessKind, ProcessModel, is_python, recognise};
pub(crate) use seen::{Memory, Seen};
pub(crate) use thread_hook::{THREAD_VARIABLE, ThreadHook};
pub(crate) use unit::{
    Install, NativeThreads, Platform, Python, Reach, Replaced, Role, Stray, Strip, UNIVERSE, Unit,
    User,
};
