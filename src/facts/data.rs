//! How the data files are read: once, on first use, and without ever stopping the program.
//!
//! A file that does not parse is a fault of this repository which the unit tests catch; a shipped
//! program that met one would know less, not fail.

use std::sync::OnceLock;

use serde::Deserialize;
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

/// Names in one string, separated by blanks. One string instead of an array per list makes the
/// files parse three times as fast, and reads better where lists are long.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<Box<str>>);

impl Names {
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Names {
    fn from(text: &str) -> Self {
        Self(text.split_whitespace().map(Box::from).collect())
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::from(text.as_str()))
    }
}

/// Pairs in one string, `KEY VALUE`, separated by commas or line ends; ordered as written.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Pairs(String);

impl Pairs {
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> {
        self.0
            .split([',', '\n'])
            .filter_map(|pair| pair.trim().split_once(' '))
    }

    /// The value of the first pair with that key.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|pair| pair.0 == key).map(|pair| pair.1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every part is a pair of two words and no key stands twice, for the unit tests.
    #[cfg(test)]
    pub(super) fn is_well_formed(&self) -> bool {
        let parts = self
            .0
            .split([',', '\n'])
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let mut keys: Vec<_> = self.iter().map(|pair| pair.0).collect();
        let whole = parts
            .clone()
            .all(|part| part.split_whitespace().count() == 2);
        keys.sort_unstable();
        keys.dedup();
        whole && keys.len() == parts.count()
    }
}

/// A calendar day: what decides where a moving tag points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date {
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
    pub(crate) fn parse(text: &str) -> Option<Self> {
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

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not YYYY-MM-DD")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(
            Date::parse("2026-11-22"),
            Some(Date {
                year: 2026,
                month: 11,
                day: 22
            })
        );
        assert!(Date::parse("2026-11-22") > Date::parse("2026-09-30"));
        for text in [
            "",
            "2026",
            "2026-11",
            "2026-13-01",
            "2026-00-01",
            "2026-01-32",
            "26-1-x",
            "-1-1-1",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_broken_file_is_an_empty_one() {
        static BROKEN: Table<Vec<String>> = Table::new("[[");
        assert!(BROKEN.check().is_err());
        assert!(BROKEN.get().is_empty());
    }

    #[test]
    fn lists_in_one_string() {
        let names = Names::from(" a\nb  c ");
        assert_eq!(names.iter().collect::<Vec<_>>(), ["a", "b", "c"]);
        let pairs = Pairs("1 x, 2 y\n3 z".to_owned());
        assert_eq!(
            pairs.iter().collect::<Vec<_>>(),
            [("1", "x"), ("2", "y"), ("3", "z")]
        );
        assert_eq!(pairs.get("2"), Some("y"));
        assert!(pairs.is_well_formed());
        for text in ["1", "1 x y", "1 x, 1 y", "1 x,, 2"] {
            assert!(!Pairs(text.to_owned()).is_well_formed(), "{text}");
        }
    }
}
