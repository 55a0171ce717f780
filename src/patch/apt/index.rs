//! Indexes of packages, read paragraph by paragraph: only what is said of one package is kept.

use std::io::{self, BufRead, BufReader, Read};

use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use memchr::memmem;

use super::paragraphs::{self, Paragraph};
use crate::image::Digest;

/// No index unpacks to more, in bytes, and none says more of one package.
const UNPACKED: u64 = 1 << 30;
const PARAGRAPH: u64 = 1 << 20;
/// The memory that xz may ask for, in KiB: archives are packed with far less.
const MEMORY: u32 = 96 << 10;
/// Nobody has more versions of a package.
const VERSIONS: usize = 256;

/// A version of a package that an archive has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) version: String,
    /// Below the archive.
    pub(super) filename: String,
    /// In bytes.
    pub(super) size: u64,
    pub(super) digest: Digest,
    /// What it needs, and what it does not live with.
    pub(super) needs: String,
    pub(super) clashes: String,
}

/// What an index says of a package. `path`: its name tells how it is packed.
///
/// # Errors
/// Where it is damaged, or has no end.
pub(super) fn candidates(
    index: impl Read,
    path: &str,
    name: &str,
    arch: &str,
) -> io::Result<Vec<Candidate>> {
    let index = BufReader::with_capacity(1 << 16, index);
    let unpacked: Box<dyn Read + '_> = match path.rsplit_once('.') {
        Some((_, "xz")) => Box::new(XzReader::new_mem_limit(index, true, MEMORY)),
        Some((_, "gz")) => Box::new(MultiGzDecoder::new(index)),
        _ => Box::new(index),
    };
    let mut unpacked = BufReader::with_capacity(1 << 16, unpacked.take(UNPACKED));
    let finder = memmem::Finder::new(name);
    let (mut found, mut open) = (Vec::new(), Vec::new());
    loop {
        let begin = open.len();
        let room = PARAGRAPH - begin as u64;
        let read = (&mut unpacked).take(room).read_until(b'\n', &mut open)?;
        let line = open.get(begin..).unwrap_or_default().trim_ascii();
        if open.len() as u64 >= PARAGRAPH {
            return Err(damaged("it says more of a package than any index does"));
        }
        if !line.is_empty() {
            continue;
        }
        if finder.find(&open).is_some() {
            found.extend(candidate(&String::from_utf8_lossy(&open), name, arch)?);
        }
        open.clear();
        if read == 0 {
            return Ok(found);
        }
        if found.len() > VERSIONS {
            return Err(damaged(
                "it has more versions of a package than any index has",
            ));
        }
    }
}

fn damaged(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// What a paragraph says, where it is about the package.
fn candidate(text: &str, name: &str, arch: &str) -> io::Result<Option<Candidate>> {
    let read = paragraphs::read(text).map_err(|_| damaged("a line of it is no field"))?;
    let is_it = |one: &&Paragraph| {
        one.get("Package") == Some(name)
            && matches!(one.get("Architecture"), Some(own) if own == arch || own == "all")
    };
    let Some(told) = read.iter().find(is_it) else {
        return Ok(None);
    };
    let lacks = |field: &str| damaged(&format!("it says no {field} of {name} that is understood"));
    let get = |field: &str| told.get(field).ok_or_else(|| lacks(field));
    let filename = get("Filename")?;
    if !is_below(filename) {
        return Err(damaged(&format!(
            "its file of {name} lies outside of the archive: `{filename}`"
        )));
    }
    let list = |names: [&str; 2]| {
        let lists = names.iter().filter_map(|name| told.get(name));
        lists.collect::<Vec<_>>().join(", ")
    };
    let digest = Digest::parse(&format!("sha256:{}", get("SHA256")?.to_ascii_lowercase()));
    Ok(Some(Candidate {
        version: get("Version")?.to_owned(),
        filename: filename.trim_start_matches("./").to_owned(),
        size: get("Size")?.parse().map_err(|_| lacks("Size"))?,
        digest: digest.ok_or_else(|| lacks("SHA256"))?,
        needs: list(["Pre-Depends", "Depends"]),
        clashes: list(["Conflicts", "Breaks"]),
    }))
}

/// Whether a path leads to a file below the archive, and says nothing to a server but that.
fn is_below(path: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"/._+~:-".contains(&byte);
    let path = path.strip_prefix("./").unwrap_or(path);
    path.bytes().all(known) && !path.split('/').any(|part| matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const TEXT: &str = "Package: libjemalloc2-x\nArchitecture: amd64\nVersion: 9\n\nPackage: libjemalloc2\nVersion: 5.3.0-1\nArchitecture: amd64\n\
        Depends: libc6 (>= 2.34),\n libgcc-s1\nConflicts: x\nFilename: pool/main/j/l_5.3.0-1_amd64.deb\nSize: 7\n\
        SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n\nPackage: zlib\n";

    fn read(text: &str) -> io::Result<Vec<Candidate>> {
        candidates(
            text.as_bytes(),
            "main/binary-amd64/Packages",
            "libjemalloc2",
            "amd64",
        )
    }

    #[test]
    fn one_package_of_all_is_kept() {
        let found = read(TEXT).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].version, "5.3.0-1");
        assert_eq!((found[0].size, found[0].clashes.as_str()), (7, "x"));
        assert_eq!(found[0].needs, "libc6 (>= 2.34),\nlibgcc-s1");
        assert_eq!(read("").unwrap(), []);
        assert_eq!(
            read(&TEXT.replace("amd64\nDepends", "arm64\nDepends")).unwrap(),
            []
        );
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(TEXT.as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        let of = |bytes: &[u8]| candidates(bytes, "Packages.gz", "libjemalloc2", "amd64");
        assert_eq!(of(&packed).unwrap(), found);
        assert!(of(&packed[..packed.len() - 9]).is_err());
        assert!(of(TEXT.as_bytes()).is_err());
    }

    #[test]
    fn no_file_outside_of_the_archive_is_asked_for() {
        for wrong in [
            "../l.deb",
            "a/../../l.deb",
            "/etc/passwd",
            "a//b",
            "http://x/y",
            "a?b",
            "a b",
            "a%2f..",
            "",
        ] {
            let text = TEXT.replace("pool/main/j/l_5.3.0-1_amd64.deb", wrong);
            let why = read(&text).unwrap_err().to_string();
            assert!(
                why.contains("outside") || wrong.is_empty(),
                "{wrong}: {why}"
            );
        }
    }

    #[test]
    fn it_ends() {
        let endless = io::repeat(b'a').take(1 << 40);
        assert!(candidates(endless, "Packages", "libjemalloc2", "amd64").is_err());
        let lines = TEXT.repeat(300);
        assert!(read(&lines.replace("Package: zlib\n", "\n")).is_err());
        for lacking in ["Version", "Size", "SHA256", "Filename"] {
            assert!(
                read(&TEXT.replace(&format!("{lacking}: "), "X: ")).is_err()
                    || lacking == "Version"
            );
        }
    }
}
