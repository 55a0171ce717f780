//! Where a patched image goes, and the folder in which it lies until it is whole.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::layout::Layout;
use super::{Plan, archive, push};
use crate::image::{Digest, Name, Reference, Refused, Sources, Taker, Transport};

/// What unfinished things are called.
const UNFINISHED: &str = ".malloclint-";
/// What a layout holds before it holds an image.
const BEGUN: [&str; 2] = ["blobs", "oci-layout"];

/// Where an image goes, as skopeo names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    Stored(Place),
    /// Into a registry, under a tag.
    Registry(Name),
    /// Into the engine, under a whole name.
    Engine(String),
}

/// A folder or file for an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    transport: Transport,
    path: PathBuf,
    /// The tag, or the whole name in an archive of docker.
    name: Option<String>,
}

impl Destination {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it, and what to write.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let digest = || format!("`{text}` names a digest, and that is what comes out: name a tag");
        if let Some(transport) = Reference::elsewhere(text) {
            return Err(format!(
                "`{transport}:` is not written: write `oci:DIR:TAG`, and bring it there with `skopeo copy oci:DIR:TAG {text}`"
            ));
        }
        let (transport, path, name) = match Reference::parse(text)? {
            Reference::Registry(name) if name.is_tagged() => return Ok(Self::Registry(name)),
            Reference::Registry(_) => return Err(digest()),
            Reference::Engine(name) if name.contains('@') => return Err(digest()),
            Reference::Engine(name) => return whole(&name).map(Self::Engine),
            Reference::Stored {
                transport,
                path,
                name,
            } => (transport, path, name),
        };
        if name.as_deref().and_then(Digest::parse).is_some() {
            return Err(digest());
        }
        let name = match transport {
            Transport::DockerArchive => name.map(|name| whole(&name)).transpose()?,
            Transport::OciLayout | Transport::OciArchive => name,
        };
        Ok(Self::Stored(Place {
            transport,
            path,
            name,
        }))
    }

    /// Looks at what is there, and makes room beside it; of a registry only whether it can be asked. `of`: what the image is made of.
    ///
    /// # Errors
    /// Where it is something else, or nothing can be written there.
    pub(crate) fn open<'a>(
        self,
        sources: &'a Sources,
        of: &Reference,
    ) -> Result<Open<'a>, Refused> {
        match self {
            Self::Stored(place) => place.open().map(Open::Stored),
            Self::Registry(name) => sources.taker(&name, of).map(Open::Registry),
            Self::Engine(name) => {
                sources.engine_answers()?;
                let staging = TempDir::with_prefix("malloclint-").map_err(|error| {
                    Refused::new(format!("there is no place for an archive: {error}"))
                })?;
                Ok(Open::Engine(Loading {
                    sources,
                    name,
                    staging,
                }))
            }
        }
    }
}

impl Place {
    /// Looks at what is there, and makes room beside it.
    fn open(self) -> Result<Room, Refused> {
        let wrong = |error: io::Error| self.refused(&error);
        let there = match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            there => Some(there.map_err(wrong)?),
        };
        let is_layout = self.transport == Transport::OciLayout;
        if there
            .as_ref()
            .is_some_and(|there| !is_layout && !there.is_file())
        {
            return Err(self.refused(&"it is not a plain file"));
        }
        let before = match there.is_some() && is_layout {
            true => self.index()?,
            false => None,
        };
        // A folder may be the only one of its file system.
        let above = match there.is_some() && is_layout {
            true => self.path.as_path(),
            false => self
                .path
                .parent()
                .filter(|above| !above.as_os_str().is_empty())
                .unwrap_or(Path::new(".")),
        };
        fs::create_dir_all(above).map_err(wrong)?;
        let staging = staging(above).map_err(wrong)?;
        Ok(Room {
            place: self,
            before,
            staging,
        })
    }

    /// The index of the layout that is there; nothing in a folder that is no layout yet.
    fn index(&self) -> Result<Option<Vec<u8>>, Refused> {
        let wrong = |error: io::Error| self.refused(&error);
        let index = self.path.join("index.json");
        match fs::symlink_metadata(&index) {
            Ok(meta) if meta.is_file() => return fs::read(&index).map(Some).map_err(wrong),
            Ok(_) => return Err(self.refused(&"its index.json is not a plain file")),
            Err(_) => {}
        }
        for entry in fs::read_dir(&self.path).map_err(wrong)? {
            let name = entry.map_err(wrong)?.file_name();
            let is_own = BEGUN.iter().any(|own| name == OsStr::new(own));
            if !is_own && !name.to_string_lossy().starts_with(UNFINISHED) {
                return Err(self.refused(
                    &"it has no index.json, so it is not an OCI layout: name another folder, or one that is empty",
                ));
            }
        }
        Ok(None)
    }

    fn refused(&self, why: &dyn std::fmt::Display) -> Refused {
        Refused::new(format!("{}: {why}", self.path.display()))
    }
}

/// A name as `docker load` takes it, with its tag.
fn whole(name: &str) -> Result<String, String> {
    Reference::parse(&format!("docker://{name}"))?;
    let last = name.rsplit('/').next().unwrap_or_default();
    Ok(match last.contains(':') {
        true => name.to_owned(),
        false => format!("{name}:latest"),
    })
}

