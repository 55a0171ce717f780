//! What the memory of a process comes to.

use serde::{Deserialize, Serialize};

/// What the memory of a process is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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

/// Less than this is no matter, in bytes.
pub(super) const LITTLE: u64 = 16 << 20;

/// What would change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Means {
    /// Another allocator.
    Jemalloc,
    /// `MALLOC_ARENA_MAX`.
    ArenaMax,
    /// `MALLOC_TRIM_THRESHOLD_`.
    TrimThreshold,
    /// A shorter `dirty_decay_ms`.
    Decay,
    /// `background_thread:true`, or that it is started again in workers.
    BackgroundThread,
    /// Fewer arenas of jemalloc.
    Narenas,
    /// `PYTHONMALLOC=malloc` with jemalloc.
    PythonMalloc,
    /// No allocator: a profiler of memory.
    Profiler,
}

/// A means, and what it does here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lever {
    pub(crate) means: Means,
    pub(crate) text: String,
}

/// The verdict, why, and what would help, the best first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) kind: Kind,
    pub(crate) reason: String,
    pub(crate) levers: Vec<Lever>,
}
