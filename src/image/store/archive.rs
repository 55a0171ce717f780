//! An archive of tar as a store: where each of its files begins is noted once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::{Refused, plain};
use crate::image::entries::{Entries, Kind};
use crate::text::paths::normal;

/// So many files are noted: an image has some hundreds.
const MOST: usize = 1 << 16;
/// How often a link leads on to another.
const HOPS: usize = 8;

/// An archive.
pub(super) struct Archive {
    path: PathBuf,
    members: BTreeMap<String, Member>,
}

#[derive(Clone, Debug)]
enum Member {
    /// Where it begins and how long it is, in bytes.
    File(u64, u64),
    Link(String),
}

impl Archive {
    /// Notes what is in it.
    pub(super) fn open(path: &Path) -> Result<Self, Refused> {
        let wrong = |why: String| Refused::new(format!("{}: {why}", path.display()));
        let (file, length) = plain(path).map_err(|error| wrong(error.to_string()))?;
        let mut reader = BufReader::new(file);
        if is_compressed(&mut reader).map_err(|error| wrong(error.to_string()))? {
            return Err(wrong(
                "it is compressed: decompress it first (`gunzip`, `zstd -d`), so that its parts can be found".into(),
            ));
        }
        let mut members = BTreeMap::new();
        let mut entries = Entries::skipping(reader);
        while let Some(entry) = entries.next().map_err(|error| wrong(error.to_string()))? {
            let member = match entry.kind {
                Kind::File if entry.begins.saturating_add(entry.size) > length => {
                    return Err(wrong(format!(
                        "it ends within `{}`: it was cut",
                        entry.path
                    )));
                }
                Kind::File => Member::File(entry.begins, entry.size),
                Kind::Symlink(target) => {
                    let folder = entry.path.rsplit_once('/').map_or("", |(folder, _)| folder);
                    Member::Link(format!("{folder}/{target}"))
                }
                Kind::Hardlink(target) => Member::Link(target),
                _ => continue,
            };
            members.insert(entry.path, member);
            if members.len() > MOST {
                return Err(wrong(
                    "it has too many files for an archive of images".into(),
                ));
            }
        }
        let path = path.to_owned();
        Ok(Self { path, members })
    }

    /// A file of it, and its size in bytes.
    pub(super) fn file(&self, name: &str) -> io::Result<(Box<dyn Read + Send>, u64)> {
        let mut name = normal(&format!("/{name}"));
        for _ in 0..HOPS {
            match self.members.get(name.trim_start_matches('/')) {
                Some(Member::File(begins, size)) => {
                    let mut file = File::open(&self.path)?;
                    file.seek(SeekFrom::Start(*begins))?;
                    return Ok((Box::new(BufReader::new(file).take(*size)), *size));
                }
                Some(Member::Link(target)) => name = normal(&format!("/{target}")),
                None => break,
            }
        }
        let why = format!("`{}` is not there", name.trim_start_matches('/'));
        Err(io::Error::new(io::ErrorKind::NotFound, why))
    }

    /// Where it is, for people.
    pub(super) fn shown(&self) -> String {
        self.path.display().to_string()
    }
}

/// Whether it begins as gzip, zstd, bzip2 or xz do.
fn is_compressed(reader: &mut BufReader<File>) -> io::Result<bool> {
    let mut head = [0; 4];
    let read = reader.read(&mut head)?;
    reader.rewind()?;
    let head = head.get(..read).unwrap_or_default();
    let marks: [&[u8]; 4] = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zX"];
    Ok(marks.iter().any(|mark| head.starts_with(mark)))
}
