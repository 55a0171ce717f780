//! The layout of OCI: `index.json` and blobs by their digests (image-spec, image-layout.md), as a folder or in an archive.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::archive::Archive;
use super::{Blob, Refused, Root, Store, path_of, plain, sized, small};
use crate::image::digest::Digest;

/// What a tag stands in, in the annotations of a descriptor.
const NAME: &str = "org.opencontainers.image.ref.name";

/// A layout as a folder.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self, Refused> {
        // What `--cache` keeps has no index: its images are called by their digests.
        if path.join("index.json").is_file() || path.join("blobs").is_dir() {
            return Ok(Self(path.to_owned()));
        }
        let shown = path.display();
        Err(Refused::new(if path.exists() {
            format!("{shown}: it has no index.json, so it is not an OCI layout")
        } else {
            format!("{shown}: there is no such folder")
        }))
    }
}

impl Folder {
    fn file(&self, path: &str) -> io::Result<(Box<dyn Read + Send>, u64)> {
        let (file, size) = plain(&self.0.join(path))?;
        Ok((Box::new(BufReader::new(file)), size))
    }
}

impl Store for Folder {
    fn root(&self, name: Option<&str>) -> Result<Root, Refused> {
        let shown = self.0.display().to_string();
        // What a blob leads to is held against its digest; this is held against nothing.
        if self.0.join("index.json").is_symlink() {
            return Err(Refused::new(format!(
                "{shown}: its index.json is a link, which is not followed"
            )));
        }
        if let Some(digest) = name.and_then(Digest::parse) {
            let size = self.file(&path_of(&digest)).ok().map(|(_, size)| size);
            return by_digest(&shown, digest, size);
        }
        root(&shown, self.file("index.json"), name)
    }

    fn blob(&self, blob: &Blob) -> io::Result<Box<dyn Read + Send + '_>> {
        sized(blob, self.file(&path_of(&blob.digest))?)
    }

    fn has(&self, blob: &Blob) -> bool {
        self.file(&path_of(&blob.digest)).is_ok()
    }

    fn place(&self, blob: &Blob) -> Option<PathBuf> {
        let path = self.0.join(path_of(&blob.digest));
        // What a link leads to may become something else.
        let is_file = std::fs::symlink_metadata(&path).ok()?.is_file();
        is_file.then_some(path)
    }
}

/// A layout in an archive.
pub(super) struct Packed(pub(super) Archive);

impl Store for Packed {
    fn root(&self, name: Option<&str>) -> Result<Root, Refused> {
        let shown = self.0.shown();
        if let Some(digest) = name.and_then(Digest::parse) {
            let size = self.0.file(&path_of(&digest)).ok().map(|(_, size)| size);
            return by_digest(&shown, digest, size);
        }
        root(&shown, self.0.file("index.json"), name)
    }

    fn blob(&self, blob: &Blob) -> io::Result<Box<dyn Read + Send + '_>> {
        sized(blob, self.0.file(&path_of(&blob.digest))?)
    }

    fn has(&self, blob: &Blob) -> bool {
        self.0.file(&path_of(&blob.digest)).is_ok()
    }
}

fn by_digest(shown: &str, digest: Digest, size: Option<u64>) -> Result<Root, Refused> {
    let none = || Refused::new(format!("{shown}: no image there has the digest {digest}"));
    let size = size.ok_or_else(none)?;
    Ok(Root::Blob(Blob { digest, size }))
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(flatten)]
    blob: Blob,
    #[serde(default)]
    annotations: Option<std::collections::BTreeMap<String, String>>,
}

impl Entry {
    fn tag(&self) -> Option<&String> {
        self.annotations.as_ref()?.get(NAME)
    }
}

fn root(
    shown: &str,
    index: io::Result<(Box<dyn Read + Send>, u64)>,
    name: Option<&str>,
) -> Result<Root, Refused> {
    let (mut reader, _) = index.map_err(|_| {
        Refused::new(format!(
            "{shown}: it has no index.json, so it is not an OCI layout"
        ))
    })?;
    let bytes = small(&mut reader, "index.json")?;
    let index: Index = serde_json::from_slice(&bytes)
        .map_err(|error| Refused::new(format!("{shown}: index.json: {error}")))?;
    let named = |entry: &&Entry| entry.tag().map(String::as_str) == name;
    let found = match name {
        Some(_) => index.manifests.iter().find(named),
        None if index.manifests.len() == 1 => index.manifests.first(),
        None => None,
    };
    found
        .map(|entry| Root::Blob(entry.blob.clone()))
        .ok_or_else(|| {
            let tags = index.manifests.iter().filter_map(Entry::tag);
            let tags: Vec<String> = tags.map(|tag| format!("`{tag}`")).collect();
            let what = match name {
                Some(name) => format!("no image there has the tag `{name}`"),
                None if index.manifests.is_empty() => "no image is there".to_owned(),
                None => format!(
                    "{} images are there: name one by its tag",
                    index.manifests.len()
                ),
            };
            let tags = match tags.is_empty() {
                true => "none has a tag".to_owned(),
                false => format!("tags: {}", tags.join(", ")),
            };
            Refused::new(format!("{shown}: {what} ({tags})"))
        })
}
