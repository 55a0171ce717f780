//! The name of an image in a registry (distribution, reference/reference.go; docker's short forms).

use crate::image::digest::Digest;

/// Where it is, and which one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// `registry.example:5000`, as it is written; `docker.io` where nothing is.
    pub(crate) host: String,
    /// `acme/app`
    pub(crate) repository: String,
    pub(crate) at: At,
}

/// Which image of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Tag(String),
    Digest(Digest),
}

/// No name, and no tag, has more bytes.
const LONGEST: usize = 255;
const LONGEST_TAG: usize = 128;

impl Name {
    /// Reads one: `python`, `acme/app:1`, `registry.example:5000/acme/app@sha256:…`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("`{text}` is no name of an image: {what}");
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                let digest = Digest::parse(digest)
                    .ok_or_else(|| wrong("what follows the `@` is no digest"))?;
                (rest, Some(digest))
            }
            None => (text, None),
        };
        let (host, rest) = match rest.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => {
                (first, rest)
            }
            _ => ("docker.io", rest),
        };
        let host = if host == "index.docker.io" {
            "docker.io"
        } else {
            host
        };
        let (path, tag) = match rest.rsplit_once(':') {
            Some((path, tag)) => (path, tag),
            None => (rest, "latest"),
        };
        if !is_host(host) {
            return Err(wrong(&format!("`{host}` is no host")));
        }
        if path.len() > LONGEST || !path.split('/').all(is_part) {
            return Err(wrong(
                "it has other characters than `a` to `z`, digits, and `.`, `_`, `-` between them",
            ));
        }
        if !is_tag(tag) {
            return Err(wrong(&format!("`{tag}` is no tag")));
        }
        let repository = match host == "docker.io" && !path.contains('/') {
            true => format!("library/{path}"),
            false => path.to_owned(),
        };
        Ok(Self {
            host: host.to_owned(),
            repository,
            at: digest.map_or_else(|| At::Tag(tag.to_owned()), At::Digest),
        })
    }

    /// Whether it is named by a tag, which may name another image tomorrow.
    pub(crate) const fn is_tagged(&self) -> bool {
        matches!(self.at, At::Tag(_))
    }

    /// All of it: `docker.io/library/python:3.12`.
    pub(crate) fn whole(&self) -> String {
        let (host, repository) = (&self.host, &self.repository);
        match &self.at {
            At::Tag(tag) => format!("{host}/{repository}:{tag}"),
            At::Digest(digest) => format!("{host}/{repository}@{digest}"),
        }
    }

    /// What registries call it behind its repository.
    pub(crate) fn at(&self) -> String {
        match &self.at {
            At::Tag(tag) => tag.clone(),
            At::Digest(digest) => digest.to_string(),
        }
    }
}

/// A name or address, and perhaps a port.
fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        // The colons of an address are not that of a port.
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let is_name = match name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
    {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let known =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            !name.is_empty() && name.bytes().all(known)
        }
    };
    is_name
        && port.is_none_or(|port| {
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
        })
}

/// A part of a repository's name: separators stand inside only.
fn is_part(part: &str) -> bool {
    let letter = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let bytes = part.as_bytes();
    let known = |byte: &u8| letter(Some(byte)) || matches!(byte, b'.' | b'_' | b'-');
    letter(bytes.first()) && letter(bytes.last()) && bytes.iter().all(known) && !part.contains("..")
}

fn is_tag(tag: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    !tag.is_empty()
        && tag.len() <= LONGEST_TAG
        && !tag.starts_with(['.', '-'])
        && tag.bytes().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_those_of_docker() {
        for (text, host, repository, at) in [
            ("python", "docker.io", "library/python", "latest"),
            ("acme/app:1.2", "docker.io", "acme/app", "1.2"),
            (
                "index.docker.io/acme/app",
                "docker.io",
                "acme/app",
                "latest",
            ),
            ("ghcr.io/a/b/c:x", "ghcr.io", "a/b/c", "x"),
            ("localhost/app", "localhost", "app", "latest"),
            ("localhost:5000/app:1", "localhost:5000", "app", "1"),
            ("[::1]:5000/app", "[::1]:5000", "app", "latest"),
        ] {
            let name = Name::parse(text).unwrap();
            let found = (name.host.as_str(), name.repository.as_str(), name.at());
            assert_eq!(found, (host, repository, at.to_owned()), "{text}");
        }
        let digest = format!("sha256:{}", "0".repeat(64));
        let both = Name::parse(&format!("acme/app:1@{digest}")).unwrap();
        assert_eq!(both.at(), digest);
    }

    #[test]
    fn what_is_no_name_leads_nowhere() {
        for wrong in [
            "",
            "App",
            "acme/",
            "/app",
            "acme//app",
            "acme/../app",
            "app:",
            "app:.x",
            "app@sha256:1",
            "a b",
            "host:99999/app",
            "http://host/app",
            "user@host.io/app",
            "host.io/app?x=1",
            "[x]:1/app",
            "host.io:80:80/a",
            "host.io:+80/a",
        ] {
            assert!(Name::parse(wrong).is_err(), "{wrong}");
        }
    }
}
