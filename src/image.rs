//! Built images: where they are stored, what their layers leave, and what that says. Nothing is unpacked, and no engine is asked.

mod contents;
mod digest;
mod entries;
mod files;
mod layer;
mod library;
mod listing;
mod manifest;
mod reference;
mod store;

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::model::Built;
use crate::surroundings::Surroundings;
use crate::text::SourceFile;
use files::Files;
pub(crate) use manifest::{Image, Images};
pub(crate) use reference::Reference;
use store::Store;

/// Why something of an image is not taken, for people.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(String);

impl Refused {
    pub(crate) const fn new(why: String) -> Self {
        Self(why)
    }
}

/// A store that was opened, and the images behind a reference.
pub(crate) struct Found {
    store: Box<dyn Store>,
    pub(crate) images: Images,
}

/// Finds the images behind a reference: one for each platform.
///
/// # Errors
/// Where there is none, or it is damaged.
pub(crate) fn find(reference: &Reference) -> Result<Found, Refused> {
    let store = store::open(reference)?;
    let root = store.root(reference.name.as_deref())?;
    let images = manifest::images(store.as_ref(), root)?;
    Ok(Found { store, images })
}

/// How many files of a layer lead somewhere, whatever its bytes are: for tests.
///
/// # Errors
/// Where they are no layer.
pub(crate) fn layer(bytes: &[u8]) -> std::io::Result<usize> {
    files::count(bytes)
}

/// An image that was read.
#[derive(Debug)]
pub(crate) struct Read {
    /// Its configuration as text.
    pub(crate) listing: Arc<SourceFile>,
    pub(crate) built: Built,
    files: Files,
}

impl Found {
    /// Reads the layers of one image. `shown`: what reports call it.
    ///
    /// # Errors
    /// Where a layer is missing, damaged, or refused.
    pub(crate) fn read(&self, image: &Image, shown: &str) -> Result<Read, Refused> {
        let files = files::read(self.store.as_ref(), &image.layers)?;
        let path = listing::variable(image, "PATH");
        let mut built = contents::of(&files, &image.platform, path.as_deref());
        let hash = Sha256::digest(&image.config);
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        built.name = format!("sha256:{hex}");
        let listing = SourceFile::new(shown, listing::of(image, &built).into_bytes());
        Ok(Read {
            listing,
            built,
            files,
        })
    }
}

impl Read {
    /// A file of it.
    fn open(&self, path: &str) -> Option<Arc<SourceFile>> {
        let text = self.files.text(path)?;
        let shown = format!(
            "{}!/{}",
            self.listing.path,
            path.trim_start_matches(['.', '/'])
        );
        Some(SourceFile::new(shown, text.to_vec()))
    }
}

/// Its files, for those who read what starts in it.
impl Surroundings for Read {
    fn read(&self, _near: &str, path: &str) -> Option<Arc<SourceFile>> {
        self.open(path)
    }

    fn names_tell(&self) -> bool {
        false
    }
}
