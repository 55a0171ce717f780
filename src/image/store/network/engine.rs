//! An engine's API (moby, api/swagger.yaml, "ImageGet"): an image is saved into a file, and read from there; and one is loaded.

use std::fs;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Deserialize;
use tempfile::NamedTempFile;
use ureq::http::header::CONTENT_LENGTH;
use ureq::http::{Response, StatusCode};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body, SendBody};

use super::agent::{is_loopback, patient};
use super::names::Names;
use crate::facts;
use crate::image::Refused;
use crate::image::access::Access;
use crate::image::digest::Digest;
use crate::image::store::archive::Archive;
use crate::image::store::docker::Saved;
use crate::image::store::{Blob, Root, Store, small};

/// What of a name is written otherwise in an address.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'?')
    .add(b'#')
    .add(b'%')
    .add(b'"')
    .add(b'<')
    .add(b'>');

/// No image has more bytes as it is saved.
const LARGEST: u64 = 256 << 30;

/// An image as the engine saved it; the file goes with it.
struct Image {
    saved: Saved,
    _file: NamedTempFile,
}

impl Store for Image {
    fn root(&self, name: Option<&str>) -> Result<Root, Refused> {
        self.saved.root(name)
    }

    fn blob(&self, blob: &Blob) -> io::Result<Box<dyn Read + Send + '_>> {
        self.saved.blob(blob)
    }

    fn has(&self, blob: &Blob) -> bool {
        self.saved.has(blob)
    }

    fn file(&self, name: &str) -> io::Result<(Box<dyn Read + Send + '_>, u64)> {
        self.saved.file(name)
    }
}

/// An engine that answers.
struct Engine {
    /// As people name it.
    engine: String,
    agent: Agent,
    /// What its addresses begin with.
    base: String,
}

impl Engine {
    fn there(access: &Access) -> Result<Self, Refused> {
        let engine = address(access);
        let (agent, base) = agent(&engine, access)?;
        let there = agent
            .get(format!("{base}/_ping"))
            .config()
            .timeout_global(Some(access.patience))
            .build()
            .call();
        match there {
            Ok(answer) if answer.status() != StatusCode::OK => Err(Refused::new(format!(
                "what is at {engine} is no container engine: it answers {} to /_ping",
                answer.status().as_u16()
            ))),
            Ok(_) => Ok(Self {
                engine,
                agent,
                base,
            }),
            Err(error) => Err(Refused::new(format!(
                "the engine at {engine}: {}",
                unreachable(&error)
            ))),
        }
    }
}

/// Whether the engine answers.
///
/// # Errors
/// Where it does not.
pub(super) fn answers(access: &Access) -> Result<(), Refused> {
    Engine::there(access).map(drop)
}

/// Has the engine load what `docker load` reads (moby, "ImageLoad").
///
/// # Errors
/// Where it does not answer, or does not take it.
pub(super) fn load(archive: &Path, access: &Access) -> Result<(), Refused> {
    let Engine {
        engine,
        agent,
        base,
    } = Engine::there(access)?;
    let wrong = |why: String| Refused::new(format!("the engine at {engine}: {why}"));
    let mut file = fs::File::open(archive).map_err(|error| wrong(error.to_string()))?;
    let length = file.metadata().map_err(|error| wrong(error.to_string()))?;
    let answer = agent
        .post(format!("{base}/images/load?quiet=1"))
        .content_type("application/x-tar")
        .header(CONTENT_LENGTH, length.len().to_string())
        .send(SendBody::from_reader(&mut file));
    let mut answer = answer.map_err(|error| wrong(unreachable(&error)))?;
    if answer.status() != StatusCode::OK {
        let why = format!(
            "it answers {}{}",
            answer.status().as_u16(),
            said(&mut answer)
        );
        return Err(wrong(why));
    }
    // It has answered before it knows: what goes wrong then is one of the lines.
    let told = small(&mut answer.body_mut().as_reader(), "what it says")?;
    let lines = told.split(|byte| *byte == b'\n');
    let mut failed = lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok()?.error);
    match failed.next() {
        Some(why) => Err(wrong(format!("it does not take the image ({why})"))),
        None if !told.windows(6).any(|word| word == b"Loaded") => {
            Err(wrong("it does not say that it loaded the image".into()))
        }
        None => Ok(()),
    }
}

/// A line of what it says while it loads.
#[derive(Deserialize)]
struct Line {
    error: Option<String>,
}

