//! An image as it is stored, byte for byte: for those who write it again.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::json;

use super::digest::{Digest, Verified};
use super::layer::{self, Unpacked};
use super::manifest::{Image, Layer};
use super::store::{self, Blob, Root, Store, small, verified};
use super::{Found, Refused};

/// What is written of an image that has no manifest of its own.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// All blobs behind a reference. What `docker save` wrote has names in place of digests: here it has a manifest like any other.
pub(crate) struct Source<'a> {
    store: &'a dyn Store,
    pub(crate) root: Blob,
    /// What `docker save` did not write: the manifest.
    made: BTreeMap<Digest, Vec<u8>>,
    /// The names of files, by what they hold.
    files: BTreeMap<Digest, String>,
    /// The layers of its images: whoever read these has held them against their digests.
    layers: BTreeSet<&'a Blob>,
}

/// A manifest and the configuration that it names, as they are written.
pub(crate) struct Texts {
    pub(crate) manifest: String,
    pub(crate) config: String,
}

impl Found {
    /// The bytes behind it.
    ///
    /// # Errors
    /// Where something is missing or damaged.
    pub(crate) fn source(&self) -> Result<Source<'_>, Refused> {
        let store = self.store.as_ref();
        let layers = self.images.images.iter().flat_map(|image| &image.layers);
        let layers = layers.filter_map(|layer| match layer {
            Layer::Blob(blob) => Some(blob),
            Layer::File { .. } => None,
        });
        match &self.root {
            Root::Blob(blob) => Ok(Source {
                store,
                root: blob.clone(),
                made: BTreeMap::new(),
                files: BTreeMap::new(),
                layers: layers.collect(),
            }),
            Root::Saved { config, .. } => saved(store, config, self.images.images.first()),
        }
    }
}

/// The manifest of an image that `docker save` wrote. One for a platform that nobody wants has none.
fn saved<'a>(
    store: &'a dyn Store,
    config: &str,
    image: Option<&Image>,
) -> Result<Source<'a>, Refused> {
    let wrong = |name: &str, error: io::Error| Refused::new(format!("{name}: {error}"));
    let (mut reader, _) = store.file(config).map_err(|error| wrong(config, error))?;
    let blob = Blob::of(&small(&mut reader, config)?);
    let mut files = BTreeMap::from([(blob.digest.clone(), config.to_owned())]);
    let mut layers = Vec::new();
    for layer in image.into_iter().flat_map(|image| &image.layers) {
        let Layer::File { name, unpacked } = layer else {
            continue;
        };
        let (kind, digest, size) =
            described(store, name, unpacked).map_err(|error| wrong(name, error))?;
        layers.push(json!({"mediaType": kind, "digest": digest.to_string(), "size": size}));
        files.insert(digest, name.clone());
    }
    let config = json!({
        "mediaType": CONFIG, "digest": blob.digest.to_string(), "size": blob.size,
    });
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers,
    });
    let manifest = manifest.to_string().into_bytes();
    let root = Blob::of(&manifest);
    Ok(Source {
        store,
        made: BTreeMap::from([(root.digest.clone(), manifest)]),
        root,
        files,
        layers: BTreeSet::new(),
    })
}

/// The type, digest and size of a layer as it was saved: nearly always it is not compressed, and then its digest is known.
fn described(
    store: &dyn Store,
    name: &str,
    unpacked: &Digest,
) -> io::Result<(String, Digest, u64)> {
    let (reader, size) = store.file(name)?;
    let mut reader = BufReader::new(reader);
    let packing = match reader.fill_buf()? {
        [0x1f, 0x8b, ..] => "+gzip",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "+zstd",
        _ => return Ok((LAYER.to_owned(), unpacked.clone(), size)),
    };
    let (digest, size) = Digest::of_all(reader)?;
    Ok((format!("{LAYER}{packing}"), digest, size))
}

impl Source<'_> {
    /// What names the manifest of an image.
    pub(crate) fn digest<'i>(&'i self, image: &'i Image) -> &'i Digest {
        image.digest.as_ref().unwrap_or(&self.root.digest)
    }

    /// What an image says of itself, byte for byte.
    ///
    /// # Errors
    /// Where it is not there, or is something else.
    pub(crate) fn texts(&self, image: &Image) -> Result<Texts, Refused> {
        #[derive(Deserialize)]
        struct Named {
            config: Blob,
        }
        let blob = match &image.digest {
            Some(digest) => Blob {
                digest: digest.clone(),
                size: image.size,
            },
            None => self.root.clone(),
        };
        let text = |bytes: Vec<u8>, digest: &Digest| {
            let text = String::from_utf8(bytes);
            text.map_err(|_| Refused::new(format!("{digest}: it is not UTF-8")))
        };
        let manifest = text(self.manifest(&blob)?, &blob.digest)?;
        let named = serde_json::from_str(&manifest);
        let Named { config } =
            named.map_err(|error| Refused::new(format!("{}: {error}", blob.digest)))?;
        let config = text(self.config(&config)?, &config.digest)?;
        Ok(Texts { manifest, config })
    }

    /// All bytes of a manifest or index.
    ///
    /// # Errors
    /// Where it is not there, is something else, or is not small.
    pub(crate) fn manifest(&self, blob: &Blob) -> Result<Vec<u8>, Refused> {
        match self.made.get(&blob.digest) {
            Some(made) => Ok(made.clone()),
            None => store::manifest(self.store, blob),
        }
    }

    /// All bytes of a configuration.
    ///
    /// # Errors
    /// Where it is not there, is something else, or is not small.
    pub(crate) fn config(&self, blob: &Blob) -> Result<Vec<u8>, Refused> {
        let Some(name) = self.files.get(&blob.digest) else {
            return store::config(self.store, blob);
        };
        let wrong = |error: io::Error| Refused::new(format!("{name}: {error}"));
        let (mut reader, _) = self.store.file(name).map_err(wrong)?;
        small(&mut reader, name)
    }

    /// Whether a manifest that an index names can be had.
    pub(crate) fn has(&self, blob: &Blob) -> bool {
        self.store.has(blob)
    }

    /// The bytes of any blob, held against its digest at their end.
    ///
    /// # Errors
    /// Where it is not there.
    pub(crate) fn open(&self, blob: &Blob) -> io::Result<Box<dyn Read + Send + '_>> {
        if let Some(made) = self.made.get(&blob.digest) {
            return Ok(Box::new(made.as_slice()));
        }
        let Some(name) = self.files.get(&blob.digest) else {
            return verified(self.store, blob);
        };
        let (reader, _) = self.store.file(name)?;
        Ok(Box::new(Verified::new(
            reader,
            &blob.digest,
            Some(blob.size),
        )))
    }

    /// The file that holds a blob and nothing else, where there is one that another folder may share, and which was read already.
    pub(crate) fn place(&self, blob: &Blob) -> Option<PathBuf> {
        self.store
            .place(blob)
            .filter(|_| self.layers.contains(blob))
    }
}

/// Writes what a layer unpacks to, however it is compressed; how many bytes that is. `size`: how many it has now. `wanted`: what it is
/// promised to come to.
///
/// # Errors
/// Where it is damaged, or unpacks to something else or to far more than a layer holds, or nobody takes it.
pub(crate) fn unpacked(
    layer: impl Read + Send,
    size: u64,
    wanted: &Digest,
    out: &mut dyn io::Write,
) -> io::Result<u64> {
    let budget = Unpacked::default();
    budget.allow(size);
    let unpacked = layer::unpacked(layer, &budget)?;
    io::copy(&mut Verified::new(unpacked, wanted, None), out)
}
