//! How the data files are read: once, on first use, and without ever stopping the program.
//!
//! A file that does not parse is a fault of this repository which the unit tests catch; a shipped
//! program that met one would know less, not fail.

use std::sync::OnceLock;

use serde::de::DeserializeOwned;

/// One TOML file compiled into the program, parsed on first use.
pub(super) struct Table<T> {
    text: &'static str,
    parsed: OnceLock<T>,
}

impl<T: DeserializeOwned + Default> Table<T> {
    pub(super) const fn new(text: &'static str) -> Self {
        Self {
            text,
            parsed: OnceLock::new(),
        }
    }

    /// The parsed file; empty when it does not parse.
    pub(super) fn get(&self) -> &T {
        self.parsed
            .get_or_init(|| toml_edit::de::from_str(self.text).unwrap_or_default())
    }

    /// Why the file does not parse, for the unit tests.
    #[cfg(test)]
    pub(super) fn check(&self) -> Result<(), toml_edit::de::Error> {
        toml_edit::de::from_str::<T>(self.text).map(drop)
    }
}

/// A calendar day: what decides where a moving tag points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Year of the Common Era.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl Date {
    /// The day written as `YYYY-MM-DD`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        let year = parts.next()?.parse().ok()?;
        let month = parts
            .next()?
            .parse()
            .ok()
            .filter(|month| (1..=12).contains(month))?;
        let day = parts
            .next()?
            .parse()
            .ok()
            .filter(|day| (1..=31).contains(day))?;
        Some(Self { year, month, day })
    }
}

impl<'de> serde::Deserialize<'de> for Date {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not YYYY-MM-DD")))
    }
}
