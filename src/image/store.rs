//! Where images are stored: each kind of store hands out the same, blobs by their digests.

mod archive;
#[cfg(feature = "network")]
mod cache;
mod docker;
mod layout;
#[cfg(feature = "network")]
mod network;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Refused;
use super::access::Access;
use super::digest::{Digest, Verified};
use super::reference::{Name, Reference, Transport};
use archive::Archive;
#[cfg(feature = "network")]
pub(crate) use network::Web;

/// No manifest, index or configuration is larger, in bytes. (Registries refuse manifests above 4 MiB.)
const LARGEST: u64 = 8 << 20;

/// What names a blob: the members that are used of a descriptor (image-spec, descriptor.md).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    /// In bytes.
    pub(crate) size: u64,
}

impl Blob {
    /// What names these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self {
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
        }
    }
}

/// What is at a reference.
#[derive(Debug)]
pub(super) enum Root {
    /// The manifest or index of that name.
    Blob(Blob),
    /// What `docker save` says of an image: its configuration, and its layers from below.
    Saved { config: String, layers: Vec<String> },
}

/// A store.
pub(super) trait Store: Sync {
    /// What the name leads to; without one the only image that is there.
    ///
    /// # Errors
    /// Where it leads nowhere, or it is not clear where.
    fn root(&self, name: Option<&str>) -> Result<Root, Refused>;

    /// The bytes of a blob, which nobody has held against its digest.
    ///
    /// # Errors
    /// Where it is not there, or has another size.
    fn blob(&self, blob: &Blob) -> io::Result<Box<dyn Read + Send + '_>>;

    /// The same of a manifest: registries keep them elsewhere.
    ///
    /// # Errors
    /// As for any blob.
    fn manifest(&self, blob: &Blob) -> io::Result<Box<dyn Read + Send + '_>> {
        self.blob(blob)
    }

    /// Whether a manifest that an index names can be had: an engine saves those of one platform.
    fn has(&self, blob: &Blob) -> bool;

    /// Drops what was kept of a blob, because it came to something else; whether anything was.
    fn forget(&self, _blob: &Blob) -> bool {
        false
    }

    /// Where it is kept what layers do, if anywhere.
    fn notes(&self) -> Option<&Path> {
        None
    }

    /// The file that holds a blob and nothing else, where there is one that others may share.
    fn place(&self, _blob: &Blob) -> Option<PathBuf> {
        None
    }

    /// A file that has a name and no digest, and how many bytes it has: archives of docker have such.
    ///
    /// # Errors
    /// Where it is not there.
    fn file(&self, name: &str) -> io::Result<(Box<dyn Read + Send + '_>, u64)> {
        let why = format!("`{name}` is not there");
        Err(io::Error::new(io::ErrorKind::NotFound, why))
    }
}

/// Whoever takes an image part by part: what names other parts comes after them.
pub(crate) trait Taker {
    /// Brings a blob there, where it is not there yet. `stored`: it is one of the image as it was. `open`: its bytes, from the beginning.
    ///
    /// # Errors
    /// Where it cannot be read, or is not taken.
    fn blob(&self, blob: &Blob, stored: bool, open: &Opener<'_>) -> Result<(), Refused>;

    /// Brings a manifest or an index there, all that it names being there; as the image itself where it is the `root` of all.
    ///
    /// # Errors
    /// Where it is not taken.
    fn manifest(&self, kind: &str, bytes: &[u8], is_root: bool) -> Result<(), Refused>;
}

/// Opens the bytes of a blob.
pub(crate) type Opener<'a> = dyn Fn() -> io::Result<Box<dyn Read + Send + 'a>> + 'a;

/// What is kept from one reference to the next.
#[derive(Default)]
pub(super) struct Stores {
    #[cfg_attr(
        not(feature = "network"),
        expect(dead_code, reason = "nobody is asked")
    )]
    access: Access,
    #[cfg(feature = "network")]
    clients: network::Clients,
}

impl Stores {
    pub(super) fn new(access: Access) -> Self {
        Self {
            access,
            #[cfg(feature = "network")]
            clients: network::Clients::default(),
        }
    }

    /// Whether the engine answers.
    ///
    /// # Errors
    /// Where it does not.
    pub(super) fn engine_answers(&self) -> Result<(), Refused> {
        #[cfg(feature = "network")]
        return network::engine_answers(&self.access);
        #[cfg(not(feature = "network"))]
        Err(Refused::new(
            "this program was built without `network`: write `docker-archive:FILE:NAME`, and `docker load` that".into(),
        ))
    }

    /// Has the engine load an archive of docker.
    ///
    /// # Errors
    /// Where it does not take it.
    pub(super) fn load(&self, archive: &Path) -> Result<(), Refused> {
        #[cfg(feature = "network")]
        return network::load(archive, &self.access);
        #[cfg(not(feature = "network"))]
        {
            let _ = archive;
            self.engine_answers()
        }
    }

