//! What is built: a folder, or an archive or a Dockerfile from standard input. What the fixed Dockerfile takes the place of.

use std::ffi::OsStr;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use tempfile::NamedTempFile;

use super::Words;
use crate::facts::{self, Engine};

/// Where the Dockerfile of a build is.
#[derive(Debug)]
pub(crate) enum Context {
    /// In a file; the context is a folder.
    File(PathBuf),
    /// On standard input; the context is a folder, or nothing.
    Input,
    /// It may be that, or in the archive that comes there; so it may be called in it.
    InputOrArchive(Vec<String>),
}

impl Context {
    /// Where the Dockerfile of a command line is.
    ///
    /// # Errors
    /// Where it is out of reach, and what to do.
    pub(crate) fn of(engine: &Engine, words: &Words) -> Result<Self, String> {
        let files: Vec<&OsStr> = words.all("file").collect();
        if files.len() > 1 && engine.name != "docker" {
            return Err(
                "several Dockerfiles are built as one: fix each of them with `malloclint fix`"
                    .into(),
            );
        }
        let file = files.last().copied();
        let context = match words.context() {
            Some(context) => context,
            None if engine.name == "docker" => {
                return Err("what is built is not said: `malloclint build -t NAME .`".into());
            }
            None => OsStr::new("."),
        };
        let text = context.to_string_lossy();
        if facts::is_fetched(&text) {
            // It may hold a password or a token.
            return Err(
                "the engine would fetch this context itself: clone it, and build the folder".into(),
            );
        }
        if file == Some(OsStr::new("-")) {
            return Ok(Self::Input);
        }
        if text == "-" {
            let named = file.map(|file| vec![file.to_string_lossy().into_owned()]);
            let usual = || engine.files().map(str::to_owned).collect();
            return Ok(Self::InputOrArchive(named.unwrap_or_else(usual)));
        }
        let folder = Path::new(context);
        if let Some(file) = file {
            let inside = folder.join(file);
            let here = Path::new(file);
            // Podman and Buildah look into the context, too.
            let path = if !here.exists() && engine.name != "docker" && inside.exists() {
                inside
            } else {
                here.to_owned()
            };
            return Ok(Self::File(path));
        }
        let names = engine.files().map(|name| folder.join(name));
        let found = names.into_iter().find(|path| path.exists());
        let first = engine.files().next().unwrap_or_default();
        Ok(Self::File(found.unwrap_or_else(|| folder.join(first))))
    }
}

/// A context that came as an archive.
pub(crate) struct Packed {
    /// It came packed by gzip.
    packed: bool,
    /// The archive, unpacked.
    file: NamedTempFile,
    /// Where its Dockerfile stands in it.
    header: u64,
    data: u64,
    pub(crate) dockerfile: Vec<u8>,
}

/// What a block of an archive has, in bytes.
const BLOCK: usize = 512;

/// No Dockerfile has more bytes.
const LARGEST: u64 = 8 << 20;

/// What came from standard input.
pub(crate) enum Came {
    Text(Vec<u8>),
    Archive(Packed),
}

impl Packed {
    /// Takes standard input: a Dockerfile, or an archive with one of that name.
    ///
    /// # Errors
    /// Where it is neither, or cannot be kept.
    pub(crate) fn take(input: &mut dyn Read, names: &[String]) -> Result<Came, String> {
        let mut head = Vec::new();
        let failed = |error: io::Error| format!("standard input: {error}");
        (&mut *input)
            .take(HEAD)
            .read_to_end(&mut head)
            .map_err(failed)?;
        let packed = head.starts_with(b"\x1f\x8b");
        let whole = head.get(MAGIC..MAGIC + 5) == Some(b"ustar");
        let others: [&[u8]; 3] = [b"BZh", b"\xfd7zX", b"\x28\xb5\x2f\xfd"];
        if others.iter().any(|magic| head.starts_with(magic)) {
            return Err(
                "standard input is packed by bzip2, xz or zstd: use gzip or nothing".into(),
            );
        }
        let mut all = io::Cursor::new(head).chain(input);
        if !packed && !whole {
            let mut text = Vec::new();
            all.take(LARGEST + 1)
                .read_to_end(&mut text)
                .map_err(failed)?;
            if text.len() as u64 > LARGEST {
                return Err(
                    "standard input is no archive of tar, and too long for a Dockerfile".into(),
                );
            }
            return Ok(Came::Text(text));
        }
        let mut file = NamedTempFile::with_prefix("malloclint-").map_err(failed)?;
        match packed {
            true => io::copy(&mut MultiGzDecoder::new(all), &mut file),
            false => io::copy(&mut all, &mut file),
        }
        .map_err(failed)?;
        let begin = || {
            let mut magic = [0; 5];
            let mut opened = file.reopen().ok()?;
            opened.seek(SeekFrom::Start(MAGIC as u64)).ok()?;
            opened.read_exact(&mut magic).ok()?;
            Some(magic)
        };
        if begin().as_ref() != Some(b"ustar") {
            return Err(
                "standard input is packed, and no archive of tar: give the Dockerfile unpacked"
                    .into(),
            );
        }
        names
            .iter()
            .find_map(|name| find(&file, name).transpose())
            .map_or_else(
                || {
                    Err(format!(
                        "the archive from standard input has no `{}`",
                        names.join("` or `")
                    ))
                },
                |found| {
                    let (header, data, dockerfile) = found?;
                    Ok((header, data, dockerfile))
                },
            )
            .map(|(header, data, dockerfile)| {
                Came::Archive(Self {
                    packed,
                    file,
                    header,
                    data,
                    dockerfile,
                })
            })
    }

