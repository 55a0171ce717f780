//! What an image is called, as skopeo and podman call it: `oci:DIR:TAG`, `docker://NAME`.

mod name;

use std::fmt;
use std::path::{Path, PathBuf};

use super::digest::Digest;

#[cfg(feature = "network")]
pub(crate) use name::At;
pub(crate) use name::Name;

/// Where an image is, and which of those that are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    Stored {
        transport: Transport,
        /// The folder or file.
        path: PathBuf,
        /// The tag, or the whole name in an archive of docker; without one the only image that is there.
        name: Option<String>,
    },
    /// In a registry.
    Registry(Name),
    /// In an engine, by the name that it has there.
    Engine(String),
}

/// How images are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// A folder in the layout of OCI.
    OciLayout,
    /// The same in an archive.
    OciArchive,
    /// What `docker save` writes.
    DockerArchive,
}

/// The names of all transports that are read from the disk.
const TRANSPORTS: [(&str, Transport); 3] = [
    ("oci", Transport::OciLayout),
    ("oci-archive", Transport::OciArchive),
    ("docker-archive", Transport::DockerArchive),
];
/// Those that others know, and that nothing here reads.
const ELSEWHERE: [&str; 2] = ["containers-storage", "dir"];

const FORMS: &str = "`docker://NAME`, `docker-daemon:NAME`, `oci:DIR:TAG`, `oci-archive:FILE` or `docker-archive:FILE`";

