//! The world as data: distros, base images, allocators and their packages, loader and Python
//! facts. Data lives in `facts/*.toml` with its sources; this module only reads and looks up.

mod terms;

pub mod programs;

pub use terms::{Arch, Family, Libc, Manager};
