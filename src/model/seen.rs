//! What `malloclint inspect` saw of a service while it ran: no sign, but the thing itself.

/// What was seen of all its processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The report that says so.
    pub report: String,
    /// How long ago it was made: `3 days ago`.
    pub when: String,
    /// What its memory is.
    pub memory: Memory,
    /// How many processes it had.
    pub processes: usize,
    /// Their memory that is of no file, in bytes.
    pub anonymous: u64,
    /// Of it what allocators keep free, in bytes.
    pub free: u64,
    /// glibc had so many heaps in the process that had most; nothing where it was not called.
    pub heaps: Option<usize>,
    /// Some of its processes descend from others.
    pub forks: bool,
    /// Which allocator was called: `glibc`.
    pub allocator: String,
    /// What would help most, in the words of that report.
    pub lever: Option<String>,
    /// Most of what is free lies in Python's own arenas, where another malloc alone changes nothing.
    pub is_pythons: bool,
}

/// What memory turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Kept free by the allocator, all or some of it.
    Kept,
    /// In use.
    Live,
    /// That could not be told.
    Unknown,
}

impl Seen {
    /// What its memory is on glibc's malloc, where that was called.
    #[must_use]
    pub fn on_glibc(&self) -> Memory {
        match self.allocator.as_str() {
            "glibc" => self.memory,
            _ => Memory::Unknown,
        }
    }

    /// What was seen, as a sentence.
    #[must_use]
    pub fn told(&self) -> String {
        let (report, when) = (&self.report, &self.when);
        let processes = match self.processes {
            1 => "its process".to_owned(),
            many => format!("its {many} processes"),
        };
        let seen = format!("`malloclint inspect` saw {processes} {when} (`{report}`)");
        if self.allocator != "glibc" {
            let allocator = &self.allocator;
            return format!("{seen}, on {allocator}: that says nothing of glibc's malloc");
        }
        let (free, all) = (self.free >> 20, self.anonymous >> 20);
        match self.memory {
            Memory::Kept => {
                let keeper = match self.is_pythons {
                    true => "Python's own arenas",
                    false => "glibc's malloc",
                };
                format!("{seen}: {free} of {all} MiB were free, and {keeper} kept most of that")
            }
            Memory::Live => format!(
                "{seen}: {free} of {all} MiB were free, the rest was in use; no allocator gives that back, so find what holds the objects (memray)"
            ),
            Memory::Unknown => format!("{seen}: it could not tell what their memory is"),
        }
    }
}
