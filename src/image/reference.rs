//! What an image is called, as skopeo and podman call it: `oci:DIR:TAG`.

use std::path::PathBuf;

/// Where an image is, and which of those that are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) transport: Transport,
    /// The folder or file.
    pub(crate) path: PathBuf,
    /// The tag, or the whole name in an archive of docker; without one the only image that is there.
    pub(crate) name: Option<String>,
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

/// The names of all transports that are read.
const TRANSPORTS: [(&str, Transport); 3] = [
    ("oci", Transport::OciLayout),
    ("oci-archive", Transport::OciArchive),
    ("docker-archive", Transport::DockerArchive),
];
/// Those that others know, and what brings their images here.
const ELSEWHERE: [(&str, &str); 4] = [
    ("docker", "skopeo copy"),
    ("docker-daemon", "skopeo copy"),
    ("containers-storage", "skopeo copy"),
    ("dir", "skopeo copy"),
];

impl Reference {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it, and what to write.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let forms = "`oci:DIR:TAG`, `oci-archive:FILE` or `docker-archive:FILE`";
        let (transport, rest) = text
            .split_once(':')
            .ok_or_else(|| format!("`{text}` names no image: write {forms}"))?;
        let known = TRANSPORTS.iter().find(|(name, _)| *name == transport);
        let Some((_, transport)) = known else {
            let elsewhere = ELSEWHERE.iter().find(|(name, _)| *name == transport);
            return Err(match elsewhere {
                Some((_, copy)) => format!(
                    "`{transport}:` is not read: copy the image with `{copy} {text} oci:DIR:TAG`, and check that"
                ),
                None => format!("`{text}` names no image: write {forms}"),
            });
        };
        // As skopeo has it the path ends at the first colon.
        let (path, name) = match rest.split_once(':') {
            Some((path, name)) => (path, Some(name.to_owned())),
            None => (rest, None),
        };
        if path.is_empty() || name.as_deref() == Some("") {
            return Err(format!("`{text}` names no image: write {forms}"));
        }
        Ok(Self {
            transport: *transport,
            path: PathBuf::from(path),
            name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_skopeo() {
        let parse = |text| Reference::parse(text);
        let layout = parse("oci:build/app:1.2").unwrap();
        assert_eq!(layout.transport, Transport::OciLayout);
        assert_eq!(layout.path, PathBuf::from("build/app"));
        assert_eq!(layout.name.as_deref(), Some("1.2"));
        let archive = parse("docker-archive:/tmp/app.tar:docker.io/acme/app:1").unwrap();
        assert_eq!(archive.name.as_deref(), Some("docker.io/acme/app:1"));
        assert_eq!(parse("oci-archive:a.tar").unwrap().name, None);
        for wrong in ["app", "oci:", "oci:dir:", "app:1", "OCI:dir"] {
            assert!(
                parse(wrong).unwrap_err().contains("names no image"),
                "{wrong}"
            );
        }
        assert!(
            parse("docker://acme/app")
                .unwrap_err()
                .contains("skopeo copy docker://acme/app oci:DIR:TAG")
        );
    }
}
