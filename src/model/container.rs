//! A container as a manifest or a Compose file starts it: what is laid over an image.

use super::{Fact, Setting, User};
use crate::facts::Arch;
use crate::text::Place;

/// What a container's description says; what it does not say is the image's.
#[derive(Clone, Debug)]
pub struct Container {
    /// What a report calls it: ``container `api` ``.
    pub name: String,
    /// Where it is described.
    pub place: Place,
    /// The image it runs, by name.
    pub image: Option<Named>,
    /// How the image is built, where that is said.
    pub build: Option<Build>,
    /// Its variables, in the order in which they take effect.
    pub env: Vec<(String, Setting)>,
    /// What is wrong with how they are written.
    pub env_faults: Vec<EnvFault>,
    /// What runs in place of the image's entrypoint.
    pub entrypoint: Option<Words>,
    /// What is passed in place of the image's command.
    pub cmd: Option<Words>,
    /// Who runs it, where that is said.
    pub user: Option<Fact<User>>,
    /// The architectures that it is pinned to, where it is.
    pub archs: Option<Fact<Vec<Arch>>>,
    /// The folders at which volumes are mounted.
    pub mounts: Vec<String>,
    /// What it may use at most.
    pub limits: Limits,
    /// Why it keeps running, where what starts it sees to that: a Deployment.
    pub kept_running: Option<String>,
    /// Why it ends, or serves no production: a Job, an init container, a test.
    pub not_production: Option<String>,
    /// Which variables it may get that are not seen here.
    pub gaps: Gaps,
}

/// Why a container may get variables that are not seen.
#[derive(Clone, Debug, Default)]
pub struct Gaps {
    /// It gets some, and they may be an allocator's.
    pub unseen: Option<String>,
    /// It may, and nothing speaks for it: a file that is not committed, a ConfigMap elsewhere.
    pub doubt: Option<String>,
}

/// What a container may use at most, and where that is said.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// CPU time, in thousandths of a core.
    pub cpu: Option<(u64, Place)>,
    /// Memory, in bytes.
    pub memory: Option<(u64, Place)>,
}

/// A name and where it stands.
#[derive(Clone, Debug)]
pub struct Named {
    /// The name.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// The words of a command and where they stand.
#[derive(Clone, Debug)]
pub struct Words {
    pub words: Vec<String>,
    /// What variables put into them whose values are not shown.
    pub(crate) hidden: Vec<String>,
    /// Where they stand.
    pub place: Place,
}

/// A text in which variables stood.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expanded {
    /// With their values.
    pub(crate) text: String,
    /// Those of the values that are not shown.
    pub(crate) hidden: Vec<String>,
}

/// How an image is built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    /// The folder that is built, relative to the file that says so.
    pub context: String,
    /// The Dockerfile, relative to that folder; `Dockerfile` where nothing is said.
    pub dockerfile: Option<String>,
    /// The stage; the last one where nothing is said.
    pub target: Option<String>,
}

/// A variable that is not written as its reader wants it.
#[derive(Clone, Debug)]
pub struct EnvFault {
    /// The variable.
    pub name: String,
    /// What is wrong.
    pub kind: EnvFaultKind,
    /// Where.
    pub place: Place,
}

/// What is wrong with how a variable is written.
#[derive(Clone, Debug)]
pub enum EnvFaultKind {
    /// The value is a number, a boolean or a collection; the text is what is meant, where that is clear.
    NotString(Option<String>),
    /// The variable stands in the list before.
    Again {
        /// Where it does.
        first: Place,
        /// Whether it has the same value there.
        same: bool,
        /// Whether the API server merges such lists by name.
        merged_by_name: bool,
    },
}

/// Where the image of a unit comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The file itself says how it is built.
    #[default]
    Own,
    /// Another file of the project builds it: its path, and why we think so where nothing says it.
    Linked(String, Option<String>),
    /// It is built elsewhere.
    Foreign,
}

impl Source {
    /// Where a setting of the unit would stand: a container has no stage.
    #[must_use]
    pub const fn here(&self) -> &'static str {
        match self {
            Self::Own => "in this stage",
            Self::Linked(..) | Self::Foreign => "for this container",
        }
    }
}
