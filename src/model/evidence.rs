//! Signs that the memory of a service grows with its work, and is not given back.

use crate::text::Place;

/// One sign, and where it stands.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Of what kind it is.
    pub sign: Sign,
    /// What is written there: `--threads 8`.
    pub text: String,
    /// Where.
    pub place: Place,
}

/// What a sign tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// Several threads of one process answer.
    Threads,
    /// Workers are ended by the number of their requests, or by their memory.
    Recycling,
    /// The program gives memory back by itself.
    Trimming,
    /// Its memory is limited.
    Limit,
    /// The server has a pool of threads for what blocks.
    ThreadPool,
    /// Workers are forked and take many tasks each.
    Prefork,
    /// It works with large blocks of memory: data frames, pictures, documents.
    Packages,
}

impl Sign {
    /// Whether it is enough by itself.
    #[must_use]
    pub const fn is_strong(self) -> bool {
        matches!(self, Self::Threads | Self::Recycling | Self::Trimming)
    }

    /// What it tells, as the beginning of a sentence.
    #[must_use]
    pub const fn means(self) -> &'static str {
        match self {
            Self::Threads => "several threads share a process, and each has a heap of its own",
            Self::Recycling => {
                "its workers are ended again and again, which is done against growth"
            }
            Self::Trimming => "it gives memory back by itself",
            Self::Limit => "its memory is limited",
            Self::ThreadPool => "what blocks runs in a pool of threads",
            Self::Prefork => "forked workers take many tasks each",
            Self::Packages => "it works with large blocks of memory",
        }
    }
}

/// Adds a sign, where there is none of its kind yet.
pub(crate) fn add(signs: &mut Vec<Evidence>, sign: Evidence) {
    if signs.iter().all(|known| known.sign != sign.sign) {
        signs.push(sign);
    }
}

/// Whether they are enough to call what is missing a fault: one that is strong, or two.
#[must_use]
pub(crate) fn are_enough(signs: &[Evidence]) -> bool {
    signs.iter().any(|sign| sign.sign.is_strong()) || signs.len() >= 2
}
