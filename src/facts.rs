//! The world as data: distros, base images, allocators and their packages, loader and Python
//! facts. Data lives in `facts/**/*.toml` with its sources; this module only reads and looks up.
//!
//! It never touches the disk or the network, never guesses, and never fails: what is not in the
//! data is `None`. Each file is parsed at its first use, so what is not asked for costs nothing.

mod allocators;
mod data;
mod distros;
mod glibc;
mod images;
mod jemalloc;
pub mod programs;
mod python;
pub mod roles;
mod terms;

pub use allocators::{
    Allocator, Variable, allocator_variable, allocators, family_of_library, is_allocator_setting,
    not_an_allocator, preload_purpose,
};
pub use data::Date;
pub use distros::{
    AllocatorPackage, PackageSummary, Release, any_package, canonical_distro, conda_packages,
    packaged_soname, release, releases,
};
pub use glibc::{Tunable, TunableKind, near_miss, tunable, tunables};
pub use images::{Image, ImageRole, Preinstalled, Python, image};
pub use jemalloc::{
    JemallocBuild, JemallocOption, JemallocVersion, OptionKind, jemalloc_build, jemalloc_counts,
    jemalloc_counts_breaks, jemalloc_near, jemalloc_options, jemalloc_versions,
};
pub use python::{PythonMalloc, pythonmalloc};
pub use terms::{Arch, Family, Libc, Manager};
