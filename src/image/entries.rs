//! The entries of an archive of tar, one after the other: nothing is unpacked, and nothing that it says is believed without a limit.

use std::borrow::Cow;
use std::io::{self, Read, Seek, SeekFrom};

use tar::{EntryType, Header, PaxExtensions};

/// Archives are made of blocks of so many bytes.
const BLOCK: usize = 512;
/// What describes an entry beside its header has no more bytes.
const LONGEST: u64 = 1 << 20;
/// No path is longer (PATH_MAX on Linux).
const PATH: usize = 4096;
/// And none is deeper.
const DEEPEST: usize = 200;

/// An entry: its path has no `/` in front, no `.` and no `..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) path: String,
    pub(super) kind: Kind,
    /// In bytes; what follows in the archive.
    pub(super) size: u64,
    /// Where that begins in the archive.
    pub(super) begins: u64,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    /// To what it leads, as it stands there.
    Symlink(String),
    /// Another name of an entry that came before it, as a path of the archive.
    Hardlink(String),
    /// A device, a pipe.
    Other,
}

/// Goes through an archive.
pub(super) struct Entries<R> {
    reader: R,
    /// How many bytes were read, or skipped.
    at: u64,
    /// What is left of the entry that was given last, and what fills its block.
    data: u64,
    padding: u64,
    skip: fn(&mut R, u64) -> io::Result<()>,
}

impl<R: Read> Entries<R> {
    /// What nobody asks for is read, and thrown away.
    pub(super) fn reading(reader: R) -> Self {
        Self::with(reader, |reader, length| {
            let skipped = io::copy(&mut reader.take(length), &mut io::sink())?;
            if skipped < length { Err(cut()) } else { Ok(()) }
        })
    }

    fn with(reader: R, skip: fn(&mut R, u64) -> io::Result<()>) -> Self {
        Self {
            reader,
            at: 0,
            data: 0,
            padding: 0,
            skip,
        }
    }

