//! A layout of OCI (image-spec, image-layout.md): blobs first, the index that names them last, by one renaming.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::json::{List, Object};
use super::tree::{INDEX, Node};
use super::{Plan, Unwritten};
use crate::image::{Blob, Digest, path_of};
use crate::write::{self, WriteError};

/// What a tag stands in, in the annotations of a descriptor.
const NAME: &str = "org.opencontainers.image.ref.name";
/// What marks a folder as a layout.
pub(super) const MARK: (&str, &str) = ("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);

/// A layout that is there, or will be.
pub(super) struct Layout<'a> {
    pub(super) folder: &'a Path,
    pub(super) tag: Option<&'a str>,
    /// Its index as it was.
    pub(super) before: Option<&'a [u8]>,
}

impl Layout<'_> {
    /// Writes the images of a plan; `staging` lies in the same file system.
    pub(super) fn write(
        &self,
        plan: &Plan<'_>,
        staging: TempDir,
        step: &dyn Fn(),
    ) -> Result<(), Unwritten> {
        let index = index(self.before, &plan.tree.root, self.tag)?;
        let blobs = Blobs {
            there: self.folder,
            staging: staging.path(),
            plan,
        };
        let mut new = Vec::new();
        for (digest, bytes) in &plan.tree.made {
            new.extend(blobs.make(digest, bytes)?);
            step();
        }
        for blob in &plan.tree.kept {
            new.extend(blobs.keep(blob)?);
            step();
        }
        if self.folder.is_dir() {
            return self.join(&index, staging.path(), &new);
        }
        write_new(&staging.path().join(MARK.0), MARK.1.as_bytes())?;
        write_new(&staging.path().join("index.json"), index.as_bytes())?;
        fs::rename(staging.path(), self.folder)?;
        // It has another name now.
        let _ = staging.keep();
        Ok(())
    }

    /// Brings new blobs into the folder, and the index that names them. Where that fails, they go again.
    fn join(&self, index: &str, staging: &Path, new: &[String]) -> Result<(), Unwritten> {
        let mut moved = Vec::new();
        let done = self.moved(index, staging, new, &mut moved);
        if done.is_err() {
            for path in moved {
                let _ = fs::remove_file(path);
            }
        }
        done
    }

    fn moved(
        &self,
        index: &str,
        staging: &Path,
        new: &[String],
        moved: &mut Vec<PathBuf>,
    ) -> Result<(), Unwritten> {
        for path in new {
            let to = self.folder.join(path);
            if let Some(above) = to.parent() {
                fs::create_dir_all(above)?;
            }
            let was_there = to.exists();
            fs::rename(staging.join(path), &to)?;
            if !was_there {
                moved.push(to);
            }
        }
        let mark = self.folder.join(MARK.0);
        if !mark.exists() {
            write::create(&mark, MARK.1.as_bytes())?;
        }
        let path = self.folder.join("index.json");
        match self.before {
            Some(before) if fs::read(&path)? != before => return Err(WriteError::Changed.into()),
            // Never in place: a copy of the layout may share the file by a hard link.
            Some(_) => write::whole(&path, index.as_bytes())?,
            None => write::create(&path, index.as_bytes())?,
        }
        Ok(())
    }
}

/// The index with the image under its tag: one that had it has it no more.
pub(super) fn index(
    before: Option<&[u8]>,
    root: &Node,
    tag: Option<&str>,
) -> Result<String, Unwritten> {
    let before = before.map_or_else(
        || format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[]}}"#),
        |bytes| String::from_utf8_lossy(bytes).into_owned(),
    );
    let mut index = Object::read(&before)?;
    let mut list = index.list("manifests")?;
    let mut named = Object::default();
    named.set_text("mediaType", &root.kind);
    named.set_text("digest", &root.blob.digest.to_string());
    named.set("size", root.blob.size);
    if let Some(tag) = tag {
        let mut annotations = Object::default();
        annotations.set_text(NAME, tag);
        named.set("annotations", annotations);
    }
    let place = place(&list, tag)?;
    match place.and_then(|at| list.0.get_mut(at)) {
        Some(old) => *old = named.to_string(),
        None => list.0.push(named.to_string()),
    }
    index.set("manifests", list);
    Ok(index.to_string())
}

