//! Built images: where they are stored, what their layers leave, and what that says. Nothing is unpacked, and no engine is asked.

mod access;
mod config;
mod contents;
mod digest;
mod entries;
mod files;
mod kept;
mod layer;
mod library;
mod listing;
mod manifest;
mod place;
mod python;
mod reference;
mod source;
mod store;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::Built;
use crate::surroundings::Surroundings;
use crate::text::SourceFile;
pub(crate) use access::Access;
pub(crate) use digest::Digest;
use files::{Files, Shared};
use layer::Unpacked;
pub(crate) use library::{LARGEST as LARGEST_LIBRARY, Library, read as library, soname};
pub(crate) use manifest::{Image, Images};
pub(crate) use reference::{Name, Reference, Transport};
pub(crate) use source::{Source, unpacked};
#[cfg(feature = "network")]
pub(crate) use store::Web;
pub(crate) use store::{Blob, Taker, path_of};
use store::{Root, Store, Stores};

/// Why something of an image is not taken, for people.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(String);

impl Refused {
    /// What an image says of itself may be long: it is quoted without its middle.
    pub(crate) fn new(why: String) -> Self {
        const BEGIN: usize = 600;
        const END: usize = 300;
        let number = why.chars().count();
        if number <= BEGIN + END {
            return Self(why);
        }
        let begin = why.chars().take(BEGIN);
        let end = why.chars().skip(number - END);
        Self(begin.chain(['…']).chain(end).collect())
    }
}

/// No more files are read that were not kept.
const MOST: usize = 256;

/// A store that was opened, and the images behind a reference.
pub(crate) struct Found {
    store: Box<dyn Store>,
    root: Root,
    pub(crate) images: Images,
    shared: Shared,
}

/// Where images are looked for, from one reference to the next.
#[derive(Default)]
pub(crate) struct Sources(Stores);

impl Sources {
    pub(crate) fn new(access: Access) -> Self {
        Self(Stores::new(access))
    }

    /// Finds the images behind a reference: one for each platform, or for those that are wanted.
    ///
    /// # Errors
    /// Where there is none, or it is damaged.
    pub(crate) fn find(
        &self,
        reference: &Reference,
        platforms: &[String],
    ) -> Result<Found, Refused> {
        let store = self.0.open(reference)?;
        let root = store.root(reference.name())?;
        let images = manifest::images(store.as_ref(), &root, platforms)?;
        Ok(Found {
            store,
            root,
            images,
            shared: Shared::default(),
        })
    }

    /// Whether the engine answers.
    ///
    /// # Errors
    /// Where it does not.
    pub(crate) fn engine_answers(&self) -> Result<(), Refused> {
        self.0.engine_answers()
    }

    /// Has the engine load an archive of docker.
    ///
    /// # Errors
    /// Where it does not take it.
    pub(crate) fn load(&self, archive: &Path) -> Result<(), Refused> {
        self.0.load(archive)
    }

    /// The registry that takes an image of that name, which was made of another one.
    ///
    /// # Errors
    /// Where it cannot be asked.
    pub(crate) fn taker(&self, name: &Name, of: &Reference) -> Result<Box<dyn Taker>, Refused> {
        self.0.taker(name, of)
    }
}

/// How many files of a layer lead somewhere, whatever its bytes are: for tests.
///
/// # Errors
/// Where they are no layer.
pub(crate) fn layer(bytes: &[u8]) -> std::io::Result<usize> {
    files::count(bytes)
}

/// An image that was read.
pub(crate) struct Read<'a> {
    /// Its configuration as text.
    pub(crate) listing: Arc<SourceFile>,
    pub(crate) built: Built,
    files: Files,
    store: &'a dyn Store,
    image: Cow<'a, Image>,
    /// What layers unpacked to that were read again.
    again: Unpacked,
    /// Files that were asked for, and are read once.
    asked: Mutex<BTreeMap<String, Option<Arc<SourceFile>>>>,
}

impl Found {
    /// Reads the layers of one image. `shown`: what reports call it.
    ///
    /// # Errors
    /// Where a layer is missing, damaged, or refused.
    pub(crate) fn read<'a>(&'a self, image: &'a Image, shown: &str) -> Result<Read<'a>, Refused> {
        let store = self.store.as_ref();
        // Of an image of Windows nothing is judged: gigabytes would be fetched for it.
        let layers = match image.platform.os.as_str() {
            "windows" => &[],
            _ => image.layers.as_slice(),
        };
        let files = files::read(store, layers, &self.shared)?;
        Ok(Read::of(store, Cow::Borrowed(image), files, shown))
    }
}

/// A layer that is not stored yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Added<'a> {
    /// What it is as it will be stored, and the archive inside.
    pub(crate) blob: &'a Blob,
    pub(crate) archive: &'a [u8],
}

