//! malloclint finds missing and wrong memory-allocator settings of Python services.
//!
//! The way of a file through the crate, and the room of each step:
//!
//! | step | module |
//! |---|---|
//! | arguments, commands, exit codes | [`cli`], [`commands`] |
//! | what a project wants | [`config`] |
//! | paths to files, what links them, the disk | [`project`] |
//! | text, spans, lines | [`text`] |
//! | syntax, and units read out of it | [`dockerfile`], [`manifests`] |
//! | what both are written in | [`shell`], [`yaml`] |
//! | what may be asked of the files around one, and what speaks against production | [`surroundings`], [`purpose`] |
//! | what is in force when Python starts | [`model`] |
//! | the world as data | [`facts`] |
//! | what is wrong with it | [`rules`], documented in [`pages`] |
//! | what a rule says | [`finding`] |
//! | one file from text to findings, less what a person has judged already | [`check`] |
//! | what the fixer writes, as data | [`templates`] |
//! | one file from findings to mended text | [`fix`] |
//! | text to the disk, whole or not at all | [`write`](mod@write) |
//! | output | [`report`] |
//! | settings measured under the user's own load (Linux) | `tune` |

pub mod check;
pub mod cli;
pub mod commands;
pub mod config;
pub mod dockerfile;
pub mod facts;
pub mod finding;
pub mod fix;
pub mod manifests;
pub mod model;
pub mod pages;
pub mod project;
pub mod purpose;
pub mod report;
pub mod rules;
pub mod shell;
pub mod surroundings;
pub mod templates;
pub mod text;
#[cfg(target_os = "linux")]
pub mod tune;
pub mod write;
pub mod yaml;
