//! An image that is brought to a registry (distribution-spec 1.1, "Push"): blobs first, what names them last. What is there is not
//! sent, and what another repository of the registry has is mounted from there.

use std::cell::RefCell;
use std::io::{self, Read};
use std::sync::Arc;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ureq::http::header::LOCATION;
use ureq::http::{Method, StatusCode};

use super::super::{Blob, Opener, Refused, Taker};
use super::again::Failure;
use super::client::{Answered, Client, Purpose, Sent, leads_to};
use crate::image::digest::Digest;
use crate::image::reference::Name;

/// Where registries say what they have stored.
const DIGEST: &str = "docker-content-digest";
/// What blobs are sent as.
const BYTES: &str = "application/octet-stream";
/// What is answered to something that was stored; not all do it by the letter.
const STORED: [StatusCode; 3] = [StatusCode::CREATED, StatusCode::OK, StatusCode::NO_CONTENT];

/// A repository that takes an image.
pub(super) struct Push {
    name: Name,
    client: Arc<Client>,
    /// Another repository that has most of its blobs.
    from: Option<String>,
    /// What a token has to allow; and to mount from there, too.
    scope: String,
    mounts: String,
}

/// Where a blob is to be sent, or that it is there already.
enum Session {
    Done,
    At(String),
}

impl Push {
    pub(super) fn new(name: Name, from: Option<&str>, client: Arc<Client>) -> Self {
        let scope = format!("repository:{}:pull,push", name.repository);
        let mounts = format!("{scope} repository:{}:pull", from.unwrap_or_default());
        Self {
            client,
            from: from.map(str::to_owned),
            scope,
            mounts,
            name,
        }
    }

    /// Sends something without a body of its own, and gives the answer whatever it is.
    fn asked(
        &self,
        method: &Method,
        path: &str,
        purpose: &Purpose<'_>,
    ) -> Result<Answered, Failure> {
        let base = self.client.base()?;
        let url = format!("{base}/v2/{}/{path}", self.name.repository);
        let length = (*method != Method::HEAD).then_some(0);
        self.client.admitted(&base, purpose, |header| {
            let mut sent = Sent {
                method: method.clone(),
                kind: None,
                body: None,
                length,
            };
            self.client.sent(&base, &url, header, &mut sent)
        })
    }

    fn purpose<'a>(&'a self, what: &'a str) -> Purpose<'a> {
        Purpose {
            repository: &self.name.repository,
            what,
            scope: Some(&self.scope),
        }
    }

    /// Whether the repository has a blob.
    fn has(&self, blob: &Blob, what: &str) -> Result<bool, Failure> {
        let path = format!("blobs/{}", blob.digest);
        let answered = self.asked(&Method::HEAD, &path, &self.purpose(what))?;
        let status = answered.answer.status();
        if status == StatusCode::OK {
            return Ok(true);
        }
        if status.is_redirection() {
            return Ok(self.is_elsewhere(&answered));
        }
        if status == StatusCode::NOT_FOUND {
            return Ok(false);
        }
        self.client
            .judged(answered.answer, what, &STORED)
            .map(|_| true)
    }

    /// Whether a blob is where its registry sends those who ask for it: that it sends them somewhere says nothing.
    fn is_elsewhere(&self, answered: &Answered) -> bool {
        let to = answered.answer.headers().get(LOCATION);
        let to = to.and_then(|to| leads_to(&answered.url, to.to_str().ok()?));
        let found = to.and_then(|to| {
            let base = self.client.base().ok()?;
            let mut sent = Sent {
                method: Method::HEAD,
                kind: None,
                body: None,
                length: None,
            };
            self.client.sent(&base, &to, None, &mut sent).ok()
        });
        found.is_some_and(|found| found.answer.status() == StatusCode::OK)
    }

    /// Begins to send a blob, which may be mounted instead where it was stored before. Whoever may not read the other repository sends it.
    fn session(&self, blob: &Blob, stored: bool, what: &str) -> Result<Session, Failure> {
        if let Some(from) = self.from.as_ref().filter(|_| stored) {
            let from = utf8_percent_encode(from, NON_ALPHANUMERIC);
            let path = format!("blobs/uploads/?mount={}&from={from}", blob.digest);
            let purpose = Purpose {
                scope: Some(&self.mounts),
                ..self.purpose(what)
            };
            match self.begun(blob, &path, &purpose) {
                Err(Failure::Lasting(_)) => {}
                begun => return begun,
            }
        }
        self.begun(blob, "blobs/uploads/", &self.purpose(what))
    }

