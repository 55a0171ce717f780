//! What must become true of a unit: meaning, not text. The input spells it.

use super::THREAD_VARIABLE;
use crate::facts::Family;
use crate::text::Span;

/// Something that must become true of a unit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// The variable has this value.
    SetEnv {
        /// The variable.
        name: String,
        /// Its value, as the process is to see it.
        value: String,
    },
    /// The variable is called otherwise and keeps its value.
    RenameEnv {
        /// The wrong name.
        from: String,
        /// The right one.
        to: String,
    },
    /// The variable is not set.
    UnsetEnv {
        /// The variable.
        name: String,
    },
    /// The allocator's library is in the image, from the distribution's own package.
    Install(Family),
    /// `LD_PRELOAD` names that allocator so that the loader finds it on every architecture; other
    /// libraries that it names stay.
    Preload(Family),
    /// `MALLOC_CONF` has a value that is right for this process; one that is set stays.
    Tune,
    /// jemalloc's background thread runs in Python processes: the thread hook is in the image, and its
    /// variable asks for it.
    RunThread,
    /// The value in the container's list is text, as a manifest has to write it.
    WriteAsText {
        /// The variable.
        name: String,
        /// What is meant.
        value: String,
    },
    /// The variable is set once: of several settings in one list the last stays, which counts.
    SetOnce {
        /// The variable.
        name: String,
    },
    /// The variable keeps its value, and is set only when the library is there.
    SetAfterLibrary {
        /// The variable.
        name: String,
    },
    /// The installation at that place is run by root, and what follows by whom it was.
    InstallAsRoot {
        /// The command that installs.
        install: Span,
    },
    /// Another package is installed instead.
    ReplacePackage {
        /// The one that goes.
        from: String,
        /// The one that comes.
        to: String,
    },
}

impl Change {
    /// The variables that it may change.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let (one, other) = match self {
            Self::SetEnv { name, .. }
            | Self::UnsetEnv { name }
            | Self::WriteAsText { name, .. }
            | Self::SetOnce { name }
            | Self::SetAfterLibrary { name } => (Some(name.as_str()), None),
            Self::RenameEnv { from, to } => (Some(from.as_str()), Some(to.as_str())),
            Self::Preload(_) => (Some("LD_PRELOAD"), None),
            Self::Tune => (Some("MALLOC_CONF"), None),
            Self::RunThread => (Some("MALLOC_CONF"), Some(THREAD_VARIABLE)),
            Self::Install(_) | Self::InstallAsRoot { .. } | Self::ReplacePackage { .. } => {
                (None, None)
            }
        };
        one.into_iter().chain(other)
    }

    /// Whether it may change the variable `name`.
    #[must_use]
    pub fn is_about(&self, name: &str) -> bool {
        self.variables().any(|own| own == name)
    }

    /// Whether it only adds to what is there.
    #[must_use]
    pub const fn is_an_addition(&self) -> bool {
        matches!(self, Self::Install(_) | Self::Preload(_) | Self::Tune)
    }

    /// What it does, as a short imperative.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::SetEnv { name, value } => format!("set `{name}` to `{value}`"),
            Self::RenameEnv { from, to } => format!("call `{from}` `{to}`"),
            Self::UnsetEnv { name } => format!("drop `{name}`"),
            Self::Install(family) => format!("install {family}"),
            Self::Preload(family) => format!("preload {family}"),
            Self::Tune => "set `MALLOC_CONF`".into(),
            Self::RunThread => "install the thread hook".into(),
            Self::WriteAsText { name, .. } => format!("put the value of `{name}` in quotes"),
            Self::SetOnce { name } => format!("set `{name}` once"),
            Self::SetAfterLibrary { name } => format!("set `{name}` after the installation"),
            Self::InstallAsRoot { .. } => "install as root".into(),
            Self::ReplacePackage { from, to } => format!("install `{to}` instead of `{from}`"),
        }
    }
}
