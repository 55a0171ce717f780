//! What the test programs share.

#![allow(dead_code, reason = "no program needs all of it")]

pub(crate) mod fixtures;
pub(crate) mod growth;
pub(crate) mod manifests;
pub(crate) mod random;
pub(crate) mod run;
pub(crate) mod shell_text;
