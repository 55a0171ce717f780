//! What is preloaded, and what the dynamic loader makes of it.

use super::Library;
use crate::facts::{Arch, Family};
use crate::text::Place;

/// One entry of `LD_PRELOAD` or `/etc/ld.so.preload`.
#[derive(Clone, Debug)]
pub struct Preload {
    /// The name as the loader sees it.
    pub name: String,
    /// Where the entry stands.
    pub place: Place,
    /// Which allocator it is; `None` for other libraries.
    pub family: Option<Family>,
    /// How the loader gets it.
    pub via: Via,
    /// The build step that sets it.
    pub step: usize,
    /// A test of the start script decides about it.
    pub conditional: bool,
    /// What the loader makes of it.
    pub outcome: Outcome,
}

impl Preload {
    /// Whether anything can be said of it: it names an allocator, or is wrong whatever it names.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        self.family.is_some() || matches!(self.outcome, Outcome::NotExpanded(_) | Outcome::Folder)
    }
}

/// How a process gets a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// The image's or the container's environment.
    Environment,
    /// `/etc/ld.so.preload`.
    File,
    /// The start-up script exports it.
    Script,
    /// The command sets it for itself: `env LD_PRELOAD=... python`.
    Command,
}

/// What the loader makes of a preload entry.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is loaded.
    Works(Library),
    /// It is loaded on this architecture; nothing pins the platform.
    WorksOn(Arch, Library),
    /// It does not name an allocator.
    NoAllocator,
    /// It is a folder.
    Folder,
    /// The loader does not read the file that names it.
    Unread,
    /// Cannot be told, for the reason given.
    Unknown(String),
    /// Characters that become part of the name.
    Malformed(String),
    /// Shell syntax or a variable that nothing expands; the text of it.
    NotExpanded(String),
    /// The path is that of another architecture than the unit runs on.
    WrongArch {
        /// The one in the path.
        named: Arch,
        /// The ones it runs on.
        runs: Vec<Arch>,
    },
    /// The library is there under another file name.
    WrongSoname(Library),
    /// The library is there, elsewhere.
    WrongPath(Library),
    /// The library is in another stage only.
    WrongStage {
        /// The stage, by the name a report uses.
        stage: String,
        /// Where the library is put there.
        place: Place,
    },
    /// It was built for another C library, or a newer one.
    WrongLibc {
        /// What it was built for, what is here.
        why: String,
        library: Library,
    },
    /// Libraries that it links against are missing.
    NeedsMissing {
        /// Their names.
        needs: Vec<String>,
        library: Library,
    },
    /// Nothing provides it.
    NotInstalled,
}

impl Outcome {
    /// Whether it is loaded, at least on one architecture.
    #[must_use]
    pub const fn works(&self) -> bool {
        matches!(self, Self::Works(_) | Self::WorksOn(..))
    }

    /// What becomes of it, in a few words.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Works(_) => "loaded".into(),
            Self::WorksOn(arch, _) => format!("loaded on {} only", arch.docker()),
            Self::NoAllocator => "no allocator".into(),
            Self::Folder => "a folder".into(),
            Self::Unread => "not read on musl".into(),
            Self::Unknown(why) => format!("cannot be told ({why})"),
            Self::Malformed(_) => "malformed".into(),
            Self::NotExpanded(what) => format!("`{what}` is not expanded"),
            Self::WrongArch { named, .. } => format!("the path of {}", named.docker()),
            Self::WrongSoname(_) => "there under another name".into(),
            Self::WrongPath(_) => "there in another folder".into(),
            Self::WrongStage { stage, .. } => format!("in stage `{stage}` only"),
            Self::WrongLibc { why, .. } => why.clone(),
            Self::NeedsMissing { needs, .. } => format!("lacks {}", needs.join(", ")),
            Self::NotInstalled => "not installed".into(),
        }
    }

    /// The library it is about, where there is one.
    #[must_use]
    pub const fn library(&self) -> Option<&Library> {
        match self {
            Self::Works(library)
            | Self::WorksOn(_, library)
            | Self::WrongSoname(library)
            | Self::WrongPath(library)
            | Self::WrongLibc { library, .. }
            | Self::NeedsMissing { library, .. } => Some(library),
            _ => None,
        }
    }
}
