//! Blobs that came from elsewhere, kept by their digests: a second look fetches nothing. Processes may share the folder.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

use super::{Blob, LARGEST, Refused, Root, Store, path_of, plain};
use crate::image::access::Access;
use crate::image::digest::{Digest, Verified};

/// A folder of blobs.
pub(super) enum Folder {
    Kept(PathBuf),
    /// One that goes with the image.
    Passing(TempDir),
}

impl Folder {
    /// # Errors
    /// Where a folder that was asked for cannot be made. Without room for a passing one there is none.
    pub(super) fn open(access: &Access) -> Result<Option<Self>, Refused> {
        let Some(path) = access.cache.as_deref() else {
            let passing = access.passing.as_ref();
            let made = passing.and_then(|passing| TempDir::with_prefix_in("image-", passing).ok());
            return Ok(made.map(Self::Passing));
        };
        let made = fs::create_dir_all(path.join("blobs"));
        made.map_err(|error| {
            Refused::new(format!(
                "the cache folder {} is not made: {error}",
                path.display()
            ))
        })?;
        Ok(Some(Self::Kept(path.to_owned())))
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Passing(folder) => folder.path(),
        }
    }
}

/// A store that keeps what another one gives.
pub(super) struct Cached<S> {
    pub(super) store: S,
    pub(super) folder: Folder,
    /// What is wanted, where that is called by its digest: then nobody has to be asked what it is.
    pub(super) wanted: Option<Digest>,
}

impl<S: Store> Cached<S> {
    fn place(&self, digest: &Digest) -> PathBuf {
        self.folder.path().join(path_of(digest))
    }

    /// A blob that was kept whole. Small ones are looked at before they are believed.
    fn kept(&self, blob: &Blob) -> Option<Box<dyn Read + Send>> {
        let place = self.place(&blob.digest);
        let (mut file, size) = plain(&place).ok()?;
        let is_right = size == blob.size && (size > LARGEST || comes_to(&mut file, blob).ok()?);
        if !is_right {
            self.forget(blob);
            return None;
        }
        let file = plain(&place).ok()?.0;
        Some(Box::new(BufReader::with_capacity(1 << 16, file)))
    }

    /// Keeps what is read of a blob, if it comes to what it is called by.
    fn keeping<'a>(
        &self,
        blob: &Blob,
        bytes: Box<dyn Read + Send + 'a>,
    ) -> Box<dyn Read + Send + 'a> {
        let place = self.place(&blob.digest);
        let part = place.parent().and_then(|folder| {
            fs::create_dir_all(folder).ok()?;
            NamedTempFile::with_prefix_in(".part-", folder).ok()
        });
        Box::new(Keeping {
            bytes: Verified::new(bytes, &blob.digest, Some(blob.size)),
            left: blob.size,
            part,
            place,
        })
    }
}

fn comes_to(file: &mut File, blob: &Blob) -> io::Result<bool> {
    let mut verified = Verified::new(file, &blob.digest, Some(blob.size));
    match io::copy(&mut verified, &mut io::sink()) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(false),
        read => read.map(|_| true),
    }
}

impl<S: Store> Store for Cached<S> {
    fn root(&self, name: Option<&str>) -> Result<Root, Refused> {
        let wanted = self.wanted.as_ref();
        let kept = wanted.and_then(|digest| Some((digest, plain(&self.place(digest)).ok()?.1)));
        let blob = kept.map(|(digest, size)| Blob {
            digest: digest.clone(),
            size,
        });
        match blob.filter(|blob| self.kept(blob).is_some()) {
            Some(blob) => Ok(Root::Blob(blob)),
            None => self.store.root(name),
        }
    }

    fn blob(&self, blob: &Blob) -> io::Result<Box<dyn Read + Send + '_>> {
        match self.kept(blob) {
            Some(kept) => Ok(kept),
            None => Ok(self.keeping(blob, self.store.blob(blob)?)),
        }
    }

    fn manifest(&self, blob: &Blob) -> io::Result<Box<dyn Read + Send + '_>> {
        match self.kept(blob) {
            Some(kept) => Ok(kept),
            None => Ok(self.keeping(blob, self.store.manifest(blob)?)),
        }
    }

    fn has(&self, blob: &Blob) -> bool {
        self.store.has(blob)
    }

    fn notes(&self) -> Option<&Path> {
        match &self.folder {
            Folder::Kept(path) => Some(path),
            Folder::Passing(_) => None,
        }
    }

    fn forget(&self, blob: &Blob) -> bool {
        fs::remove_file(self.place(&blob.digest)).is_ok()
    }
}

/// Writes down what it hands through. A disk that is full keeps nothing, and stops nothing.
struct Keeping<R> {
    bytes: Verified<R>,
    /// In bytes.
    left: u64,
    part: Option<NamedTempFile>,
    place: PathBuf,
}

impl<R: Read> Read for Keeping<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(into)?;
        self.left = self.left.saturating_sub(read as u64);
        if let Some(part) = &mut self.part
            && part
                .write_all(into.get(..read).unwrap_or_default())
                .is_err()
        {
            self.part = None;
        }
        // It is whole, and was held against its digest with the last byte.
        if self.left == 0
            && let Some(part) = self.part.take()
        {
            let _ = part.persist(&self.place);
        }
        Ok(read)
    }
}
