//! The library from where the image's own apt would fetch it: its sources, its keyrings, and no signature that is not held against them.

#[cfg(feature = "network")]
mod fetch;
#[cfg(feature = "network")]
mod index;
#[cfg(feature = "network")]
mod keys;
#[cfg(feature = "network")]
mod paragraphs;
#[cfg(feature = "network")]
mod relations;
#[cfg(feature = "network")]
mod release;
#[cfg(feature = "network")]
mod settings;
#[cfg(feature = "network")]
mod signed;
#[cfg(feature = "network")]
mod sources;
#[cfg(feature = "network")]
mod version;

use super::library::Supplied;
#[cfg(not(feature = "network"))]
use super::library::unnamed;
use crate::image::{Access, Read, Refused};

/// How archives are asked.
#[cfg_attr(
    not(feature = "network"),
    expect(dead_code, reason = "nobody is asked")
)]
pub(crate) struct Apt {
    access: Access,
    /// The time that counts for what expires, in seconds since 1970.
    now: u64,
}

/// A library that was fetched, and what is to be known of it.
pub(super) struct Fetched {
    pub(super) library: Supplied,
    pub(super) notes: Vec<String>,
}

impl Apt {
    pub(crate) const fn new(access: Access, now: u64) -> Self {
        Self { access, now }
    }

    /// Fetches the package of jemalloc for an image.
    ///
    /// # Errors
    /// Where the image's apt has none that can be trusted and installed; the reason says what to do.
    #[cfg(feature = "network")]
    pub(super) fn library(&self, image: &Read<'_>) -> Result<Fetched, Refused> {
        fetch::library(image, &self.access, self.now)
    }

    /// # Errors
    /// Always: nobody can be asked.
    #[cfg(not(feature = "network"))]
    pub(super) fn library(&self, image: &Read<'_>) -> Result<Fetched, Refused> {
        let why = "this program was built without `network`, and fetches nothing";
        Err(unnamed(&image.built, why))
    }
}
