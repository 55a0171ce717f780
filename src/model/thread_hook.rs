//! The thread hook: what of it an image has, and whether a process runs jemalloc's background thread by it.

use super::Unit;

/// What asks the hook for the thread: anything but empty and 0.
pub(crate) const THREAD_VARIABLE: &str = "JEMALLOC_THREAD_IN_PYTHON";
const MODULE: &str = "jemalloc_thread";
const FORMER_MODULE: &str = "jemalloc_after_fork";

/// What an image has of the hook, as far as its text and its files tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ThreadHook {
    /// Nothing.
    #[default]
    Absent,
    /// That of former versions: it asks `MALLOC_CONF`, and starts the thread again after a fork.
    Former,
    /// It asks its own variable.
    Present,
}

impl ThreadHook {
    /// What an instruction, or the name of a file, brings.
    #[must_use]
    pub fn named_in(text: &str) -> Self {
        if text.contains(MODULE) {
            Self::Present
        } else if text.contains(FORMER_MODULE) {
            Self::Former
        } else {
            Self::Absent
        }
    }
}

impl Unit {
    /// Whether jemalloc's thread runs in all Python processes, forked ones among them.
    #[must_use]
    pub fn runs_thread(&self) -> bool {
        match self.thread_hook {
            ThreadHook::Absent => false,
            ThreadHook::Former => true,
            ThreadHook::Present => self.env.get(THREAD_VARIABLE).is_some_and(|var| {
                // What is not known may well ask.
                !matches!(var.now.value.known(), Some("" | "0"))
            }),
        }
    }

    /// Whether the user wants the thread in a process that runs without it.
    #[must_use]
    pub fn lacks_thread(&self) -> bool {
        self.thread_wanted && !self.runs_thread()
    }
}