/// Has the engine save an image.
///
/// # Errors
/// Where it does not answer, or has no such image.
pub(super) fn save(name: &str, access: &Access) -> Result<Box<dyn Store>, Refused> {
    // It saves before it answers, and a large image takes its time: whether it is there at all is asked first.
    let Engine {
        engine,
        agent,
        base,
    } = Engine::there(access)?;
    let wrong = |why: String| Refused::new(format!("the engine at {engine}: {why}"));
    let url = format!("{base}/images/{}/get", utf8_percent_encode(name, ENCODED));
    let mut answer = agent
        .get(url)
        .call()
        .map_err(|error| wrong(unreachable(&error)))?;
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => {
            return Err(wrong(format!(
                "it has no image `{name}` (`docker://{name}` asks a registry)"
            )));
        }
        status => {
            return Err(wrong(format!(
                "it answers {}{}",
                status.as_u16(),
                said(&mut answer)
            )));
        }
    }
    let made = match access.passing.as_ref().or(access.cache.as_ref()) {
        Some(folder) => fs::create_dir_all(folder)
            .and_then(|()| NamedTempFile::with_prefix_in("saved-", folder)),
        None => NamedTempFile::with_prefix("malloclint-"),
    };
    let mut file =
        made.map_err(|error| Refused::new(format!("what it saves finds no place: {error}")))?;
    let body = BufReader::new(answer.body_mut().as_reader());
    let copied = io::copy(&mut body.take(LARGEST), &mut file)
        .map_err(|error| wrong(format!("what it saves breaks off: {error}")))?;
    if copied == LARGEST {
        return Err(wrong("what it saves has no end".into()));
    }
    let saved = Saved(Archive::open(file.path())?);
    Ok(Box::new(Image { saved, _file: file }))
}

/// Where the engine is asked: as the variable says it, or docker's own settings.
fn address(access: &Access) -> String {
    let named = access.engine.clone().filter(|named| !named.is_empty());
    let of_context = || access.docker.as_deref().and_then(context);
    named
        .or_else(of_context)
        .unwrap_or_else(|| facts::usual_engine().to_owned())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    current_context: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Context {
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: Endpoint,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Endpoint {
    host: String,
}

/// The engine of docker's current context: Docker Desktop and Colima make one of their own.
fn context(folder: &Path) -> Option<String> {
    let read = |path: PathBuf| small(&mut fs::File::open(path).ok()?, "it").ok();
    let settings: Settings = serde_json::from_slice(&read(folder.join("config.json"))?).ok()?;
    let digest = Digest::of(settings.current_context.as_bytes());
    let place = folder
        .join("contexts/meta")
        .join(digest.parts().1)
        .join("meta.json");
    let context: Context = serde_json::from_slice(&read(place)?).ok()?;
    Some(context.endpoints.docker.host)
}

/// An agent for it, and what its addresses begin with.
fn agent(engine: &str, access: &Access) -> Result<(Agent, String), Refused> {
    let config = patient(access)
        .proxy(None)
        .timeout_recv_response(None)
        .timeout_per_read(None)
        .build();
    #[cfg(unix)]
    if let Some(path) = engine.strip_prefix("unix://") {
        let socket = super::unix::Socket(PathBuf::from(path));
        let agent = Agent::with_parts(config, socket, super::unix::Nobody);
        return Ok((agent, "http://engine".to_owned()));
    }
    match engine.strip_prefix("tcp://") {
        Some(host) if is_loopback(host) || access.insecure => {
            let names = Names {
                patience: access.patience,
                outside: false,
            };
            let agent = Agent::with_parts(config, DefaultConnector::default(), names);
            Ok((agent, format!("http://{host}")))
        }
        _ => Err(Refused::new(format!(
            "malloclint cannot ask the engine at {engine} (SSH and TLS are not supported): `docker save IMAGE > image.tar`, and check `docker-archive:image.tar`"
        ))),
    }
}

fn unreachable(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(inner) if inner.kind() == io::ErrorKind::NotFound => {
            "nothing is there: is it running?".into()
        }
        ureq::Error::Io(inner) if inner.kind() == io::ErrorKind::ConnectionRefused => {
            "it is not running".into()
        }
        ureq::Error::Io(inner) if inner.kind() == io::ErrorKind::PermissionDenied => {
            "you may not ask it (the group `docker` may)".into()
        }
        ureq::Error::Timeout(_) => "it does not respond".into(),
        error => format!("it does not answer: {error}"),
    }
}

#[derive(Deserialize)]
struct Said {
    message: String,
}

fn said(answer: &mut Response<Body>) -> String {
    let text = small(&mut answer.body_mut().as_reader(), "it").unwrap_or_default();
    let said = serde_json::from_slice::<Said>(&text).ok();
    said.map(|said| format!(" ({})", said.message))
        .unwrap_or_default()
}
