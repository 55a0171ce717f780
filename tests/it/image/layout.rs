//! Images for tests, written file by file as a layout of OCI.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// An entry of a layer.
#[derive(Clone, Copy)]
pub(super) enum Entry<'a> {
    File(&'a str, &'a [u8]),
    Folder(&'a str),
    Symlink(&'a str, &'a str),
    Hardlink(&'a str, &'a str),
    Device(&'a str),
}

/// The archive of a layer.
pub(super) fn layer(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o755);
        let (path, data, link, kind): (&str, &[u8], Option<&str>, tar::EntryType) = match entry {
            Entry::File(path, data) => (path, data, None, tar::EntryType::Regular),
            Entry::Folder(path) => (path, b"", None, tar::EntryType::Directory),
            Entry::Symlink(path, to) => (path, b"", Some(to), tar::EntryType::Symlink),
            Entry::Hardlink(path, to) => (path, b"", Some(to), tar::EntryType::Link),
            Entry::Device(path) => (path, b"", None, tar::EntryType::Block),
        };
        header.set_entry_type(kind);
        header.set_size(data.len() as u64);
        if let Some(to) = link {
            header.as_old_mut().linkname[..to.len()].copy_from_slice(to.as_bytes());
        }
        // The builder would refuse names that lead out.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        archive.append(&header, data).unwrap();
    }
    archive.into_inner().unwrap()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// The head of a library for amd64 (62) or arm64 (183): all that is read of one that needs nothing.
pub(super) fn library(machine: u8) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\0");
    (bytes[16], bytes[18], bytes[20], bytes[52]) = (3, machine, 1, 64);
    bytes
}

/// A layout in a folder.
pub(super) struct Layout {
    folder: PathBuf,
    manifests: Vec<Value>,
}

impl Layout {
    pub(super) fn at(folder: &Path) -> Self {
        fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
        fs::write(
            folder.join("oci-layout"),
            r#"{"imageLayoutVersion":"1.0.0"}"#,
        )
        .unwrap();
        Self {
            folder: folder.to_owned(),
            manifests: Vec::new(),
        }
    }

    /// Stores a blob; what names it.
    pub(super) fn blob(&self, bytes: &[u8], kind: &str) -> Value {
        let hex = hex(bytes);
        fs::write(self.folder.join("blobs/sha256").join(&hex), bytes).unwrap();
        json!({"mediaType": kind, "digest": format!("sha256:{hex}"), "size": bytes.len()})
    }

    /// Stores an image; what names its manifest.
    pub(super) fn image(&self, arch: &str, config: &Value, layers: &[Vec<u8>]) -> Value {
        let ids: Vec<String> = layers
            .iter()
            .map(|layer| format!("sha256:{}", hex(layer)))
            .collect();
        let config = json!({
            "architecture": arch, "os": "linux", "config": config,
            "rootfs": {"type": "layers", "diff_ids": ids},
        });
        let layers: Vec<Value> = layers
            .iter()
            .map(|layer| self.blob(layer, "application/vnd.oci.image.layer.v1.tar"))
            .collect();
        let config = self.blob(
            config.to_string().as_bytes(),
            "application/vnd.oci.image.config.v1+json",
        );
        self.manifest(&json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers,
        }))
    }

    pub(super) fn manifest(&self, manifest: &Value) -> Value {
        self.blob(manifest.to_string().as_bytes(), MANIFEST)
    }

    /// Names a manifest or an index.
    pub(super) fn tag(&mut self, mut descriptor: Value, tag: &str) {
        descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        self.manifests.push(descriptor);
        let index = json!({"schemaVersion": 2, "manifests": self.manifests});
        fs::write(self.folder.join("index.json"), index.to_string()).unwrap();
    }
}

pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

pub(super) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A folder as an archive.
pub(super) fn packed(folder: &Path) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_dir_all(".", folder).unwrap();
    archive.into_inner().unwrap()
}
