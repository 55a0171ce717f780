//! The new layer: the same files give the same bytes, on any machine.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};

use flate2::{Compression, GzBuilder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use tar::{EntryType, Header};

use crate::image::{Added, Blob, Digest};

/// A file of the layer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct File {
    /// Without a `/` in front.
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
}

/// How layers of an image are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

/// A layer, in memory: it holds a library.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) files: Vec<File>,
    /// The archive as it is read, and what it comes to.
    pub(crate) archive: Vec<u8>,
    pub(crate) unpacked: Digest,
    /// The same as it is stored.
    pub(crate) stored: Vec<u8>,
    pub(crate) blob: Blob,
    /// The type as which a manifest names it.
    pub(crate) kind: String,
}

/// The kinds of layer where there is none to be like.
const USUAL: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const DOCKERS: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

impl Layer {
    /// The layer of some files, and the folders that they need and that are not there below. `like`: the type of the layer below it.
    /// `time`: when all of it was made, in seconds since 1970.
    ///
    /// # Errors
    /// Where a path is longer than an archive holds.
    pub(super) fn of(
        mut files: Vec<File>,
        folders: &BTreeSet<String>,
        like: Option<&str>,
        time: u64,
    ) -> io::Result<Self> {
        files.sort();
        let kind = kind(like);
        let archive = archive(&files, folders, time)?;
        let stored = match packing(&kind) {
            Packing::None => archive.clone(),
            Packing::Gzip => gzip(&archive)?,
            Packing::Zstd => compress_to_vec(archive.as_slice(), CompressionLevel::Fastest),
        };
        Ok(Self {
            unpacked: Digest::of(&archive),
            blob: Blob::of(&stored),
            files,
            archive,
            stored,
            kind,
        })
    }
}

impl Layer {
    /// What is read of it before it is stored.
    pub(super) fn added(&self) -> Added<'_> {
        Added {
            blob: &self.blob,
            archive: &self.archive,
        }
    }
}

/// The type of a layer that is like another: one that must not be given away has no like.
fn kind(like: Option<&str>) -> String {
    let like = like.unwrap_or(USUAL);
    let known = [
        "application/vnd.oci.image.layer.v1.tar",
        USUAL,
        "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.docker.image.rootfs.diff.tar",
        DOCKERS,
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
    ];
    match known.contains(&like) {
        true => like.to_owned(),
        false if like.contains("docker") => DOCKERS.to_owned(),
        false => USUAL.to_owned(),
    }
}

fn packing(kind: &str) -> Packing {
    match kind {
        _ if kind.ends_with("gzip") => Packing::Gzip,
        _ if kind.ends_with("zstd") => Packing::Zstd,
        _ => Packing::None,
    }
}

/// All that differs from one machine to the next is left out: who owns the files, when they were written, where.
fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    /// The number of a system that is not known (RFC 1952).
    const UNKNOWN: u8 = 255;
    let builder = GzBuilder::new().mtime(0).operating_system(UNKNOWN);
    let mut encoder = builder.write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Folders that are there below keep what they are: they have no entry.
fn archive(files: &[File], folders: &BTreeSet<String>, time: u64) -> io::Result<Vec<u8>> {
    let files = files.iter().map(|file| (&file.path, Some(&file.bytes)));
    let all: BTreeMap<&String, Option<&Vec<u8>>> = folders
        .iter()
        .map(|path| (path, None))
        .chain(files)
        .collect();
    let mut archive = tar::Builder::new(Vec::new());
    for (path, file) in all {
        let bytes = file.map(Vec::as_slice).unwrap_or_default();
        let (kind, mode) = match file {
            Some(_) => (EntryType::Regular, 0o644),
            None => (EntryType::Directory, 0o755),
        };
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_path(path)?;
        header.set_size(bytes.len() as u64);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(time);
        header.set_cksum();
        archive.append(&header, bytes)?;
    }
    archive.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<File> {
        let file = |path: &str, bytes: &[u8]| File {
            path: path.into(),
            bytes: bytes.into(),
        };
        vec![file("usr/lib/b", b"two"), file("usr/lib/a", b"one")]
    }

    #[test]
    fn the_same_files_give_the_same_bytes() {
        for like in [
            None,
            Some("application/vnd.oci.image.layer.v1.tar+zstd"),
            Some("application/vnd.docker.image.rootfs.diff.tar.gzip"),
        ] {
            let first = Layer::of(files(), &BTreeSet::new(), like, 7).unwrap();
            let mut turned = files();
            turned.reverse();
            let second = Layer::of(turned, &BTreeSet::new(), like, 7).unwrap();
            assert_eq!(first.stored, second.stored);
            assert_eq!(first.kind, like.unwrap_or(USUAL));
            let mut back = Vec::new();
            let size = first.stored.len() as u64;
            crate::image::unpacked(first.stored.as_slice(), size, &first.unpacked, &mut back)
                .unwrap();
            assert_eq!(back, first.archive);
        }
    }

    #[test]
    fn a_layer_is_like_the_one_below_it() {
        let plain = "application/vnd.oci.image.layer.v1.tar";
        let layer = Layer::of(files(), &BTreeSet::new(), Some(plain), 0).unwrap();
        assert_eq!(layer.stored, layer.archive);
        let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
        assert_eq!(
            Layer::of(files(), &BTreeSet::new(), Some(foreign), 0)
                .unwrap()
                .kind,
            DOCKERS
        );
        assert_eq!(
            Layer::of(files(), &BTreeSet::new(), Some("x/y"), 0)
                .unwrap()
                .kind,
            USUAL
        );
    }
}
