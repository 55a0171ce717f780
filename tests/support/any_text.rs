//! What holds of any text: each `check` panics where something does not hold. Fuzz targets, property tests and
//! campaigns share them.

pub(crate) mod config;
pub(crate) mod dockerfile;
pub(crate) mod malloc_conf;
pub(crate) mod shell;
pub(crate) mod suppressions;
pub(crate) mod yaml;