fn staging(above: &Path) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    #[cfg(unix)]
    {
        // It may become the layout: as any program makes folders, the umask takes away what it takes away.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    builder.tempdir_in(above)
}

/// A destination that can be written to.
pub(crate) enum Open<'a> {
    Stored(Room),
    Registry(Box<dyn Taker>),
    Engine(Loading<'a>),
}

impl Open<'_> {
    /// What has to go where the run ends before it is done.
    pub(crate) fn unfinished(&self) -> Option<&Path> {
        match self {
            Self::Stored(room) => Some(room.staging.path()),
            Self::Engine(loading) => Some(loading.staging.path()),
            Self::Registry(_) => None,
        }
    }

    /// Writes all that was planned, whole or not at all. `step`: called for each part.
    ///
    /// # Errors
    /// Where that fails; then all is as it was.
    pub(crate) fn write(self, plan: &Plan<'_>, step: &dyn Fn()) -> Result<(), Refused> {
        match self {
            Self::Stored(room) => room.write(plan, step),
            Self::Registry(taker) => push::push(plan, taker.as_ref(), step),
            Self::Engine(loading) => loading.write(plan, step),
        }
    }
}

/// An engine, and a folder for what it is to load.
pub(crate) struct Loading<'a> {
    sources: &'a Sources,
    name: String,
    staging: TempDir,
}

impl Loading<'_> {
    fn write(self, plan: &Plan<'_>, step: &dyn Fn()) -> Result<(), Refused> {
        let archive = self.staging.path().join("archive");
        archive::docker(plan, Some(&self.name), &archive, step)
            .map_err(|why| Refused::new(why.to_string()))?;
        self.sources.load(&archive)
    }
}

/// A place with room for what is unfinished, which goes with this.
#[derive(Debug)]
pub(crate) struct Room {
    place: Place,
    /// The index of the layout that is there.
    before: Option<Vec<u8>>,
    staging: TempDir,
}

impl Room {
    fn write(self, plan: &Plan<'_>, step: &dyn Fn()) -> Result<(), Refused> {
        let Self {
            place,
            before,
            staging,
        } = self;
        let (path, name) = (place.path.as_path(), place.name.as_deref());
        let archive = staging.path().join("archive");
        let written = match place.transport {
            Transport::OciLayout => Layout {
                folder: path,
                tag: name,
                before: before.as_deref(),
            }
            .write(plan, staging, step),
            Transport::OciArchive => archive::layout(plan, name, &archive, step)
                .and_then(|()| Ok(fs::rename(&archive, path)?)),
            Transport::DockerArchive => archive::docker(plan, name, &archive, step)
                .and_then(|()| Ok(fs::rename(&archive, path)?)),
        };
        written.map_err(|why| place.refused(&why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_written_is_a_destination() {
        assert_eq!(
            Destination::parse("docker-daemon:acme/app").unwrap(),
            Destination::Engine("acme/app:latest".into())
        );
        let place = |text: &str| match Destination::parse(text).unwrap() {
            Destination::Stored(place) => place,
            other => panic!("{other:?}"),
        };
        let read = place("oci:out/app:1");
        assert_eq!((read.path, read.name), ("out/app".into(), Some("1".into())));
        let named = |text: &str| place(text).name;
        assert_eq!(
            named("docker-archive:a.tar:acme/app").as_deref(),
            Some("acme/app:latest")
        );
        assert_eq!(
            named("docker-archive:a.tar:h:80/app:1").as_deref(),
            Some("h:80/app:1")
        );
        assert_eq!(named("oci-archive:a.tar"), None);
        let tagless = |name: &str| format!("{name}@sha256:{}", "0".repeat(64));
        for (wrong, why) in [
            (tagless("docker://acme/app").as_str(), "name a tag"),
            (&tagless("docker-daemon:app"), "name a tag"),
            ("docker-daemon:App", "no name of an image"),
            ("acme/app:1", "does not say where"),
            ("dir:out", "`skopeo copy oci:DIR:TAG dir:out`"),
            (&tagless("oci:out"), "name a tag"),
            ("docker-archive:a.tar:App", "no name of an image"),
        ] {
            let said = Destination::parse(wrong).unwrap_err();
            assert!(said.contains(why), "{wrong}: {said}");
        }
    }

    #[test]
    fn a_folder_with_other_things_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str| {
            let place = Place {
                transport: Transport::OciLayout,
                path: folder.path().join(name),
                name: None,
            };
            place.open()
        };
        assert!(open("new/app").is_ok());
        fs::create_dir_all(folder.path().join("empty/blobs")).unwrap();
        assert!(open("empty").is_ok());
        fs::write(folder.path().join("empty/notes"), "x").unwrap();
        let why = open("empty").unwrap_err().to_string();
        assert!(why.contains("not an OCI layout"), "{why}");
        // Nothing is left of what was not finished.
        assert_eq!(fs::read_dir(folder.path().join("new")).unwrap().count(), 0);
    }
}
