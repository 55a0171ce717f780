//! Archives of images, written from front to back: a layout of OCI in one file, or what `docker load` reads (moby, image/tarexport).

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek as _, SeekFrom, Write};
use std::path::Path;

use serde_json::json;
use tar::{EntryType, Header};

use super::json::Object;
use super::layout;
use super::{Plan, Unwritten};
use crate::image::{Blob, Digest, path_of, unpacked};

/// Archives are made of blocks of so many bytes.
const BLOCK: u64 = 512;

/// Writes a layout of OCI.
///
/// # Errors
/// Where a blob is missing or damaged, or there is no room.
pub(super) fn layout(
    plan: &Plan<'_>,
    tag: Option<&str>,
    to: &Path,
    step: &dyn Fn(),
) -> Result<(), Unwritten> {
    let index = layout::index(None, &plan.tree.root, tag)?;
    let mut archive = Archive::new(to, plan.epoch)?;
    archive.folder("blobs/")?;
    let mut folder = String::new();
    for blob in plan.blobs() {
        let own = format!("blobs/{}/", blob.digest.parts().0);
        if own != folder {
            archive.folder(&own)?;
            folder = own;
        }
        let path = path_of(&blob.digest);
        archive.file(&path, &mut plan.open(&blob)?)?;
        step();
    }
    archive.file("index.json", &mut index.as_bytes())?;
    archive.file(layout::MARK.0, &mut layout::MARK.1.as_bytes())?;
    Ok(archive.finish()?)
}

/// Writes what `docker load` reads. Layers are not compressed there: they bear the names of what they unpack to.
///
/// # Errors
/// Where a blob is missing or damaged, there is no room, or there are several images.
pub(super) fn docker(
    plan: &Plan<'_>,
    name: Option<&str>,
    to: &Path,
    step: &dyn Fn(),
) -> Result<(), Unwritten> {
    let text = |blob: &Blob| -> Result<String, Unwritten> {
        let mut text = String::new();
        plan.open(blob)?.read_to_string(&mut text)?;
        Ok(text)
    };
    let manifest = Object::read(&text(&plan.tree.root.blob)?)?;
    let Some(config) = manifest.get("config") else {
        return Err(Unwritten::Several);
    };
    let config: Blob = serde_json::from_str(config)?;
    let told = text(&config)?;
    let blobs: Vec<Blob> = serde_json::from_str(manifest.get("layers").unwrap_or("[]"))?;
    let rootfs = Object::read(&told)?.object("rootfs")?;
    let ids: Vec<Digest> = serde_json::from_str(rootfs.get("diff_ids").unwrap_or("[]"))?;
    let mut archive = Archive::new(to, plan.epoch)?;
    let config = format!("{}.json", config.digest.parts().1);
    archive.file(&config, &mut told.as_bytes())?;
    let mut layers: Vec<String> = Vec::new();
    for (blob, id) in blobs.iter().zip(&ids) {
        let path = format!("{}.tar", id.parts().1);
        if !layers.contains(&path) {
            archive.member(&path, |mut out| {
                unpacked(plan.open(blob)?, blob.size, id, &mut out)
            })?;
        }
        layers.push(path);
        step();
    }
    let tags: Option<Vec<&str>> = name.map(|name| vec![name]);
    let list = json!([{"Config": config, "RepoTags": tags, "Layers": layers}]);
    archive.file("manifest.json", &mut list.to_string().as_bytes())?;
    Ok(archive.finish()?)
}

/// An archive as it is written: the size of a file is known behind it.
struct Archive {
    out: BufWriter<File>,
    time: u64,
}

impl Archive {
    fn new(path: &Path, epoch: Option<u64>) -> io::Result<Self> {
        let file = File::create_new(path)?;
        Ok(Self {
            out: BufWriter::with_capacity(1 << 16, file),
            time: epoch.unwrap_or(0),
        })
    }

    fn header(&self, path: &str, kind: EntryType, size: u64) -> io::Result<Header> {
        let mut header = Header::new_gnu();
        header.set_path(path)?;
        header.set_entry_type(kind);
        header.set_mode(if kind == EntryType::Directory {
            0o755
        } else {
            0o644
        });
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.time);
        header.set_size(size);
        header.set_cksum();
        Ok(header)
    }

    fn folder(&mut self, path: &str) -> io::Result<()> {
        let header = self.header(path, EntryType::Directory, 0)?;
        self.out.write_all(header.as_bytes())
    }

    fn file(&mut self, path: &str, bytes: &mut dyn Read) -> io::Result<()> {
        self.member(path, |out| io::copy(bytes, out))
    }

    /// A file whose bytes are written before it is known how many they are.
    fn member(
        &mut self,
        path: &str,
        write: impl FnOnce(&mut BufWriter<File>) -> io::Result<u64>,
    ) -> io::Result<()> {
        let begin = self.out.stream_position()?;
        self.out.write_all(&[0; BLOCK as usize])?;
        let size = write(&mut self.out)?;
        let padding = size.wrapping_neg() % BLOCK;
        io::copy(&mut io::repeat(0).take(padding), &mut self.out)?;
        let end = self.out.stream_position()?;
        let header = self.header(path, EntryType::Regular, size)?;
        self.out.seek(SeekFrom::Start(begin))?;
        self.out.write_all(header.as_bytes())?;
        self.out.seek(SeekFrom::Start(end))?;
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        self.out.write_all(&[0; 2 * BLOCK as usize])?;
        let file = self
            .out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.sync_all()
    }
}