impl<'a> Read<'a> {
    /// What its files and its configuration say.
    fn of(store: &'a dyn Store, image: Cow<'a, Image>, files: Files, shown: &str) -> Self {
        let (path, preload) = (
            image.config.variable("PATH"),
            image.config.variable("LD_PRELOAD"),
        );
        let start = contents::Start {
            path,
            preload,
            folder: image.config.working_dir.as_deref(),
            program: image.config.program(),
        };
        let mut built = contents::of(&files, &image.platform, &start);
        built.name.clone_from(&image.id);
        let preloads = files.file("etc/ld.so.preload").is_some();
        let listing = listing::of(&image, &built, preloads);
        Self {
            listing: SourceFile::new(shown, listing.into_bytes()),
            built,
            files,
            store,
            image,
            again: Unpacked::default(),
            asked: Mutex::default(),
        }
    }

    /// The same image as it would be with another configuration, and perhaps one more layer.
    ///
    /// # Errors
    /// Where that would be no image.
    pub(crate) fn with(&self, added: Option<Added<'_>>, config: &[u8]) -> Result<Self, Refused> {
        let mut files = self.files.clone();
        if let Some(added) = added {
            let laid = files.lay(self.image.layers.len(), added.archive);
            laid.map_err(|error| Refused::new(format!("the new layer: {error}")))?;
        }
        let blob = added.map(|added| added.blob.clone());
        let image = manifest::changed(&self.image, config, blob)?;
        Ok(Self::of(
            self.store,
            Cow::Owned(image),
            files,
            &self.listing.path,
        ))
    }
}

impl Read<'_> {
    /// The folder in which the loader finds libraries of packages: a path without a `/` in front.
    pub(crate) fn library_folder(&self) -> Option<String> {
        place::folder(&self.files, &self.built)
    }

    /// A path with the links of its folders followed, without a `/` in front.
    pub(crate) fn real(&self, path: &str) -> String {
        self.files.through(path)
    }

    /// The folders of packages that its Pythons read at start, without a `/` in front.
    pub(crate) fn site_folders(&self) -> BTreeSet<String> {
        python::site_folders(&self.files)
    }

    /// Whether there is a folder.
    pub(crate) fn has_folder(&self, path: &str) -> bool {
        let real = self.files.resolved(path);
        real.is_some_and(|real| self.files.is_folder(&real))
    }

    /// Whether there is a file, all links followed.
    pub(crate) fn has_file(&self, path: &str) -> bool {
        self.files.file(path).is_some()
    }

    /// What the system says of itself in a file: its packages, its release.
    pub(crate) fn database(&self, path: &str) -> Option<&[u8]> {
        self.files.text(path).map(AsRef::as_ref)
    }

    /// The bytes of a file, all links followed; nothing where there is none, or a large one.
    #[cfg(feature = "network")]
    pub(crate) fn bytes(&self, path: &str) -> Option<Arc<[u8]>> {
        let file = self.files.file(path)?;
        if let Some(text) = &file.text {
            return Some(Arc::clone(text));
        }
        let most = (files::TEXT, &self.again);
        files::fetch(self.store, &self.image.layers, file, most).map(Arc::from)
    }

    /// The names of the files and links that lie right in a folder, in their order.
    #[cfg(feature = "network")]
    pub(crate) fn names_in(&self, folder: &str) -> Vec<String> {
        let folder = self.files.resolved(folder).unwrap_or_default();
        let below = self.files.below(&folder);
        let names = below.filter_map(|(path, _)| {
            let name = path.strip_prefix(&folder)?.strip_prefix('/')?;
            (!name.contains('/')).then(|| name.to_owned())
        });
        names.take(MOST).collect()
    }

    /// The version of its glibc, as the file says it: `2.36`.
    pub(crate) fn glibc(&self) -> Option<String> {
        let file = place::glibc(&self.files, &self.built)?;
        let most = (LARGEST_LIBRARY, &self.again);
        let bytes = files::fetch(self.store, &self.image.layers, file, most)?;
        library::glibc_of(&bytes)
    }

    /// A file of it.
    fn open(&self, path: &str) -> Option<Arc<SourceFile>> {
        let path = self.files.resolved(path)?;
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = asked.get(&path) {
            return known.clone();
        }
        let file = self.files.file(&path)?;
        let text = match &file.text {
            Some(text) => Some(text.to_vec()),
            // So many layers are read again.
            None if asked.len() < MOST => {
                let most = (files::TEXT, &self.again);
                files::fetch(self.store, &self.image.layers, file, most)
            }
            None => None,
        };
        let shown = format!("{}!/{path}", self.listing.path);
        let found = text.map(|text| SourceFile::new(shown, text));
        asked.insert(path, found.clone());
        found
    }
}

/// Its files, for those who read what starts in it.
impl Surroundings for Read<'_> {
    fn read(&self, _near: &str, path: &str) -> Option<Arc<SourceFile>> {
        self.open(path)
    }

    fn names_tell(&self) -> bool {
        false
    }
}
