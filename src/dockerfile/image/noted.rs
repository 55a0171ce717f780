//! Packages that say something of how Python uses memory, and the build of Python.

use crate::facts::{self, Family, Index, growth};
use crate::model::{NativeThreads, PythonBuild};
use crate::text::Place;

/// Of each kind the first.
#[derive(Clone, Debug, Default)]
pub(in crate::dockerfile) struct Noted {
    /// It holds large blocks, and where it is named.
    pub(in crate::dockerfile) large: Option<(String, Place)>,
    /// It has threads of its own that allocate; one whose threads often do comes before others.
    pub(in crate::dockerfile) native_threads: Option<NativeThreads>,
    /// Allocators of which packages have copies in them.
    pub(in crate::dockerfile) bundled: Vec<Family>,
    /// What names the build of its Python; of this kind the last.
    pub(in crate::dockerfile) python_build: Option<PythonBuild>,
}

impl Noted {
    /// Remembers a package that says something, and where it is named.
    pub(in crate::dockerfile) fn package(
        &mut self,
        index: Index,
        name: &str,
        place: impl Fn() -> Place,
    ) {
        if index != Index::Python {
            return;
        }
        if self.large.is_none() && growth::is_large(name) {
            self.large = Some((name.to_owned(), place()));
        }
        self.copy_in(name);
        self.threads_of(name, place);
    }

    /// Remembers one with an allocator of its own.
    pub(super) fn copy_in(&mut self, name: &str) {
        let family = facts::bundled(name).filter(|family| !self.bundled.contains(family));
        self.bundled.extend(family);
    }

    /// Remembers one whose threads allocate.
    pub(super) fn threads_of(&mut self, name: &str, place: impl Fn() -> Place) {
        let Some(threads) = facts::native_threads(name) else {
            return;
        };
        let package = name.to_owned();
        let place = place();
        self.add_threads(NativeThreads {
            package,
            place,
            doubt: threads.doubt,
        });
    }

    /// Adds those of an image of which something is taken over.
    pub(in crate::dockerfile) fn add(&mut self, other: &Self) {
        self.large = self.large.take().or_else(|| other.large.clone());
        let bundled = other.bundled.iter().copied();
        let new: Vec<Family> = bundled
            .filter(|family| !self.bundled.contains(family))
            .collect();
        self.bundled.extend(new);
        if let Some(threads) = &other.native_threads {
            self.add_threads(threads.clone());
        }
        if let Some(build) = other.python_build.as_ref().filter(|one| one.free_threaded) {
            self.python_build = Some(build.clone());
        }
    }

    fn add_threads(&mut self, threads: NativeThreads) {
        let known = self.native_threads.as_ref();
        if known.is_none_or(|known| threads.doubt.is_none() && known.doubt.is_some()) {
            self.native_threads = Some(threads);
        }
    }
}