    /// The next entry, until there is none.
    ///
    /// # Errors
    /// Where the archive is broken, ends too early, or says what nobody says.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        let mut said = Said::default();
        loop {
            self.pass()?;
            let Some(block) = self.block()? else {
                return Ok(None);
            };
            let header = Header::from_byte_slice(&block);
            if !sums_up(&block, header) {
                return Err(wrong("it is no archive of tar, or it is damaged"));
            }
            let size = said.size.unwrap_or(header.entry_size()?);
            self.data = size;
            self.padding = size.wrapping_neg() % BLOCK as u64;
            match header.entry_type() {
                EntryType::GNULongName => said.path = Some(self.name()?),
                EntryType::GNULongLink => said.link = Some(self.name()?),
                EntryType::XHeader => said.take(&self.text()?)?,
                EntryType::XGlobalHeader => {}
                kind => return self.entry(header, kind, said, size).map(Some),
            }
        }
    }

    fn entry(
        &mut self,
        header: &Header,
        kind: EntryType,
        said: Said,
        size: u64,
    ) -> io::Result<Entry> {
        let name = said.path.map_or_else(|| header.path_bytes(), Cow::Owned);
        let link = said
            .link
            .map(Cow::Owned)
            .or_else(|| header.link_name_bytes());
        let link = || text(link.as_deref().unwrap_or_default());
        if kind == EntryType::GNUSparse {
            self.extensions(header)?;
        }
        let bare = matches!(kind, EntryType::Char | EntryType::Block | EntryType::Fifo);
        let kind = match kind {
            EntryType::Regular if name.ends_with(b"/") => Kind::Folder,
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => Kind::File,
            EntryType::Directory => Kind::Folder,
            EntryType::Symlink => Kind::Symlink(link()?),
            EntryType::Link => Kind::Hardlink(inside(&link()?)?),
            _ => Kind::Other,
        };
        // Behind such a header nothing follows, whatever size it says: some writers say that of what a link leads to.
        if bare || matches!(kind, Kind::Hardlink(_) | Kind::Symlink(_) | Kind::Folder) {
            (self.data, self.padding) = (0, 0);
        }
        Ok(Entry {
            path: inside(&text(&name)?)?,
            kind,
            size,
            begins: self.at,
        })
    }

    /// The first bytes of the entry that was given last, up to `most`.
    ///
    /// # Errors
    /// Where the archive ends before.
    pub(super) fn data(&mut self, most: u64) -> io::Result<Vec<u8>> {
        let length = self.data.min(most);
        let mut bytes = Vec::new();
        let read = (&mut self.reader).take(length).read_to_end(&mut bytes)?;
        self.at += read as u64;
        self.data -= read as u64;
        if (read as u64) < length {
            return Err(cut());
        }
        Ok(bytes)
    }

    /// Reads what lies behind the last entry, which belongs to what is promised.
    ///
    /// # Errors
    /// Where that is not what was promised.
    pub(super) fn finish(mut self) -> io::Result<()> {
        io::copy(&mut self.reader, &mut io::sink()).map(|_| ())
    }

    /// Goes on to the next header.
    fn pass(&mut self) -> io::Result<()> {
        let length = std::mem::take(&mut self.data);
        if length > 0 {
            (self.skip)(&mut self.reader, length)?;
        }
        // Engines, whose reader is Go's, do without what fills the last block: `umoci insert` leaves it out.
        let padding = std::mem::take(&mut self.padding);
        io::copy(&mut (&mut self.reader).take(padding), &mut io::sink())?;
        self.at = self.at.saturating_add(length).saturating_add(padding);
        Ok(())
    }

    /// The next block, unless the archive ends: with a block of zeros, or by itself.
    fn block(&mut self) -> io::Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        let mut done = 0;
        while let Some(rest) = block.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.reader.read(rest)? {
                0 if done == 0 => return Ok(None),
                0 => return Err(cut()),
                read => done += read,
            }
        }
        self.at += BLOCK as u64;
        Ok(block.iter().any(|byte| *byte != 0).then_some(block))
    }

    /// What describes the next entry.
    fn text(&mut self) -> io::Result<Vec<u8>> {
        if self.data > LONGEST {
            return Err(wrong("the name of an entry is longer than any name"));
        }
        self.data(LONGEST)
    }

    fn name(&mut self) -> io::Result<Vec<u8>> {
        let mut name = self.text()?;
        let end = name.iter().position(|byte| *byte == 0);
        name.truncate(end.unwrap_or(name.len()));
        Ok(name)
    }

    /// Old archives list the parts of a file with holes in further blocks.
    fn extensions(&mut self, header: &Header) -> io::Result<()> {
        /// Where a block says whether another one follows.
        const MORE: usize = 504;
        let mut more = header.as_gnu().is_some_and(tar::GnuHeader::is_extended);
        while more {
            let block = self.block()?.ok_or_else(cut)?;
            more = block.get(MORE) == Some(&1);
        }
        Ok(())
    }
}

impl<R: Read + Seek> Entries<R> {
    /// What nobody asks for is not even read.
    pub(super) fn skipping(reader: R) -> Self {
        Self::with(reader, |reader, length| {
            let length = i64::try_from(length).map_err(|_| cut())?;
            reader.seek(SeekFrom::Current(length)).map(|_| ())
        })
    }
}

