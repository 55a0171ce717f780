//! The parts of an image reference, and the one name that an image has under all its mirrors.

use super::super::terms::Arch;
use super::tag::{architecture, words};

/// An image reference, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    /// The repository with mirrors resolved: `python` for every official Python image,
    /// `user/name` on Docker Hub, `host/path` elsewhere.
    pub(super) repository: String,
    /// The architecture, where the repository is Docker Hub's copy for one.
    pub(super) arch: Option<Arch>,
    /// The tag as written.
    pub(super) tag: Option<&'a str>,
    /// The digest as written, with its algorithm.
    pub(super) digest: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// Takes `text` apart; `None` where it cannot be a reference (blanks, capitals in the
    /// repository, empty parts) or where a variable stands for the repository.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix("docker://").unwrap_or(text);
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        let (path, tag) = split_tag(name);
        if tag.is_some_and(|tag| tag.is_empty() || tag.contains(char::is_whitespace)) {
            return None;
        }
        let repository = canonical(path)?;
        // arm64v8/python is the official image for one architecture.
        let copy = repository
            .split_once('/')
            .filter(|(_, image)| !image.contains('/'));
        let arch = copy.and_then(|(prefix, _)| architecture(prefix));
        let repository = match copy {
            Some((_, image)) if arch.is_some() => image.to_owned(),
            _ => repository,
        };
        Some(Self {
            repository,
            arch,
            tag,
            digest,
        })
    }
}

/// Splits at the last `:` after the last `/`, both outside `${...}`.
fn split_tag(name: &str) -> (&str, Option<&str>) {
    let mut depth = 0_usize;
    let mut colon = None;
    let bytes = name.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b'/' if depth == 0 => colon = None,
            b':' if depth == 0 => colon = Some(at),
            _ => {}
        }
    }
    match colon.and_then(|at| name.split_at_checked(at)) {
        Some((path, tag)) => (path, tag.get(1..)),
        None => (name, None),
    }
}

/// The repository under the name that Docker Hub gives it, where it is a mirror of Docker Hub.
fn canonical(path: &str) -> Option<String> {
    let (host, rest) = split_host(path);
    if rest.is_empty() || !rest.split('/').all(is_component) {
        return None;
    }
    let hub = match host {
        None => Some(rest),
        Some(_) => words()
            .mirrors
            .iter()
            .find_map(|mirror| path.strip_prefix(mirror)),
    };
    // GitLab's proxy for Docker Hub: HOST/GROUP/dependency_proxy/containers/IMAGE.
    let hub = hub.or_else(|| {
        path.split_once("/dependency_proxy/containers/")
            .map(|(_, image)| image)
    });
    let hub = hub.or_else(|| passed_on(rest));
    if let Some(hub) = hub {
        return Some(hub.strip_prefix("library/").unwrap_or(hub).to_owned());
    }
    // Any other registry: only `library/` says that an official image is meant.
    match path.rsplit_once("/library/") {
        Some((_, image)) if !image.contains('/') => Some(image.to_owned()),
        _ => Some(path.to_ascii_lowercase()),
    }
}

/// What comes after a folder of another registry that is called as a proxy for Docker Hub: `docker-remote/python`.
fn passed_on(path: &str) -> Option<&str> {
    let folder = |part: &str| words().mirror_folders.iter().any(|name| name == part);
    let mut rest = path;
    while let Some((part, below)) = rest.split_once('/') {
        if folder(part) {
            return Some(below);
        }
        rest = below;
    }
    None
}

/// Docker's rule: the first component is a host if it has a `.` or `:`, or is `localhost`.
/// A variable in front (`${REGISTRY}/library/python`) can only be a host or a mirror's path.
fn split_host(path: &str) -> (Option<&str>, &str) {
    match path.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':', '$']) || host == "localhost" => {
            (Some(host), rest)
        }
        _ => (None, path),
    }
}

/// `[a-z0-9]+` with separators inside, as the distribution specification has it.
fn is_component(component: &str) -> bool {
    let edge = |byte: Option<u8>| {
        byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    edge(component.bytes().next())
        && edge(component.bytes().last())
        && component.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte)
        })
}
