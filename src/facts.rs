//! The world as data: distros, base images, allocators and their packages, loader and Python
//! facts. Data lives in `facts/**/*.toml` with its sources; this module only reads and looks up.
//!
//! It never touches the disk or the network, never guesses, and never fails: what is not in the
//! data is `None`. Each file is parsed at its first use, so what is not asked for costs nothing.

mod allocators;
mod data;
mod distros;
mod engines;
mod fragile;
pub(crate) mod free_threading;
mod glibc;
pub(crate) mod growth;
mod images;
mod jemalloc;
pub(crate) mod layouts;
mod log_lines;
mod measured;
mod native_threads;
pub(crate) mod options;
pub(crate) mod ports;
pub(crate) mod programs;
mod python;
pub(crate) mod roles;
pub(crate) mod secrets;
mod terms;

pub(crate) use allocators::{
    allocator_variable, allocators, bundled, families_named, family_of_library,
    is_allocator_setting, names_allocator, not_an_allocator, stands_alone,
};
pub(crate) use distros::{
    AllocatorPackage, Release, any_package, packaged_files, packaged_soname, release,
    release_in_tag, says_alpine,
};
pub(crate) use engines::{Engine, certificate_folders, engines, is_fetched};
#[cfg(feature = "network")]
pub(crate) use engines::{says_no_login, usual_engine};
pub(crate) use fragile::{Breaks, Fetch, Fragile, Index, Named, fragile};
pub(crate) use fragile::{
    brings_all_extras, brings_developers, index_of_installer, is_install_verb, takes_value,
};
pub(crate) use glibc::{Tunable, TunableKind, came_with, near_miss, tunable, tunables};
pub(crate) use images::{Image, ImageRole, Python, image};
pub(crate) use jemalloc::{
    JemallocBuild, JemallocOption, jemalloc_counts, jemalloc_counts_breaks, jemalloc_near,
};
pub use jemalloc::{
    JemallocVersion, OptionKind, jemalloc_build, jemalloc_options, jemalloc_versions,
};
pub(crate) use log_lines::{LogLine, Meaning, meaning};
pub(crate) use measured::measured;
pub(crate) use native_threads::{native_cost, native_threads, objects_cost};
pub(crate) use python::{PythonMalloc, pythonmalloc};
pub use terms::Arch;
pub(crate) use terms::{Family, Libc, Manager};
