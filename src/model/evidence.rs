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

impl Evidence {
    /// The memory of a container is limited to so many bytes.
    pub(crate) fn limit(bytes: u64, place: &Place) -> Self {
        let text = place.file.text(place.span);
        let as_written = text.trim_matches(['"', '\'', ' ']);
        let said = |text: &&str| text.starts_with(|c: char| c.is_ascii_digit() || c == '$');
        let as_written = Some(as_written).filter(|text| said(text) && text.len() < 40);
        Self {
            sign: Sign::Limit,
            text: as_written.map_or_else(|| format!("{} MiB", bytes >> 20), str::to_owned),
            place: place.clone(),
        }
    }
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
            Self::Trimming => "a source in the image gives memory back",
            Self::Limit => "its memory is limited",
            Self::ThreadPool => "what blocks may run in a pool of threads",
            Self::Prefork => "forked workers take many tasks each",
            Self::Packages => "a package that asks malloc for much is installed",
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
