//! From an image's sources to the package: releases, indexes, the version that is taken, and its file.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, Seek as _};

use super::super::library::{LARGEST_PACKAGE, Supplied, unnamed};
use super::Fetched;
use super::index::{self, Candidate};
use super::keys::Ring;
use super::release::{Index, Release};
use super::sources::{self, Source, Sources};
use super::version::compare;
use super::{relations, settings, signed};
use crate::facts::{Arch, Family};
use crate::image::{Access, Digest, Read, Refused, Web};
use crate::model::Built;

/// Where keys lie that are trusted for all archives: one file, and a folder of more.
const RING: &str = "etc/apt/trusted.gpg";
const RINGS: &str = "etc/apt/trusted.gpg.d";
/// What is said of an image whose packages are not known, and of one without apt.
const UNKNOWN: &str = "no package that brings it to this release is known";
const NO_SOURCES: &str = "its apt has no sources to fetch it from";
/// No release is larger, in bytes, and no index as it is stored.
const RELEASE: u64 = 8 << 20;
const INDEX: u64 = 256 << 20;

/// A version, and the archive that has it.
struct Offer<'s> {
    source: &'s Source,
    signer: String,
    priority: u32,
    candidate: Candidate,
}

/// Fetches the package. `now`: in seconds since 1970.
///
/// # Errors
/// Where there is none that can be trusted and installed; the reason says what to do.
pub(super) fn library(image: &Read<'_>, access: &Access, now: u64) -> Result<Fetched, Refused> {
    let arch = image.built.arch.map(Arch::dpkg).unwrap_or_default();
    let name = package(&image.built).ok_or_else(|| unnamed(&image.built, UNKNOWN))?;
    let mut notes = settings::look(image, name)?;
    let Sources { asked, left_out } = sources::of(image, arch)?;
    if asked.is_empty() {
        return Err(match left_out.first() {
            Some(first) => Refused::new(format!(
                "none of its sources of apt can be asked ({first}): {}",
                by_hand(name)
            )),
            None => unnamed(&image.built, NO_SOURCES),
        });
    }
    notes.extend(left_out);
    let archives = Archives {
        web: Web::new(access),
        access,
        image,
        now,
    };
    let mut offers = Vec::new();
    for source in &asked {
        let found = archives.offers(source, name, arch);
        offers.extend(found.map_err(|why| Refused::new(format!("{}: {why}", source.shown())))?);
    }
    let offer = chosen(offers, image, name)?;
    let bytes = archives.package(&offer)?;
    let shown = format!("{name} {}", offer.candidate.version);
    let library = Supplied::of_package_bytes(shown.clone(), &bytes).map_err(Refused::new)?;
    notes.push(format!(
        "{shown} is from {}, signed by {}",
        offer.source.shown(),
        offer.signer
    ));
    Ok(Fetched { library, notes })
}

/// What people do where it cannot be fetched.
fn by_hand(name: &str) -> String {
    format!("fetch the package yourself (`apt-get download {name}`), and name it with `--deb FILE`")
}

/// The name of the package that brings jemalloc to a release.
fn package(built: &Built) -> Option<&'static str> {
    let mut packages = built.release?.packages_of(Family::Jemalloc);
    Some(&packages.find(|package| !package.dev)?.name)
}

/// The one that apt would take, of those that fit what is installed.
fn chosen<'s>(
    mut offers: Vec<Offer<'s>>,
    image: &Read<'_>,
    name: &str,
) -> Result<Offer<'s>, Refused> {
    let installed = &image.built.packages;
    let own = installed.iter().find(|(own, _)| own == name);
    // Nobody goes back to an older one.
    offers.retain(|offer| {
        own.is_none_or(|(_, own)| compare(&offer.candidate.version, own) != Ordering::Less)
    });
    let better = |one: &Offer<'_>, other: &Offer<'_>| {
        let by_version = compare(&one.candidate.version, &other.candidate.version);
        other.priority.cmp(&one.priority).then(by_version.reverse())
    };
    offers.sort_by(better);
    let mut against = None;
    for offer in offers {
        match unfit(&offer.candidate, installed) {
            None => return Ok(offer),
            Some(why) => {
                let why = format!("{name} {} {why}", offer.candidate.version);
                against = against.or(Some(why));
            }
        }
    }
    Err(Refused::new(match against {
        Some(why) => format!(
            "{why}: install that in a Dockerfile, or take another version with `--deb FILE`"
        ),
        None => format!(
            "no archive of its apt has `{name}` for it: {}",
            by_hand(name)
        ),
    }))
}

