//! What layers do, kept from one run to the next: a layer that many images share is read once.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

use super::digest::Digest;
use super::store::{path_of, plain};

/// What another program wrote says something else; the number counts up where what is kept changes.
const VERSION: &str = concat!("2 ", env!("MALLOCLINT_LONG_VERSION"));
/// None is longer, in bytes, as it is kept and when it is unpacked.
const LARGEST: u64 = 256 << 20;
const UNPACKED: u64 = 1 << 30;

fn place(folder: &Path, digest: &Digest) -> PathBuf {
    let version = Digest::of(VERSION.as_bytes());
    let version = version.parts().1.get(..16).unwrap_or_default();
    let own = path_of(digest);
    folder
        .join("layers")
        .join(version)
        .join(own.trim_start_matches("blobs/"))
}

/// What was kept of a layer. What was changed or damaged was not.
pub(super) fn load<T: DeserializeOwned>(folder: &Path, digest: &Digest) -> Option<T> {
    let (file, _) = plain(&place(folder, digest)).ok()?;
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).ok()?;
    let (sum, packed) = bytes.split_first_chunk::<64>()?;
    if summed(digest, packed).parts().1.as_bytes() != sum {
        return None;
    }
    let mut unpacked = Vec::new();
    GzDecoder::new(packed)
        .take(UNPACKED)
        .read_to_end(&mut unpacked)
        .ok()?;
    postcard::from_bytes(&unpacked).ok()
}

/// Keeps it. Where there is no room nothing is kept, and nothing stops.
pub(super) fn save<T: Serialize>(folder: &Path, digest: &Digest, what: &T) {
    let _ = written(&place(folder, digest), digest, what);
}

/// What is said of one layer is said of no other.
fn summed(digest: &Digest, packed: &[u8]) -> Digest {
    Digest::of(&[digest.to_string().as_bytes(), packed].concat())
}

fn written<T: Serialize>(place: &Path, digest: &Digest, what: &T) -> Option<()> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&postcard::to_stdvec(what).ok()?).ok()?;
    let packed = packed.finish().ok()?;
    let above = place.parent()?;
    fs::create_dir_all(above).ok()?;
    let mut part = NamedTempFile::with_prefix_in(".part-", above).ok()?;
    part.write_all(summed(digest, &packed).parts().1.as_bytes())
        .ok()?;
    part.write_all(&packed).ok()?;
    part.persist(place).ok().map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_comes_back_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let digest = Digest::of(b"layer");
        let none: Option<Vec<String>> = load(folder.path(), &digest);
        assert_eq!(none, None);
        let what = vec!["a".to_owned(), "b".repeat(1000)];
        save(folder.path(), &digest, &what);
        assert_eq!(load(folder.path(), &digest), Some(what));
        let place = place(folder.path(), &digest);
        let mut bytes = fs::read(&place).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&place, &bytes).unwrap();
        assert_eq!(load::<Vec<String>>(folder.path(), &digest), None);
    }
}
