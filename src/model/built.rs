//! What the files of a built image say of it, whoever read them.

use super::Python;
use crate::facts::{Arch, Family, Libc, Release};

/// A built image, without its configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Built {
    /// What it is called: the digest of its configuration.
    pub(crate) name: String,
    /// The distribution, where it is one that we know.
    pub(crate) release: Option<&'static Release>,
    /// What it calls itself, for people.
    pub(crate) system: Option<String>,
    pub(crate) libc: Option<Libc>,
    pub(crate) arch: Option<Arch>,
    /// The Python that a command without a path starts, else any.
    pub(crate) python: Option<Python>,
    /// Its file, where that was built without the interpreter's lock: `python3.14t`.
    pub(crate) free_threaded: Option<String>,
    pub(crate) libraries: Vec<BuiltLibrary>,
    /// Allocators that its Python is linked with.
    pub(crate) linked: Vec<Family>,
    /// `/lib` is no link to `/usr/lib`.
    pub(crate) unmerged: bool,
    /// The loader looks in no others than `search_dirs`.
    pub(crate) own_dirs: bool,
    /// Entries of `LD_PRELOAD` that lead to no allocator.
    pub(crate) nowhere: Vec<String>,
    /// Folders in which the loader looks, beyond those of the distribution.
    pub(crate) search_dirs: Vec<String>,
    /// Libraries that its allocators need, and that are not there.
    pub(crate) lacks: Vec<String>,
    /// Packages of the distribution, and of Python: name and version.
    pub(crate) packages: Vec<(String, String)>,
    pub(crate) python_packages: Vec<(String, String)>,
    /// Modules and path files that lie beside its packages of Python: file names.
    pub(crate) modules: Vec<String>,
    /// It is one of Windows.
    pub(crate) windows: bool,
}

/// An allocator in it.
#[derive(Clone, Debug)]
pub(crate) struct BuiltLibrary {
    pub(crate) family: Family,
    pub(crate) path: String,
    pub(crate) version: Option<String>,
    /// The package that brought it.
    pub(crate) package: Option<String>,
    pub(crate) needs: Vec<String>,
    /// The oldest glibc that it runs with.
    pub(crate) min_glibc: Option<String>,
    pub(crate) libc: Option<Libc>,
}
