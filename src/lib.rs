//! malloclint finds missing and wrong memory-allocator settings of Python services.
//!
//! The way of a file through the crate, and the room of each step:
//!
//! | step | module |
//! |---|---|
//! | arguments, commands, exit codes | `cli`, `commands` |
//! | what a project wants | `config`, and of it to hear `policy` |
//! | paths to files, what links them, the disk | `project` |
//! | text, spans, lines | `text` |
//! | syntax, and units read out of it | `dockerfile`, `manifests` |
//! | what both are written in | `shell`, `yaml` |
//! | what may be asked of the files around one, and what speaks against production | `surroundings`, `purpose` |
//! | what is in force when Python starts | `model` |
//! | the world as data | `facts` |
//! | what is wrong with it | `rules`, documented in `pages` |
//! | what a rule says | `finding` |
//! | one file from text to findings, less what a person has judged already | `check` |
//! | what the fixer writes, as data | `templates` |
//! | one file from findings to fixed text | `fix` |
//! | what sets a project up | `init` |
//! | text to the disk, whole or not at all | `write` |
//! | built images, from where they are stored, and jemalloc into them | `image`, `patch` |
//! | output | `report`, and which findings are known `baseline` |
//! | settings measured under the user's own load (Linux) | `tune` |
//! | what a live process does with its memory (Linux) | `inspect` |
//! | requests to a server, and how long it takes to answer | `load` |
//!
//! As a library it checks and fixes texts: [`check`] and [`fix`], with what stands around them in a
//! [`Project`]. The rest is the program's own and may change in any release.

mod baseline;
mod check;
mod cli;
mod commands;
mod config;
mod disk;
mod dockerfile;
mod engine;
mod facts;
mod finding;
mod fix;
mod image;
mod init;
#[cfg(target_os = "linux")]
mod inspect;
#[cfg(target_os = "linux")]
mod load;
mod manifests;
mod model;
mod observed;
mod pages;
mod patch;
mod policy;
mod project;
mod purpose;
mod report;
mod rules;
mod secrets;
mod shell;
mod surroundings;
mod templates;
mod text;
#[cfg(target_os = "linux")]
mod tune;
mod verdict;
mod write;
mod yaml;

pub use check::{Checked, check};
pub use cli::Cli;
pub use commands::{Status, run};
pub use disk::Roots;
pub use finding::{Applicability, Finding, Label, Remedy, Severity};
pub use fix::{Applied, Fixed, Left, Options, fix};
pub use project::{Disk, Project};
pub use surroundings::{Nowhere, Surroundings};
pub use templates::Style;
pub use text::{Place, SourceFile, Span};

/// What the project's own tests and benchmarks look at. It may change in any release.
#[doc(hidden)]
pub mod internals;