impl Reference {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it, and what to write.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let no_image = || format!("`{text}` names no image: write {FORMS}");
        if let Some(name) = text.strip_prefix("docker://") {
            return Name::parse(name).map(Self::Registry);
        }
        let (transport, rest) = text.split_once(':').unwrap_or(("", text));
        if transport == "docker-daemon" && !rest.is_empty() {
            return Ok(Self::Engine(rest.to_owned()));
        }
        let known = TRANSPORTS.iter().find(|(name, _)| *name == transport);
        let Some((_, transport)) = known else {
            return Err(match ELSEWHERE.contains(&transport) {
                true => format!(
                    "`{transport}:` is not read: copy the image with `skopeo copy {text} oci:DIR:TAG`, and check that"
                ),
                false if Name::parse(text).is_ok() => {
                    format!(
                        "`{text}` does not say where the image is: write `docker://{text}` for one of a registry, or {FORMS}"
                    )
                }
                false => no_image(),
            });
        };
        // As skopeo has it the path ends at the first colon; a digest may stand instead of a tag.
        let end = rest
            .split_once("@sha")
            .filter(|(_, digest)| Digest::parse(&format!("sha{digest}")).is_some());
        let end = end.map(|(path, _)| (path, rest.get(path.len() + 1..).unwrap_or_default()));
        let (path, name) = match end.or_else(|| rest.split_once(':')) {
            Some((path, name)) => (path, Some(name.to_owned())),
            None => (rest, None),
        };
        if path.is_empty() || name.as_deref() == Some("") {
            return Err(no_image());
        }
        Ok(Self::Stored {
            transport: *transport,
            path: PathBuf::from(path),
            name,
        })
    }

    /// The transport of a text that others know, and that nothing here reads or writes.
    pub(crate) fn elsewhere(text: &str) -> Option<&str> {
        let (transport, _) = text.split_once(':')?;
        ELSEWHERE.contains(&transport).then_some(transport)
    }

    /// Reads one of a list, where those of registries stand as engines and clusters name them.
    ///
    /// # Errors
    /// What is wrong with it, and what to write.
    pub(crate) fn parse_listed(text: &str) -> Result<Self, String> {
        let bare = text.strip_prefix("docker-pullable://").unwrap_or(text);
        Self::parse(bare).or_else(|why| Name::parse(bare).map(Self::Registry).map_err(|_| why))
    }

    /// Whether a text names an image on the disk.
    pub(crate) fn is_stored(text: &str) -> bool {
        let transport = text.split_once(':').map(|(transport, _)| transport);
        TRANSPORTS.iter().any(|(name, _)| Some(*name) == transport)
    }

    /// The same, where its path counts from a folder.
    pub(crate) fn below(self, folder: &Path) -> Self {
        match self {
            Self::Stored {
                transport,
                path,
                name,
            } => Self::Stored {
                transport,
                path: folder.join(path),
                name,
            },
            other => other,
        }
    }

    /// The name that is the same on every machine: `docker.io/library/python:3.12`. One that is stored here has none.
    pub(crate) fn everywhere(&self) -> Option<String> {
        match self {
            Self::Registry(name) => Some(name.whole()),
            Self::Stored { .. } | Self::Engine(_) => None,
        }
    }

    /// The folder or file that holds it.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Stored { path, .. } => Some(path),
            Self::Registry(_) | Self::Engine(_) => None,
        }
    }

    /// Which of those in the store.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Stored { name, .. } => name.as_deref(),
            Self::Registry(_) | Self::Engine(_) => None,
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored {
                transport,
                path,
                name,
            } => {
                let known = TRANSPORTS.iter().find(|(_, known)| known == transport);
                write!(
                    out,
                    "{}:{}",
                    known.map_or("", |(name, _)| name),
                    path.display()
                )?;
                match name {
                    Some(name) if Digest::parse(name).is_some() => write!(out, "@{name}"),
                    Some(name) => write!(out, ":{name}"),
                    None => Ok(()),
                }
            }
            Self::Registry(name) => write!(
                out,
                "docker://{}/{}:{}",
                name.host,
                name.repository,
                name.at()
            ),
            Self::Engine(name) => write!(out, "docker-daemon:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(text: &str) -> (Transport, PathBuf, Option<String>) {
        match Reference::parse(text).unwrap() {
            Reference::Stored {
                transport,
                path,
                name,
            } => (transport, path, name),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_are_those_of_skopeo() {
        let (transport, path, name) = stored("oci:build/app:1.2");
        assert_eq!(transport, Transport::OciLayout);
        assert_eq!(path, PathBuf::from("build/app"));
        assert_eq!(name.as_deref(), Some("1.2"));
        let (_, _, name) = stored("docker-archive:/tmp/app.tar:docker.io/acme/app:1");
        assert_eq!(name.as_deref(), Some("docker.io/acme/app:1"));
        assert_eq!(stored("oci-archive:a.tar").2, None);
        let registry = Reference::parse("docker://python:3.12").unwrap();
        let whole = Some("docker.io/library/python:3.12".to_owned());
        assert_eq!(registry.everywhere(), whole);
        let digest = format!("sha256:{}", "0".repeat(64));
        let text = format!("oci:cache@{digest}");
        let (_, path, name) = stored(&text);
        assert_eq!((path, name), (PathBuf::from("cache"), Some(digest)));
        assert_eq!(Reference::parse(&text).unwrap().to_string(), text);
        for wrong in ["oci:", "oci:dir:", "OCI:dir", "docker-daemon:", ""] {
            let why = Reference::parse(wrong).unwrap_err();
            assert!(why.contains("names no image"), "{wrong}: {why}");
        }
        let engine = Reference::parse("docker-daemon:acme/app:1").unwrap();
        assert_eq!(engine, Reference::Engine("acme/app:1".into()));
        let why = Reference::parse("dir:app").unwrap_err();
        assert!(why.contains("skopeo copy dir:app oci:DIR:TAG"), "{why}");
    }

    #[test]
    fn a_name_alone_is_one_of_a_registry_in_a_list_only() {
        let why = Reference::parse("acme/app:1").unwrap_err();
        assert!(why.contains("write `docker://acme/app:1`"), "{why}");
        let listed = Reference::parse_listed("acme/app:1").unwrap();
        assert_eq!(listed, Reference::parse("docker://acme/app:1").unwrap());
        assert!(Reference::parse_listed("Not An Image").is_err());
    }
}