    /// The registry that takes an image of that name, which was made of another one.
    ///
    /// # Errors
    /// Where it cannot be asked.
    pub(super) fn taker(&self, name: &Name, of: &Reference) -> Result<Box<dyn Taker>, Refused> {
        #[cfg(feature = "network")]
        {
            let from = match of {
                Reference::Registry(of) if of.host == name.host => Some(of.repository.as_str()),
                _ => None,
            };
            let from = from.filter(|from| *from != name.repository);
            network::taker(name, from, &self.access, &self.clients)
        }
        #[cfg(not(feature = "network"))]
        {
            let _ = of;
            Err(Refused::new(format!(
                "this program was built without `network`: write `oci:DIR:TAG`, and bring it there with `skopeo copy oci:DIR:TAG docker://{}`",
                name.whole()
            )))
        }
    }

    /// Opens the store of a reference.
    ///
    /// # Errors
    /// Where it is none.
    pub(super) fn open(&self, reference: &Reference) -> Result<Box<dyn Store>, Refused> {
        Ok(match reference {
            Reference::Stored {
                transport, path, ..
            } => match transport {
                Transport::OciLayout => Box::new(layout::Folder::open(path)?),
                Transport::OciArchive => Box::new(layout::Packed(Archive::open(path)?)),
                Transport::DockerArchive => Box::new(docker::Saved(Archive::open(path)?)),
            },
            #[cfg(feature = "network")]
            Reference::Registry(name) => network::registry(name, &self.access, &self.clients)?,
            #[cfg(feature = "network")]
            Reference::Engine(name) => network::engine(name, &self.access)?,
            #[cfg(not(feature = "network"))]
            Reference::Registry(_) | Reference::Engine(_) => {
                return Err(Refused::new(
                    "this program was built without `network`: copy the image with `skopeo copy`, and check `oci:DIR:TAG`".into(),
                ));
            }
        })
    }
}

/// Opens a file, and its size in bytes. What is none (a pipe would be waited for) is not opened.
///
/// # Errors
/// Where it is none.
pub(super) fn plain(path: &Path) -> io::Result<(File, u64)> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a plain file"));
    }
    Ok((File::open(path)?, metadata.len()))
}

/// Where a blob lies in a layout.
pub(crate) fn path_of(digest: &Digest) -> String {
    let (algorithm, hex) = digest.parts();
    format!("blobs/{algorithm}/{hex}")
}

/// The reader of a blob that is said to have `size` bytes.
fn sized<'a>(
    blob: &Blob,
    (reader, size): (Box<dyn Read + Send + 'a>, u64),
) -> io::Result<Box<dyn Read + Send + 'a>> {
    if size == blob.size {
        return Ok(reader);
    }
    let why = format!("{} has not the size that is said", blob.digest);
    Err(io::Error::new(io::ErrorKind::InvalidData, why))
}

/// A blob as it is promised: what is something else is an error at its end.
///
/// # Errors
/// Where it is not there.
pub(super) fn verified<'a>(
    store: &'a dyn Store,
    blob: &Blob,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    let bytes = store.blob(blob)?;
    Ok(Box::new(Verified::new(
        bytes,
        &blob.digest,
        Some(blob.size),
    )))
}

/// All bytes of a manifest or index.
///
/// # Errors
/// Where it is not there, is something else, or is not small.
pub(super) fn manifest(store: &dyn Store, blob: &Blob) -> Result<Vec<u8>, Refused> {
    whole(blob, |blob| store.manifest(blob))
}

/// All bytes of a configuration.
///
/// # Errors
/// Where it is not there, is something else, or is not small.
pub(super) fn config(store: &dyn Store, blob: &Blob) -> Result<Vec<u8>, Refused> {
    whole(blob, |blob| store.blob(blob))
}

fn whole<'a>(
    blob: &Blob,
    open: impl Fn(&Blob) -> io::Result<Box<dyn Read + Send + 'a>>,
) -> Result<Vec<u8>, Refused> {
    if blob.size > LARGEST {
        return Err(Refused::new(format!(
            "{} is said to have {} bytes: no manifest or configuration has more than {LARGEST}",
            blob.digest, blob.size
        )));
    }
    let mut bytes = Vec::new();
    let reader = open(blob).map_err(|error| missing(&blob.digest, &error))?;
    Verified::new(reader, &blob.digest, Some(blob.size))
        .read_to_end(&mut bytes)
        .map_err(|error| missing(&blob.digest, &error))?;
    Ok(bytes)
}

fn missing(digest: &Digest, error: &io::Error) -> Refused {
    match error.kind() {
        io::ErrorKind::NotFound => Refused::new(format!("the blob {digest} is not there")),
        _ => Refused::new(error.to_string()),
    }
}

/// The bytes of a small file of a store, not more than it may have.
pub(super) fn small(reader: &mut dyn Read, name: &str) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    let read = reader.take(LARGEST + 1).read_to_end(&mut bytes);
    read.map_err(|error| Refused::new(format!("{name}: {error}")))?;
    if bytes.len() as u64 > LARGEST {
        return Err(Refused::new(format!(
            "{name} has more than {LARGEST} bytes"
        )));
    }
    Ok(bytes)
}
