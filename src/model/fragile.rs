//! Programs of an image that a preloaded allocator, or jemalloc's thread, breaks.

use super::{Unit, newer};
use crate::facts::{self, Breaks, Named};
use crate::text::Place;

/// One such program.
#[derive(Clone, Debug)]
pub struct Fragile {
    /// Which.
    pub(crate) program: &'static facts::Fragile,
    /// Where the text speaks of it.
    pub place: Place,
    /// How sure it is that it runs.
    pub found: Found,
    /// Its version, where the text says one: `2024.1.0`.
    pub version: Option<String>,
    /// A package of the distribution brings it: it does not move with a few files that are copied.
    pub packaged: bool,
}

/// How sure it is that a program is in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// What is installed can start it, wherever it comes from.
    Named,
    /// It is installed, or the base image brings it.
    Installed,
    /// The start of the container runs it.
    Started,
}

impl Found {
    /// What follows of a name of a package or an image.
    pub(crate) const fn by(name: Named) -> Self {
        match name {
            Named::Brings => Self::Installed,
            Named::Drives => Self::Named,
        }
    }
}

impl Fragile {
    pub(crate) fn new(program: &'static facts::Fragile, place: &Place, found: Found) -> Self {
        Self {
            program,
            place: place.clone(),
            found,
            version: None,
            packaged: false,
        }
    }

    /// How it is known, as the label of its place.
    #[must_use]
    pub const fn known_by(&self) -> &'static str {
        match self.found {
            Found::Started => "it is started here",
            Found::Installed => "it comes into the image here",
            Found::Named => "this is about it",
        }
    }

    /// Whether it lives with what the image sets, or is of a version that lives.
    fn is_spared(&self, unit: &Unit) -> bool {
        let version = self.version.as_deref();
        let (from, until) = (self.program.from.as_deref(), self.program.until.as_deref());
        let older = version
            .zip(from)
            .is_some_and(|(version, from)| newer(from, version));
        let later = version
            .zip(until)
            .is_some_and(|(version, until)| !newer(until, version));
        let set = self.program.variable().is_some_and(|(name, value)| {
            let var = unit.env.get(name);
            var.and_then(|var| var.now.value.known()) == Some(value)
        });
        older || later || set
    }

    /// Whether it is of a kind of which only some versions break, and its own is not known.
    fn is_of_some_version(&self) -> bool {
        self.program.versioned && self.version.is_none()
    }
}

impl Unit {
    /// The programs that jemalloc's background thread breaks.
    pub fn broken_by_thread(&self) -> impl Iterator<Item = &Fragile> {
        let thread = |fragile: &&Fragile| fragile.program.breaks == Breaks::Thread;
        self.fragile.iter().filter(thread)
    }

    /// The programs that a preloaded allocator breaks, and that nothing saves.
    pub fn broken_by_preload(&self) -> impl Iterator<Item = &Fragile> {
        self.endangered_by_preload()
            .filter(|fragile| !fragile.is_of_some_version())
    }

    /// The same, and those of which some versions break where theirs is not known.
    pub(crate) fn endangered_by_preload(&self) -> impl Iterator<Item = &Fragile> {
        let breaks = |fragile: &&Fragile| fragile.program.breaks == Breaks::Preload;
        let all = self.fragile.iter().filter(breaks);
        all.filter(|fragile| !fragile.is_spared(self))
    }

    /// Whether only some versions of a program break, and which is here is not known.
    pub(crate) fn is_uncertain(fragile: &Fragile) -> bool {
        fragile.is_of_some_version()
    }
}
