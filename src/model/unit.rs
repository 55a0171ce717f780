//! The unit: one environment in which a process will run.

use std::sync::Arc;

use super::{
    EnvFault, Environment, Evidence, Fact, Fragile, Library, Limits, Opaque, Preload, Privileged,
    Process, ProcessKind, ProcessModel, PythonBuild, Seen, Source, ThreadHook,
};
use crate::facts::{self, Arch, Family, Libc, Manager, Release};
use crate::text::{Place, paths};

/// The repository that images of Ubuntu have from the start.
pub(crate) const UNIVERSE: &str = "universe";

/// One environment in which a process will run, and what led to it.
#[derive(Debug)]
pub struct Unit {
    /// What a report calls it: ``stage `runtime` ``, `the image`.
    pub name: String,
    /// Where it begins: the `FROM` line.
    pub place: Place,
    /// Where a missing installation would be added.
    pub install_at: Place,
    /// What it is for.
    pub role: Role,
    /// Whether it runs Python.
    pub python: Fact<Python>,
    /// What it stands on.
    pub platform: Platform,
    /// The variables in force.
    pub env: Environment,
    /// The allocator libraries in it.
    pub libraries: Vec<Library>,
    /// Other libraries that were copied in by hand: file names.
    pub extra_libraries: Vec<String>,
    /// Parts of its file system we cannot see.
    pub opaque: Vec<Opaque>,
    /// Folders beyond the default ones in which the loader looks for bare names.
    pub search_dirs: Vec<String>,
    /// What is preloaded, judged as the loader would.
    pub preloads: Vec<Preload>,
    /// What the image preloads and the start of the container replaces, judged as well.
    pub overridden: Vec<Preload>,
    /// Allocators that are linked into the interpreter (`patchelf --add-needed`).
    pub linked: Vec<(Family, Place)>,
    /// What starts.
    pub process: Process,
    /// Signs that its memory grows.
    pub evidence: Vec<Evidence>,
    /// A package with threads of its own that allocate beside Python.
    pub native_threads: Option<NativeThreads>,
    /// Allocators of which packages of Python have copies in them.
    pub bundled: Vec<Family>,
    /// What names the build of its Python, where something in the image does.
    pub python_build: Option<PythonBuild>,
    /// What was seen of it while it ran.
    pub seen: Option<Seen>,
    /// Who runs it.
    pub user: Fact<User>,
    /// Settings that were made but never reach the process.
    pub strays: Vec<Stray>,
    /// What takes the environment away from the process.
    pub strips: Vec<Strip>,
    /// Programs in it that a preloaded allocator, or jemalloc's thread, breaks.
    pub fragile: Vec<Fragile>,
    /// Programs that its start runs and that gain rights by it.
    pub privileged: Vec<Privileged>,
    /// Package installations, in order. Stages that stand on each other share them.
    pub installs: Vec<Arc<Install>>,
    /// How the start of the container replaces `LD_PRELOAD`, where it does.
    pub start_replaces_preload: Option<Replaced>,
    /// Why the process may get allocator settings that we cannot see.
    pub unseen_settings: Option<String>,
    /// The base image, where it is not known: what is not seen here it may bring.
    pub unknown_base: Option<String>,
    /// Why the process may get allocator settings from a file that is not known to be about it.
    pub doubt: Option<String>,
    /// The stages of its file that it stands on, its own first; nothing where it is no stage.
    pub stages: Vec<usize>,
    /// Other images come out of the same file.
    pub siblings: bool,
    /// Something is compiled in it: development packages have their use.
    pub compiles: bool,
    /// Its Python is conda's, which brings a C++ library of its own: one of the distribution may not get on with it.
    pub conda: Option<&'static str>,
    /// Where its image comes from.
    pub source: Source,
    /// What is wrong with how its variables are written.
    pub env_faults: Vec<EnvFault>,
    /// What it may use at most.
    pub limits: Limits,
    /// What its image has of the thread hook.
    pub thread_hook: ThreadHook,
    /// The user wants jemalloc's thread in Python processes.
    pub thread_wanted: bool,
}