    fn begun(&self, blob: &Blob, path: &str, purpose: &Purpose<'_>) -> Result<Session, Failure> {
        let what = purpose.what;
        let answered = self.asked(&Method::POST, path, purpose)?;
        let wanted = [StatusCode::CREATED, StatusCode::ACCEPTED];
        let answer = self.client.judged(answered.answer, what, &wanted)?;
        if answer.status() == StatusCode::CREATED {
            return Ok(Session::Done);
        }
        let to = answer.headers().get(LOCATION);
        let to = to.and_then(|to| leads_to(&answered.url, to.to_str().ok()?));
        let to = to.ok_or_else(|| {
            let host = &self.client.host;
            Failure::Lasting(format!(
                "{host} does not say where {what} is to be sent, or names an address that is not safe"
            ))
        })?;
        let first = if to.contains('?') { '&' } else { '?' };
        Ok(Session::At(format!("{to}{first}digest={}", blob.digest)))
    }

    /// Sends a blob to where it is wanted.
    fn upload(&self, blob: &Blob, url: &str, open: &Opener<'_>, what: &str) -> Result<(), Failure> {
        let base = self.client.base()?;
        let unread = RefCell::new(None);
        let answered = self.client.admitted(&base, &self.purpose(what), |header| {
            let bytes = open().map_err(|error| Failure::Lasting(error.to_string()))?;
            let mut told = Told {
                bytes,
                why: &unread,
            };
            let mut sent = Sent {
                method: Method::PUT,
                kind: Some(BYTES),
                body: Some(&mut told),
                length: Some(blob.size),
            };
            self.client.sent(&base, url, header, &mut sent)
        });
        // What could not be read is not the registry's fault, and is none that passes.
        if let Some(why) = unread.into_inner() {
            return Err(Failure::Lasting(why));
        }
        self.client
            .judged(answered?.answer, what, &STORED)
            .map(drop)
    }

    fn put(&self, kind: &str, bytes: &[u8], at: &str) -> Result<(), Failure> {
        let (base, what) = (self.client.base()?, self.name.whole());
        let url = format!("{base}/v2/{}/manifests/{at}", self.name.repository);
        let answered = self
            .client
            .admitted(&base, &self.purpose(&what), |header| {
                let mut bytes = bytes;
                let length = Some(bytes.len() as u64);
                let mut sent = Sent {
                    method: Method::PUT,
                    kind: Some(kind),
                    body: Some(&mut bytes),
                    length,
                };
                self.client.sent(&base, &url, header, &mut sent)
            })?;
        let answer = self.client.judged(answered.answer, &what, &STORED)?;
        let said = answer.headers().get(DIGEST);
        let said = said.and_then(|said| said.to_str().ok());
        let own = Digest::of(bytes).to_string();
        match said.filter(|said| said.starts_with("sha256:") && *said != own) {
            Some(said) => Err(Failure::Lasting(format!(
                "{} says that it stored {said}, and was sent {own}",
                self.client.host
            ))),
            None => Ok(()),
        }
    }
}

impl Taker for Push {
    fn blob(&self, blob: &Blob, stored: bool, open: &Opener<'_>) -> Result<(), Refused> {
        let what = format!("the blob {}", blob.digest);
        let done = self.client.tried(|| {
            if self.has(blob, &what)? {
                return Ok(());
            }
            match self.session(blob, stored, &what)? {
                Session::Done => Ok(()),
                Session::At(url) => self.upload(blob, &url, open, &what),
            }
        });
        done.map_err(Refused::new)
    }

    fn manifest(&self, kind: &str, bytes: &[u8], is_root: bool) -> Result<(), Refused> {
        let at = match is_root {
            true => self.name.at(),
            false => Digest::of(bytes).to_string(),
        };
        let done = self.client.tried(|| self.put(kind, bytes, &at));
        done.map_err(Refused::new)
    }
}

/// Bytes that remember why they could not be read.
struct Told<'a> {
    bytes: Box<dyn Read + Send + 'a>,
    why: &'a RefCell<Option<String>>,
}

impl Read for Told<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(into).inspect_err(|error| {
            *self.why.borrow_mut() = Some(error.to_string());
        })
    }
}
