//! What the test programs share.

#![allow(dead_code, reason = "no program needs all of it")]

pub(crate) mod any_text;
pub(crate) mod buildkit;
pub(crate) mod dockerfile_mutants;
pub(crate) mod files;
pub(crate) mod fixtures;
pub(crate) mod growth;
pub(crate) mod manifests;
pub(crate) mod promises;
pub(crate) mod random;
pub(crate) mod run;
pub(crate) mod shell_text;