impl Unit {
    /// Why the process may get allocator settings that are not seen, though nothing speaks for it.
    #[must_use]
    pub fn doubts(&self) -> Option<String> {
        let base = self.unknown_base.as_ref();
        let base = base.filter(|_| self.source != Source::Foreign);
        let strange = self
            .preloads
            .iter()
            .map(|preload| paths::file_name(&preload.name));
        let mut strange = strange.filter(|file| {
            facts::family_of_library(file).is_none() && !facts::not_an_allocator(file)
        });
        let strange = strange
            .next()
            .map(|file| format!("`{file}` is preloaded, and is not known to be no allocator"));
        self.doubt.clone().or(strange).or_else(|| {
            base.map(|base| {
                format!(
                    "the base image `{base}` is not one we know: it may set an allocator itself"
                )
            })
        })
    }

    /// The replacement allocator that is surely in force, if one is.
    #[must_use]
    pub fn replacement(&self) -> Option<(Family, &Place)> {
        let preloaded = self
            .preloads
            .iter()
            .filter(|preload| preload.outcome.works());
        preloaded
            .filter_map(|preload| preload.family.map(|family| (family, &preload.place)))
            .chain(self.linked.iter().map(|(family, place)| (*family, place)))
            .next()
    }

    /// Takes what was seen of it while it ran: what its text did not say, it says.
    pub(crate) fn witness(&mut self, seen: Seen) {
        let process = &mut self.process;
        let why = || format!("`malloclint inspect` saw it run: `{}`", seen.report);
        if process.kind.value().is_none() {
            process.kind = Fact::Assumed(ProcessKind::Service, why());
        }
        if seen.forks && process.model.value().is_none() {
            process.model = Fact::Assumed(ProcessModel::Fork, why());
        }
        process.threaded |= seen.heaps.is_some_and(|heaps| heaps > 1);
        self.seen = Some(seen);
    }

    /// Whether a repository of packages is there: the distribution's own, or one that a build step brings.
    #[must_use]
    pub fn has_repository(&self, repository: Option<&str>) -> bool {
        let brought = |name| self.installs.iter().any(|install| install.brings(name));
        repository.is_none_or(|name| name == UNIVERSE || brought(name))
    }

    /// Whether anybody tried to set or load an allocator for this process, rightly or wrongly.
    #[must_use]
    pub fn mentions_allocator(&self) -> bool {
        let replaced = self.start_replaces_preload.as_ref();
        self.preloads.iter().any(may_be_one)
            || !self.linked.is_empty()
            || !self.libraries.is_empty()
            || replaced.is_some_and(|replaced| !replaced.lost.is_empty())
    }
}

/// Whether a preload is an allocator, or what cannot be told may be one. (A library by another name is hardly one.)
fn may_be_one(preload: &Preload) -> bool {
    let file = paths::file_name(&preload.name);
    let plain = file.contains(".so") && !preload.name.contains(['*', '$', '`', '{']);
    preload.family.is_some() || !plain && !facts::not_an_allocator(file)
}

/// `LD_PRELOAD` is replaced, or taken away, when the container starts.
#[derive(Clone, Debug)]
pub struct Replaced {
    /// By what.
    pub why: String,
    /// It happens under a condition that `why` names.
    pub sometimes: bool,
    /// How that is chosen or turned off, where the image has a switch for it.
    pub switch: Option<String>,
    /// Where the start takes it away and sets nothing in its place.
    pub taken_at: Option<Place>,
    /// What the start itself had set before.
    pub lost: Vec<Preload>,
}

/// What a unit is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// It runs in production, as far as we can tell.
    Runtime,
    /// It is a sample or an example, for the reason given: shown, and copied from.
    Shown(String),
    /// It builds or tests, for the reason given.
    Build(String),
}

impl Role {
    /// Whether it builds or tests.
    #[must_use]
    pub const fn is_build(&self) -> bool {
        matches!(self, Self::Build(_))
    }
}

