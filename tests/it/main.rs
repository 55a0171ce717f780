//! What malloclint promises, held against itself: one program, one module a subject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test stops at the first surprise"
)]

#[path = "../support/mod.rs"]
mod support;

mod adoption;
mod architecture;
mod bad_input;
mod baseline;
mod build;
mod check_properties;
mod claims;
mod cli;
mod config;
mod correct;
mod dockerfile_properties;
mod evidence;
mod fix;
mod fix_properties;
mod format;
mod formats;
mod free_threading;
mod fuzz;
mod growth;
mod harm;
mod harm_images;
mod hostile;
mod image;
mod init;
mod inject;
#[cfg(target_os = "linux")]
mod inspect;
mod kustomize;
mod manifests;
mod msrv;
mod reach;
mod rules;
mod seen;
mod shell_effects;
mod shell_properties;
mod silent;
mod tune;
#[cfg(unix)]
mod writing;