    /// Writes the archive with another Dockerfile, packed if it came so: docker knows archives in the format of POSIX by their
    /// packing alone. Every other byte of it is as it came.
    ///
    /// # Errors
    /// Where it cannot be read again, or nobody takes it.
    pub(crate) fn write(&self, dockerfile: &[u8], to: &mut dyn Write) -> io::Result<()> {
        if !self.packed {
            return self.write_plain(dockerfile, to);
        }
        let mut packing = GzEncoder::new(to, Compression::fast());
        self.write_plain(dockerfile, &mut packing)?;
        packing.finish()?.flush()
    }

    fn write_plain(&self, dockerfile: &[u8], to: &mut dyn Write) -> io::Result<()> {
        let mut file = self.file.reopen()?;
        io::copy(&mut (&mut file).take(self.header), to)?;
        let mut header = tar::Header::new_old();
        file.read_exact(header.as_mut_bytes())?;
        header.set_size(dockerfile.len() as u64);
        header.set_cksum();
        to.write_all(header.as_bytes())?;
        to.write_all(dockerfile)?;
        let padding = dockerfile.len().next_multiple_of(BLOCK) - dockerfile.len();
        to.write_all(&vec![0; padding])?;
        let old = self.dockerfile.len().next_multiple_of(BLOCK) as u64;
        file.seek(SeekFrom::Start(self.data + old))?;
        io::copy(&mut file, to)?;
        to.flush()
    }
}

/// The Dockerfile of that name: where its header and its text begin, and the text. Of several the last one counts.
fn find(file: &NamedTempFile, name: &str) -> Result<Option<(u64, u64, Vec<u8>)>, String> {
    let failed = |error: io::Error| format!("standard input: {error}");
    let bare = |path: &str| path.trim_start_matches("./").to_owned();
    let mut archive = tar::Archive::new(file.reopen().map_err(failed)?);
    let mut found = None;
    for entry in archive.entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if bare(&path) != bare(name) {
            continue;
        }
        if !entry.header().entry_type().is_file() {
            return Err(format!(
                "`{name}` in the archive from standard input is a link: name the file itself by `--file`"
            ));
        }
        let size = entry.size();
        // One that is described elsewhere would be described wrongly afterwards.
        if size > LARGEST || entry.header().entry_size().ok() != Some(size) {
            return Err(format!(
                "`{name}` in the archive from standard input is too long, or its size stands outside of its header"
            ));
        }
        let (header, data) = (entry.raw_header_position(), entry.raw_file_position());
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(failed)?;
        found = Some((header, data, bytes));
    }
    Ok(found)
}

/// Where an archive of tar says that it is one, and so much is looked at.
const MAGIC: usize = 257;
const HEAD: u64 = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_keeps_all_but_its_dockerfile() {
        let mut built = tar::Builder::new(Vec::new());
        let long = format!("{}/{}/app.py", "d".repeat(90), "e".repeat(90));
        for (name, text) in [
            (long.as_str(), "print()"),
            ("./Dockerfile", "FROM x\n"),
            ("z", "last"),
        ] {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o640);
            built
                .append_data(&mut header, name, text.as_bytes())
                .unwrap();
        }
        let bytes = built.into_inner().unwrap();
        let Came::Archive(packed) =
            Packed::take(&mut bytes.as_slice(), &["Dockerfile".into()]).unwrap()
        else {
            panic!("no archive");
        };
        assert_eq!(packed.dockerfile, b"FROM x\n");
        let mut out = Vec::new();
        packed.write(b"FROM x\nENV a=b\n", &mut out).unwrap();
        assert!(out.len() % BLOCK == 0 && out.get(MAGIC..MAGIC + 5) == Some(b"ustar"));
        // What came packed goes packed.
        let mut packing = GzEncoder::new(Vec::new(), Compression::fast());
        packing.write_all(&bytes).unwrap();
        let bytes = packing.finish().unwrap();
        let Came::Archive(again) =
            Packed::take(&mut bytes.as_slice(), &["Dockerfile".into()]).unwrap()
        else {
            panic!("no archive");
        };
        let (mut repacked, mut unpacked) = (Vec::new(), Vec::new());
        again.write(b"FROM x\nENV a=b\n", &mut repacked).unwrap();
        MultiGzDecoder::new(repacked.as_slice())
            .read_to_end(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, out);
        let mut read = tar::Archive::new(out.as_slice());
        let mut found = Vec::new();
        for entry in read.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            found.push((
                entry.path().unwrap().display().to_string(),
                text,
                entry.header().mode().unwrap(),
            ));
        }
        assert_eq!(
            found,
            [
                (long.clone(), "print()".into(), 0o640),
                ("Dockerfile".into(), "FROM x\nENV a=b\n".into(), 0o640),
                ("z".into(), "last".into(), 0o640),
            ]
        );
        let Err(why) = Packed::take(&mut bytes.as_slice(), &["other".into()]) else {
            panic!()
        };
        assert!(why.contains("has no `other`"), "{why}");
        assert!(matches!(
            Packed::take(&mut &b"FROM x\n"[..], &["Dockerfile".into()]),
            Ok(Came::Text(_))
        ));
    }
}