/// Which image of a list has the tag, or is the only one and has none.
fn place(list: &List, tag: Option<&str>) -> Result<Option<usize>, Unwritten> {
    let mut tags = Vec::new();
    for one in &list.0 {
        tags.push(Object::read(one)?.object("annotations")?.text(NAME));
    }
    match (tag, tags.as_slice()) {
        (None, []) => Ok(None),
        (None, [None]) => Ok(Some(0)),
        (None, _) => Err(Unwritten::Unnamed),
        (Some(_), tags) => Ok(tags.iter().position(|own| own.as_deref() == tag)),
    }
}

/// Brings blobs into a folder.
struct Blobs<'a> {
    /// Where they may be already.
    there: &'a Path,
    staging: &'a Path,
    plan: &'a Plan<'a>,
}

impl Blobs<'_> {
    /// Writes a new one. Its path, where it was not there.
    fn make(&self, digest: &Digest, bytes: &[u8]) -> io::Result<Option<String>> {
        let blob = Blob {
            digest: digest.clone(),
            size: bytes.len() as u64,
        };
        if self.is_there(&blob) {
            return Ok(None);
        }
        let (path, to) = self.path(digest)?;
        write_new(&to, bytes)?;
        Ok(Some(path))
    }

    /// Shares the file of one that is stored, or copies it. Its path, where it was not there.
    fn keep(&self, blob: &Blob) -> io::Result<Option<String>> {
        if self.is_there(blob) {
            return Ok(None);
        }
        let (path, to) = self.path(&blob.digest)?;
        let place = self.plan.source.place(blob);
        if place.is_some_and(|place| fs::hard_link(place, &to).is_ok()) {
            return Ok(Some(path));
        }
        let mut file = new(&to)?;
        io::copy(&mut self.plan.open(blob)?, &mut file)?;
        file.sync_all()?;
        Ok(Some(path))
    }

    /// Whether the folder has it, whole and undamaged.
    fn is_there(&self, blob: &Blob) -> bool {
        let path = self.there.join(path_of(&blob.digest));
        let same = || {
            Some(
                fs::canonicalize(self.plan.source.place(blob)?).ok()?
                    == fs::canonicalize(&path).ok()?,
            )
        };
        if same() == Some(true) {
            return true;
        }
        let (algorithm, _) = blob.digest.parts();
        let size =
            fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file() && meta.len() == blob.size);
        // Of others than the usual ones it is not looked at: they are written anew.
        let sums_up = || {
            let file = fs::File::open(&path)?;
            Digest::of_all(file).map(|(digest, _)| digest == blob.digest)
        };
        algorithm == "sha256" && size && sums_up().unwrap_or(false)
    }

    fn path(&self, digest: &Digest) -> io::Result<(String, PathBuf)> {
        let path = path_of(digest);
        let to = self.staging.join(&path);
        if let Some(above) = to.parent() {
            fs::create_dir_all(above)?;
        }
        Ok((path, to))
    }
}

fn new(path: &Path) -> io::Result<fs::File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Writes a file that is on the disk when others are told of it.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(text: &str) -> Node {
        Node {
            kind: "k".into(),
            blob: Blob::of(text.as_bytes()),
        }
    }

    #[test]
    fn a_tag_names_one_image() {
        let first = index(None, &root("a"), Some("1")).unwrap();
        let both = index(Some(first.as_bytes()), &root("b"), Some("2")).unwrap();
        let again = index(Some(both.as_bytes()), &root("c"), Some("1")).unwrap();
        let tagged = |text: &str, tag: &str| {
            let digest = Blob::of(text.as_bytes()).digest;
            format!(
                r#"{{"mediaType":"k","digest":"{digest}","size":1,"annotations":{{"{NAME}":"{tag}"}}}}"#
            )
        };
        let wanted = format!(
            r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{},{}]}}"#,
            tagged("c", "1"),
            tagged("b", "2")
        );
        assert_eq!(again, wanted);
        assert!(matches!(
            index(Some(again.as_bytes()), &root("d"), None),
            Err(Unwritten::Unnamed)
        ));
        let alone = index(None, &root("a"), None).unwrap();
        assert_eq!(
            index(Some(alone.as_bytes()), &root("a"), None).unwrap(),
            alone
        );
    }
}