/// Why a version cannot be installed.
fn unfit(candidate: &Candidate, installed: &[(String, String)]) -> Option<String> {
    if let Some(lacking) = relations::lacking(&candidate.needs, installed) {
        return Some(format!("needs `{lacking}`, which is not in the image"));
    }
    let clash = relations::clashing(&candidate.clashes, installed)?;
    Some(format!(
        "does not live with `{clash}`, which is in the image"
    ))
}

/// The archives of an image.
struct Archives<'a> {
    web: Web,
    access: &'a Access,
    image: &'a Read<'a>,
    now: u64,
}

impl Archives<'_> {
    /// What a suite has of a package.
    fn offers<'s>(
        &self,
        source: &'s Source,
        name: &str,
        arch: &str,
    ) -> Result<Vec<Offer<'s>>, String> {
        let folder = format!("{}/dists/{}", source.uri, source.suite);
        let (release, signer) = self.release(source, &folder)?;
        let mut found = Vec::new();
        for component in &source.components {
            let Some(index) = release.index(component, arch) else {
                continue;
            };
            let wrong = |why: String| format!("{}: {why}", index.path);
            let by_hash = source.by_hash.unwrap_or_else(|| release.by_hash());
            let stored = self.index(&folder, &index, by_hash).map_err(wrong)?;
            let candidates = index::candidates(stored, &index.path, name, arch);
            let candidates = candidates.map_err(|error| wrong(error.to_string()))?;
            found.extend(candidates.into_iter().map(|candidate| Offer {
                source,
                signer: signer.clone(),
                priority: release.priority(),
                candidate,
            }));
        }
        Ok(found)
    }

    /// What is signed of a suite, and who signed it.
    fn release(&self, source: &Source, folder: &str) -> Result<(Release, String), String> {
        let ring = self.ring(source)?;
        let bytes = self.small(&format!("{folder}/InRelease"), RELEASE)?;
        let bytes = bytes.ok_or("it has no InRelease, and nothing is taken that is not signed")?;
        let wrong = |why: String| format!("its InRelease is not taken: {why}");
        let signed = signed::read(&bytes).map_err(wrong)?;
        let signer = ring.signer(&signed.canonical(), &signed.signatures, self.now);
        let signer = signer.map_err(wrong)?;
        let release = Release::read(&signed.text, source, self.now).map_err(wrong)?;
        Ok((release, signer))
    }

    /// The keys that are trusted for a suite.
    fn ring(&self, source: &Source) -> Result<Ring, String> {
        let mut ring = Ring::default();
        let told = source.signed_by.as_deref().unwrap_or_default();
        if told.contains("-----BEGIN") {
            // An empty line is written as a full stop.
            let lines = told.lines().map(|line| if line == "." { "" } else { line });
            ring.add(lines.collect::<Vec<_>>().join("\n").as_bytes());
        }
        let words = told
            .split([' ', '\t', '\n', ','])
            .filter(|word| !word.is_empty());
        let words = words.filter(|_| !told.contains("-----BEGIN"));
        let (files, fingerprints): (Vec<&str>, Vec<&str>) =
            words.partition(|word| word.starts_with('/'));
        for fingerprint in fingerprints {
            ring.only(named(fingerprint)?);
        }
        let usual = || {
            let more = self.image.names_in(RINGS).into_iter();
            let more = more.filter(|name| name.ends_with(".gpg") || name.ends_with(".asc"));
            let more = more.map(|name| format!("{RINGS}/{name}"));
            std::iter::once(RING.to_owned()).chain(more).collect()
        };
        let paths: Vec<String> = match files.is_empty() {
            false => files.into_iter().map(str::to_owned).collect(),
            true if told.contains("-----BEGIN") => Vec::new(),
            true => usual(),
        };
        for bytes in paths.iter().filter_map(|path| self.image.bytes(path)) {
            ring.add(&bytes);
        }
        match ring.is_empty() {
            true if told.contains("-----BEGIN") => Err(format!(
                "{} holds no key that is understood (`Signed-By`)",
                source.place
            )),
            true => Err(format!(
                "no key to verify it with is in the image ({})",
                paths.join(", ")
            )),
            false => Ok(ring),
        }
    }

    /// An index, held against what the release says of it.
    fn index(&self, folder: &str, index: &Index, by_hash: bool) -> Result<File, String> {
        if index.size > INDEX {
            return Err(format!(
                "it is said to have {} bytes, and no index with more than {INDEX} is read",
                index.size
            ));
        }
        let usual = format!("{folder}/{}", index.path);
        let (above, _) = usual.rsplit_once('/').unwrap_or((folder, ""));
        let hashed = format!("{above}/by-hash/SHA256/{}", index.digest.parts().1);
        let found = match by_hash {
            true => self.large(&hashed, index)?,
            false => None,
        };
        let found = match found {
            Some(found) => Some(found),
            None => self.large(&usual, index)?,
        };
        found.ok_or_else(|| "the archive does not have it".to_owned())
    }

    /// A file that is kept on the disk while it is read. Nothing of it is used before it is held against its digest.
    fn large(&self, url: &str, index: &Index) -> Result<Option<File>, String> {
        let made = match &self.access.passing {
            Some(folder) => tempfile::tempfile_in(folder),
            None => tempfile::tempfile(),
        };
        let file = made.map_err(|error| format!("there is no room for it: {error}"))?;
        let found = self.web.get(url, index.size, |body| {
            let mut file = &file;
            file.set_len(0)?;
            file.rewind()?;
            io::copy(body, &mut file)
        })?;
        if found.is_none() {
            return Ok(None);
        }
        let sum = (&file).rewind().and_then(|()| Digest::of_all(&file));
        let sum = sum.map_err(|error| error.to_string())?;
        held(&sum, (&index.digest, index.size))?;
        (&file).rewind().map_err(|error| error.to_string())?;
        Ok(Some(file))
    }

    fn small(&self, url: &str, most: u64) -> Result<Option<Vec<u8>>, String> {
        self.web.get(url, most, |body| {
            let mut bytes = Vec::new();
            body.read_to_end(&mut bytes)?;
            Ok(bytes)
        })
    }

    /// The package itself.
    fn package(&self, offer: &Offer<'_>) -> Result<Vec<u8>, Refused> {
        let Candidate {
            filename,
            size,
            digest,
            ..
        } = &offer.candidate;
        let wrong = |why: String| Refused::new(format!("{}: {filename}: {why}", offer.source.uri));
        if *size > LARGEST_PACKAGE {
            return Err(wrong(format!(
                "it is said to have {size} bytes, and no package with more than {LARGEST_PACKAGE} is read"
            )));
        }
        let found = self
            .small(&format!("{}/{filename}", offer.source.uri), *size)
            .map_err(wrong)?;
        let bytes = found.ok_or_else(|| wrong("the archive does not have it".into()))?;
        let sum = (Digest::of(&bytes), bytes.len() as u64);
        held(&sum, (digest, *size)).map_err(wrong)?;
        Ok(bytes)
    }
}

/// A fingerprint of a key.
fn named(word: &str) -> Result<&str, String> {
    let digits = word.strip_suffix('!').unwrap_or(word);
    let is_one =
        matches!(digits.len(), 40 | 64) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    match is_one {
        true => Ok(word),
        false => Err(format!(
            "`Signed-By` names `{word}`, which is no path and no whole fingerprint"
        )),
    }
}

fn held((digest, size): &(Digest, u64), (wanted, bytes): (&Digest, u64)) -> Result<(), String> {
    match digest == wanted && *size == bytes {
        true => Ok(()),
        false => Err(format!(
            "it is not what is signed: it has {size} bytes and {digest}, and must have {bytes} and {wanted}"
        )),
    }
}
