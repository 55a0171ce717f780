//! A value together with how we know it.

use crate::secrets::masked_line;
use crate::text::Place;

/// A value, and whether the text says so, we take it to be so, or cannot tell.
///
/// Rules say nothing on [`Fact::Unknown`]: a false alarm costs more trust than a miss.
#[derive(Clone, Debug)]
pub enum Fact<T> {
    /// The text says so, there.
    Known(T, Place),
    /// Likely, for the reason given.
    Assumed(T, String),
    /// Cannot be told, for the reason given.
    Unknown(String),
}

impl<T> Fact<T> {
    /// The value, known or assumed.
    #[must_use]
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Known(value, _) | Self::Assumed(value, _) => Some(value),
            Self::Unknown(_) => None,
        }
    }

    /// The value where the text says so.
    #[must_use]
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value, _) => Some(value),
            _ => None,
        }
    }

    /// How we know, as the end of a sentence about what stands at `near`: `FROM python:3.12-slim, line 1`,
    /// with the path where that is another file.
    #[must_use]
    pub fn because(&self, near: &Place) -> String {
        match self {
            Self::Known(_, place) => {
                let text = place.file.text(place.span);
                let first = text.lines().next().unwrap_or_default().trim();
                let elsewhere = place.file.path != near.file.path;
                let of = elsewhere.then(|| format!(" of {}", place.file.path));
                let of = of.unwrap_or_default();
                // Where a built image names what it stands on, nothing is written.
                if first.is_empty() {
                    return "what is in the image".into();
                }
                format!("`{}`, line {}{of}", clip(first), place.line())
            }
            Self::Assumed(_, why) | Self::Unknown(why) => why.clone(),
        }
    }

    /// The same provenance with another value.
    #[must_use]
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Known(value, place) => Fact::Known(change(value), place),
            Self::Assumed(value, why) => Fact::Assumed(change(value), why),
            Self::Unknown(why) => Fact::Unknown(why),
        }
    }
}

fn clip(text: &str) -> String {
    // What is cut could not be told for a secret any more.
    let text = &masked_line(text);
    const LIMIT: usize = 80;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or(text)),
        None => text.clone(),
    }
}