/// The Python that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Python {
    /// Major and minor version where known.
    pub version: Option<(u8, u8)>,
    /// It is PyPy, whose objects do not come from malloc.
    pub pypy: bool,
}

/// What a unit stands on.
#[derive(Clone, Debug)]
pub struct Platform {
    /// The distribution's release.
    pub release: Fact<&'static Release>,
    /// The C library.
    pub libc: Fact<Libc>,
    /// The architectures it is pinned to; unknown where nothing pins it.
    pub archs: Fact<Vec<Arch>>,
    /// The package manager; `None` where the image has none or we do not know it.
    pub manager: Option<Manager>,
    /// `/lib` is a folder of its own, and no link to `/usr/lib`.
    pub unmerged: bool,
    /// The loader looks only where the image itself says.
    pub own_dirs: bool,
    /// Paths that lead to no allocator, as the files of a built image show.
    pub nowhere: Vec<String>,
    /// Libraries that C++ code needs and this image lacks.
    pub lacks: Vec<String>,
    /// It is Windows: nothing here applies.
    pub windows: bool,
    /// A build argument chooses the base, and another than the default may be of another distribution.
    pub chosen: bool,
}

/// A package whose own threads allocate while Python's lock is free.
#[derive(Clone, Debug)]
pub struct NativeThreads {
    /// Its name: `torch`.
    pub package: String,
    /// Where it is named.
    pub place: Place,
    /// Why they may do so seldom: `may compute in buffers that stay`. Nothing where they do in ordinary use.
    pub doubt: Option<&'static str>,
}

/// Who runs the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User(pub String);

impl User {
    /// Whether it is root, by name or number.
    #[must_use]
    pub fn is_root(&self) -> bool {
        let name = self.0.split(':').next().unwrap_or_default();
        name == "root" || (!name.is_empty() && name.bytes().all(|b| b == b'0'))
    }
}

/// A setting that never reaches the process.
#[derive(Clone, Debug)]
pub struct Stray {
    /// The variable (`LD_PRELOAD`), or `None` where it is a library.
    pub variable: Option<String>,
    /// The value, or the library's path.
    pub value: String,
    /// The allocator it is about.
    pub family: Option<Family>,
    /// How far it reaches instead.
    pub reach: Reach,
    /// A condition decides whether it is made.
    pub conditional: bool,
    /// Where it is made.
    pub place: Place,
}

/// How far a setting reaches that does not reach the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Another stage, by the name a report uses.
    Stage(String),
    /// The one `RUN` it stands in.
    Run,
    /// Shells that read the file given (`~/.bashrc`).
    Shells(String),
    /// A subshell of the start script.
    Subshell,
    /// A function of the start script that nothing calls, by its name.
    Uncalled(String),
    /// Nothing: the start script assigns it and does not export it.
    Unexported,
    /// A command of the start script that is over before the service starts.
    Command,
}

/// What takes `LD_PRELOAD` away.
#[derive(Clone, Debug)]
pub struct Strip {
    /// `setcap`, `sudo`, `env -i`.
    pub by: String,
    /// The program that starts others without it, where that is no wrapper.
    pub(crate) launcher: Option<&'static facts::programs::Launcher>,
    /// It only happens to users other than root.
    pub only_non_root: bool,
    /// Where.
    pub place: Place,
}

/// A package installation.
#[derive(Clone, Debug)]
pub struct Install {
    /// By which manager.
    pub manager: Manager,
    /// The packages named.
    pub packages: Vec<String>,
    /// Where each of them stands.
    pub words: Vec<Place>,
    /// It may not run: a condition decides.
    pub conditional: bool,
    /// Who runs it.
    pub user: Fact<User>,
    /// Where the command stands.
    pub place: Place,
    /// The build step.
    pub step: usize,
}

impl Install {
    /// Whether it brings the list of a repository: `epel-release`.
    #[must_use]
    pub fn brings(&self, repository: &str) -> bool {
        let text = self.place.file.text(self.place.span);
        let named = self.packages.iter().any(|name| name.contains(repository));
        named || text.contains(repository)
    }
}