/// What stands in front of an entry and describes it.
#[derive(Default)]
struct Said {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Said {
    /// Takes what an extended header says (POSIX.1-2001, pax).
    fn take(&mut self, text: &[u8]) -> io::Result<()> {
        for extension in PaxExtensions::new(text) {
            let extension = extension?;
            let value = extension.value_bytes();
            match extension.key_bytes() {
                b"path" | b"GNU.sparse.name" if !value.is_empty() => {
                    self.path = Some(value.to_vec());
                }
                b"linkpath" if !value.is_empty() => self.link = Some(value.to_vec()),
                b"size" => {
                    let number = str::from_utf8(value)
                        .ok()
                        .and_then(|text| text.parse().ok());
                    self.size = Some(number.ok_or_else(|| wrong("an entry has no size"))?);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether the sum of a header is the one that it says; signed as well, as some old writers had it.
fn sums_up(block: &[u8; BLOCK], header: &Header) -> bool {
    const SUM: std::ops::Range<usize> = 148..156;
    let own = block.get(SUM).unwrap_or_default();
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    let high = |bytes: &[u8]| bytes.iter().filter(|byte| **byte > 127).count();
    let unsigned = sum(block) - sum(own) + u32::from(b' ') * SUM.len() as u32;
    let signed = i64::from(unsigned) - 256 * (high(block) - high(own)) as i64;
    header
        .cksum()
        .is_ok_and(|sum| sum == unsigned || i64::from(sum) == signed)
}

fn text(bytes: &[u8]) -> io::Result<String> {
    if bytes.len() > PATH {
        return Err(wrong("a path is longer than 4096 bytes"));
    }
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

/// A path of an archive from its top on; one that leads out of it is refused.
fn inside(path: &str) -> io::Result<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part != ".." {
            parts.push(part);
        } else if parts.pop().is_none() {
            return Err(wrong(&format!("the path `{path}` leads out of the image")));
        }
    }
    if parts.len() > DEEPEST {
        return Err(wrong("a path leads through more folders than any does"));
    }
    Ok(parts.join("/"))
}

fn wrong(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}

fn cut() -> io::Error {
    wrong("the archive ends too early")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(path: &str, kind: EntryType, size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(0o644);
        header.set_cksum();
        header
    }

    fn archive(parts: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (path, kind, data) in parts {
            bytes.extend(header(path, *kind, data.len() as u64).as_bytes());
            bytes.extend(*data);
            bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        }
        bytes.extend([0; 2 * BLOCK]);
        bytes
    }

    fn all(bytes: &[u8]) -> Result<Vec<(String, Kind, u64)>, String> {
        let mut entries = Entries::reading(bytes);
        let mut found = Vec::new();
        while let Some(entry) = entries.next().map_err(|error| error.to_string())? {
            found.push((entry.path, entry.kind, entry.size));
        }
        Ok(found)
    }

    #[test]
    fn entries_are_given_with_their_whole_names() {
        let long = "a/".repeat(150) + "b";
        let pax = "12 path=x/y
";
        let bytes = archive(&[
            ("./usr/", EntryType::Directory, b""),
            ("usr/./f", EntryType::Regular, b"hello"),
            ("././@LongLink", EntryType::GNULongName, long.as_bytes()),
            ("short", EntryType::Regular, b""),
            ("pax", EntryType::XHeader, pax.as_bytes()),
            ("short", EntryType::Regular, b"1"),
            ("dev/null", EntryType::Char, b""),
        ]);
        let found = all(&bytes).unwrap();
        let names: Vec<&str> = found.iter().map(|(path, ..)| path.as_str()).collect();
        assert_eq!(names, ["usr", "usr/f", &long, "x/y", "dev/null"]);
        assert_eq!(found[1], ("usr/f".into(), Kind::File, 5));
        assert_eq!(found[4].1, Kind::Other);
    }

    #[test]
    fn what_nobody_says_is_refused() {
        let out = archive(&[("../../etc/passwd", EntryType::Regular, b"x")]);
        assert!(all(&out).unwrap_err().contains("leads out"));
        let mut long = header("x", EntryType::GNULongName, 1 << 40)
            .as_bytes()
            .to_vec();
        long.extend([b'a'; BLOCK]);
        assert!(all(&long).unwrap_err().contains("longer than any name"));
        let mut cut = archive(&[("f", EntryType::Regular, &[1; 2000])]);
        cut.truncate(1024);
        assert!(all(&cut).unwrap_err().contains("too early"));
        // What fills the last block may be missing, or the part of it that is there, and the end with it.
        for length in [512 + 2000, 512 + 2001, 512 + 2048, 512 + 2048 + 512] {
            let mut ends = archive(&[("f", EntryType::Regular, &[1; 2000])]);
            ends.truncate(length);
            assert_eq!(all(&ends).unwrap().len(), 1, "{length}");
        }
        assert!(all(&[7; 1024]).unwrap_err().contains("no archive"));
        assert_eq!(all(&[]).unwrap(), []);
    }
}
