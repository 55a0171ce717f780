//! An image in a registry (distribution-spec 1.1): manifests and blobs, each by its digest.

use std::io::{self, Read};
use std::sync::{Arc, OnceLock};

use ureq::http::StatusCode;
use ureq::http::header::{CONTENT_LENGTH, CONTENT_RANGE};

use super::super::{Blob, LARGEST, Refused, Root, Store};
use super::again::{Failure, TRIES};
use super::agent::failed;
use super::client::{Asked, Client};
use super::paced::Paced;
use crate::image::digest::Digest;
use crate::image::reference::{At, Name};

/// What is understood, best first.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
/// Where registries say what they send.
const DIGEST: &str = "docker-content-digest";
/// No layer has more bytes as it is stored.
const STORED: u64 = 64 << 30;
/// So often a blob may break off.
const BREAKS: u32 = 16;

pub(super) struct Registry {
    name: Name,
    client: Arc<Client>,
    /// What the name leads to, which is read once.
    root: OnceLock<(Digest, Vec<u8>)>,
}

impl Registry {
    pub(super) const fn new(name: Name, client: Arc<Client>) -> Self {
        Self {
            name,
            client,
            root: OnceLock::new(),
        }
    }

    fn fetched(&self, at: &str) -> Result<(Option<String>, Vec<u8>), String> {
        let what = match at.contains(':') {
            true => format!("{}@{at}", self.name.repository),
            false => format!("{}:{at}", self.name.repository),
        };
        let asked = Asked {
            repository: &self.name.repository,
            path: &format!("manifests/{at}"),
            what: &what,
            accept: Some(MANIFESTS),
            from: 0,
            large: false,
        };
        self.client.get(&asked, |mut answer| {
            let said = answer
                .headers()
                .get(DIGEST)
                .and_then(|said| said.to_str().ok());
            let said = said.map(str::to_owned);
            let read = answer.body_mut().with_config().limit(LARGEST).read_to_vec();
            match read {
                Ok(bytes) => Ok((said, bytes)),
                Err(ureq::Error::BodyExceedsLimit(_)) => Err(Failure::Lasting(format!(
                    "the manifest of {what} has more than {LARGEST} bytes"
                ))),
                Err(error) => Err(failed(&self.client.host, &error)),
            }
        })
    }

    /// The rest of a blob from a byte on.
    fn rest(&self, blob: &Blob, from: u64) -> io::Result<Box<dyn Read + Send>> {
        if blob.size > STORED {
            let why = format!(
                "{} is said to have {} bytes: no layer has more than {STORED}",
                blob.digest, blob.size
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let what = format!("the blob {}", blob.digest);
        let asked = Asked {
            repository: &self.name.repository,
            path: &format!("blobs/{}", blob.digest),
            what: &what,
            accept: None,
            from,
            large: true,
        };
        let found = self.client.get(&asked, |answer| {
            let whole = answer.status() == StatusCode::OK;
            let length = answer
                .headers()
                .get(CONTENT_LENGTH)
                .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
            let wanted = if whole { blob.size } else { blob.size - from };
            if length.is_some_and(|length| length != wanted) {
                let why = format!("{} has not the size that is said", blob.digest);
                return Err(Failure::Lasting(why));
            }
            let range = answer
                .headers()
                .get(CONTENT_RANGE)
                .and_then(|range| range.to_str().ok());
            if !whole && !range.is_some_and(|range| range.starts_with(&format!("bytes {from}-"))) {
                let why = format!(
                    "{} sends another part of {what} than was asked for",
                    self.client.host
                );
                return Err(Failure::Lasting(why));
            }
            let mut reader = Paced::new(answer.into_body().into_reader());
            if whole && from > 0 {
                let skipped = io::copy(&mut (&mut reader).take(from), &mut io::sink());
                skipped.map_err(|error| {
                    Failure::Passing(format!("{what} breaks off: {error}"), None)
                })?;
            }
            Ok(reader)
        });
        match found {
            Ok(reader) => Ok(Box::new(reader)),
            Err(why) => Err(io::Error::other(why)),
        }
    }
}

impl Store for Registry {
    fn root(&self, _name: Option<&str>) -> Result<Root, Refused> {
        let (said, bytes) = self.fetched(&self.name.at()).map_err(Refused::new)?;
        let own = Digest::of(&bytes);
        let digest = match &self.name.at {
            At::Digest(digest) => digest.clone(),
            At::Tag(_) => own.clone(),
        };
        let lies = said.filter(|said| said.starts_with("sha256:") && *said != own.to_string());
        if let Some(said) = lies {
            return Err(Refused::new(format!(
                "{} says that it sends {said}, and sends {own}: it was changed or damaged",
                self.client.host
            )));
        }
        let size = bytes.len() as u64;
        let _ = self.root.set((digest.clone(), bytes));
        Ok(Root::Blob(Blob { digest, size }))
    }

    fn blob(&self, blob: &Blob) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(Resumed {
            registry: self,
            blob: blob.clone(),
            at: 0,
            rest: self.rest(blob, 0)?,
            breaks: 0,
        }))
    }

    fn manifest(&self, blob: &Blob) -> io::Result<Box<dyn Read + Send + '_>> {
        let bytes = match self.root.get() {
            Some((digest, bytes)) if *digest == blob.digest => bytes.clone(),
            _ => {
                self.fetched(&blob.digest.to_string())
                    .map_err(io::Error::other)?
                    .1
            }
        };
        Ok(Box::new(io::Cursor::new(bytes)))
    }

    fn has(&self, _blob: &Blob) -> bool {
        true
    }
}

/// A blob that goes on where it broke off.
struct Resumed<'a> {
    registry: &'a Registry,
    blob: Blob,
    /// The next byte.
    at: u64,
    rest: Box<dyn Read + Send>,
    breaks: u32,
}

impl Read for Resumed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut broken = 0;
        loop {
            let left = usize::try_from(self.blob.size - self.at).unwrap_or(usize::MAX);
            let into = into.get_mut(..left.min(into.len())).unwrap_or_default();
            if into.is_empty() {
                return Ok(0);
            }
            let why = match self.rest.read(into) {
                Ok(read) if read > 0 => {
                    self.at += read as u64;
                    return Ok(read);
                }
                Ok(_) => "it ends too early".to_owned(),
                Err(error) => error.to_string(),
            };
            (broken, self.breaks) = (broken + 1, self.breaks + 1);
            if broken == TRIES || self.breaks == BREAKS {
                let blob = &self.blob.digest;
                return Err(io::Error::other(format!(
                    "{} breaks off {blob}: {why}",
                    self.registry.client.host
                )));
            }
            self.rest = self.registry.rest(&self.blob, self.at)?;
        }
    }
}
