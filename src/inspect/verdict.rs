//! What the memory of a process comes to.

/// What the memory of a process is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The allocator keeps it.
    Retention,
    /// Objects are in it: a leak, a cache, or the work.
    Live,
    /// Some of both.
    Mixed,
    /// That cannot be told.
    #[default]
    Unknown,
}

impl Kind {
    /// The word for machines.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::Live => "live",
            Self::Mixed => "mixed",
            Self::Unknown => "unknown",
        }
    }
}

/// The verdict, why, and what would help.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) kind: Kind,
    pub(super) reason: String,
    pub(super) levers: Vec<String>,
}
