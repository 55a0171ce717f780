//! A package of Debian: an archive of `ar`, and in it two of tar, what it says and what it brings (deb(5)).

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;

use super::layer::File;
use crate::facts::{self, Family};
use crate::text::paths;

/// Neither part of a package with a library unpacks to more, in bytes, and no file of it that matters is larger.
const UNPACKED: u64 = 256 << 20;
const LARGEST: u64 = 48 << 20;
/// The memory that xz may ask for, in KiB: at its highest level it takes half of that.
const MEMORY: u32 = 128 << 10;
/// So many files has no such package.
const FILES: usize = 1 << 16;

/// A package that brings a library of jemalloc, as far as it is installed.
#[derive(Clone, Debug)]
pub(super) struct Package {
    /// What it says of itself: one paragraph.
    pub(super) control: String,
    /// The sums of its files, a line each.
    pub(super) sums: String,
    pub(super) library: File,
    pub(super) copyright: Option<File>,
}

impl Package {
    /// Reads one.
    ///
    /// # Errors
    /// Where it is none, is damaged, or brings no jemalloc.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let members = members(bytes).ok_or("it is no package of Debian")?;
        let part = |name: &str| {
            let mut members = members.iter();
            let (full, bytes) = members.find(|(full, _)| full.starts_with(name))?;
            Some(unpacked(full.get(name.len()..)?, bytes))
        };
        let damaged = |error: io::Error| format!("it is damaged: {error}");
        let control = part("control.tar").ok_or("it has no control.tar")?;
        let said = files(control.map_err(damaged)?, |path| {
            matches!(path, "control" | "md5sums")
        });
        let said = said.map_err(damaged)?;
        let text = |name: &str| {
            let file = said.iter().find(|file| file.path == name)?;
            Some(String::from_utf8_lossy(&file.bytes).trim_end().to_owned())
        };
        let data = part("data.tar").ok_or("it has no data.tar")?;
        let brought = files(data.map_err(damaged)?, |path| {
            is_library(path) || path.ends_with("/copyright")
        });
        let brought = brought.map_err(damaged)?;
        let package = Self {
            control: text("control").ok_or("it has no control file")?,
            sums: text("md5sums").unwrap_or_default(),
            library: brought
                .iter()
                .find(|file| is_library(&file.path))
                .cloned()
                .ok_or("it brings no library of jemalloc: `libjemalloc2` does")?,
            copyright: None,
        };
        let name = package.field("Package").ok_or("it has no name")?;
        // The name becomes part of paths.
        let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b);
        if name.is_empty() || !name.bytes().all(known) || name.starts_with('.') {
            return Err(format!("`{name}` is no name of a package"));
        }
        let place = format!("usr/share/doc/{name}/copyright");
        let copyright = brought.into_iter().find(|file| file.path == place);
        Ok(Self {
            copyright,
            ..package
        })
    }

    /// The value of a field that has one line.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        field(&self.control, name)
    }
}

/// The value of a field of a paragraph, its first line. Case does not matter in names (Debian Policy, 5.1).
pub(super) fn field<'t>(paragraph: &'t str, name: &str) -> Option<&'t str> {
    let mut lines = paragraph.lines();
    lines.find_map(|line| {
        let (own, value) = line.split_once(':')?;
        own.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn is_library(path: &str) -> bool {
    let name = paths::file_name(path);
    name.contains(".so.") && facts::family_of_library(name) == Some(Family::Jemalloc)
}

/// The members of an archive of `ar`, by their names.
fn members(bytes: &[u8]) -> Option<Vec<(&str, &[u8])>> {
    const HEAD: usize = 60;
    let mut rest = bytes.strip_prefix(b"!<arch>\n")?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (head, behind) = rest.split_at_checked(HEAD)?;
        if !head.ends_with(b"`\n") {
            return None;
        }
        let text = |from: usize, to: usize| str::from_utf8(head.get(from..to)?).ok();
        let name = text(0, 16)?.trim_end().trim_end_matches('/');
        let size: usize = text(48, 58)?.trim().parse().ok()?;
        let (data, behind) = behind.split_at_checked(size)?;
        found.push((name, data));
        // Each begins at an even place.
        rest = behind.get(size % 2..).unwrap_or_default();
    }
    let (first, _) = found.first()?;
    (*first == "debian-binary").then_some(found)
}

/// The archive inside a member, by the ending of its name.
fn unpacked<'a>(ending: &str, bytes: &'a [u8]) -> io::Result<Box<dyn Read + 'a>> {
    let wrong = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    let inner: Box<dyn Read + 'a> = match ending {
        "" => Box::new(bytes),
        ".gz" => Box::new(MultiGzDecoder::new(bytes)),
        ".xz" => Box::new(XzReader::new_mem_limit(bytes, true, MEMORY)),
        ".zst" => Box::new(StreamingDecoder::new(bytes).map_err(|error| wrong(error.to_string()))?),
        other => {
            return Err(wrong(format!(
                "it is compressed in a way that is not read (`{other}`)"
            )));
        }
    };
    Ok(Box::new(inner.take(UNPACKED)))
}

/// The plain files of an archive that are wanted, by their paths from the top.
fn files(archive: impl Read, wanted: impl Fn(&str) -> bool) -> io::Result<Vec<File>> {
    let mut found = Vec::new();
    let mut archive = tar::Archive::new(archive);
    for entry in archive.entries()?.take(FILES) {
        let mut entry = entry?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let path = path.trim_start_matches("./").to_owned();
        let is_plain = entry.header().entry_type().is_file();
        let leads_out = path.split('/').any(|part| matches!(part, "" | "." | ".."));
        if !is_plain || leads_out || !wanted(&path) || entry.size() > LARGEST {
            continue;
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        found.push(File { path, bytes });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `hello`, as xz packs it.
    const XZ: &[u8] = b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46\x02\0\x21\x01\x1c\0\0\0\x10\xcf\x58\xcc\x01\0\x04hello\0\0\0\0\xb1\x37\xb9\xdb\xe5\xda\x1e\x9b\0\x01\x1d\x05\xb8\x2d\x80\xaf\x1f\xb6\xf3\x7d\x01\0\0\0\0\x04YZ";

    #[test]
    fn members_are_unpacked_as_debian_packs_them() {
        let all = |ending: &str, bytes: &[u8]| {
            let mut found = Vec::new();
            unpacked(ending, bytes)?.read_to_end(&mut found)?;
            io::Result::Ok(found)
        };
        assert_eq!(all(".xz", XZ).unwrap(), b"hello");
        let mut damaged = XZ.to_vec();
        damaged[30] ^= 1;
        assert!(all(".xz", &damaged).is_err());
        assert!(all(".xz", &XZ[..40]).is_err());
        assert!(
            all(".bz2", b"x")
                .unwrap_err()
                .to_string()
                .contains("`.bz2`")
        );
    }

    #[test]
    fn an_archive_of_ar_is_read_to_its_end() {
        let member =
            |name: &str, data: &str| format!("{name:<16}{:<32}{:<10}`\n{data}", 0, data.len());
        let whole = format!(
            "!<arch>\n{}\n{}",
            member("debian-binary", "2.0"),
            member("a/", "xy")
        );
        let found = members(whole.as_bytes()).unwrap();
        assert_eq!(found, [("debian-binary", &b"2.0"[..]), ("a", b"xy")]);
        for cut in [whole.len() - 1, 30, 7] {
            assert_eq!(members(&whole.as_bytes()[..cut]), None);
        }
        assert_eq!(
            members(format!("!<arch>\n{}", member("a", "xy")).as_bytes()),
            None
        );
    }
}
