//! What an archive says of a suite: what it is called, how long that holds, and what its indexes come to (Debian's wiki,
//! DebianRepository/Format).

use super::keys::AHEAD;
use super::paragraphs::{self, Paragraph};
use super::sources::Source;
use crate::image::Digest;
use crate::text::date;

/// A file `InRelease` whose signature holds.
#[derive(Debug)]
pub(super) struct Release(Paragraph);

/// An index as it is stored, below the folder of the suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) path: String,
    /// In bytes.
    pub(super) size: u64,
    pub(super) digest: Digest,
}

/// As they are packed, the one first that takes the fewest bytes.
const PACKED: [&str; 3] = [".xz", ".gz", ""];

impl Release {
    /// Reads what is signed. `now`: in seconds since 1970.
    ///
    /// # Errors
    /// Where it is about another suite, or does not hold at that time.
    pub(super) fn read(text: &str, source: &Source, now: u64) -> Result<Self, String> {
        let mut told = paragraphs::read(text).map_err(|line| format!("line {line} is no field"))?;
        if told.len() != 1 {
            return Err("it is not one paragraph".into());
        }
        let release = Self(told.pop().unwrap_or_default());
        release.is_of(&source.suite)?;
        release.holds(now)?;
        if release.0.get("SHA256").is_none() {
            return Err(
                "it names its indexes by digests that are too weak, or not at all (no SHA256)"
                    .into(),
            );
        }
        Ok(release)
    }

    fn is_of(&self, suite: &str) -> Result<(), String> {
        // Security of Debian 10 and before: `buster/updates` calls itself `buster`.
        let bare = suite.strip_suffix("/updates").unwrap_or(suite);
        let named: Vec<&str> = ["Suite", "Codename"]
            .iter()
            .filter_map(|name| self.0.get(name))
            .collect();
        match named.iter().any(|name| *name == bare || *name == suite) {
            true => Ok(()),
            false => Err(format!(
                "it is about `{}`, and not about `{suite}`",
                named.join("`, `")
            )),
        }
    }

    fn holds(&self, now: u64) -> Result<(), String> {
        let time = |name: &str| match self.0.get(name) {
            Some(text) => seconds(text)
                .map(Some)
                .ok_or_else(|| format!("its {name} is no date: `{text}`")),
            None => Ok(None),
        };
        let made = time("Date")?.ok_or("it has no date")?;
        if made > now + AHEAD {
            return Err(format!(
                "it is from the future ({}): is the clock of this machine right?",
                date::utc(made)
            ));
        }
        match time("Valid-Until")? {
            Some(until) if until <= now => Err(format!(
                "it expired ({}): the archive is no longer kept, or somebody sends what is old",
                date::utc(until)
            )),
            _ => Ok(()),
        }
    }

    /// How much apt prefers its packages to those of others (apt_preferences(5)).
    pub(super) fn priority(&self) -> u32 {
        let says = |name: &str| {
            self.0
                .get(name)
                .is_some_and(|value| value.eq_ignore_ascii_case("yes"))
        };
        match (says("NotAutomatic"), says("ButAutomaticUpgrades")) {
            (false, _) => 500,
            (true, true) => 100,
            (true, false) => 1,
        }
    }

    /// Whether indexes can be had by their digests.
    pub(super) fn by_hash(&self) -> bool {
        self.0.get("Acquire-By-Hash") == Some("yes")
    }

    /// The index of a component; nothing where it has none for the architecture.
    pub(super) fn index(&self, component: &str, arch: &str) -> Option<Index> {
        let bare = format!("{component}/binary-{arch}/Packages");
        PACKED
            .iter()
            .find_map(|ending| self.entry(&format!("{bare}{ending}")))
    }

    fn entry(&self, path: &str) -> Option<Index> {
        let lines = self.0.get("SHA256")?.lines();
        let mut entries = lines.filter_map(|line| {
            let mut words = line.split_whitespace();
            let (hex, size, own) = (words.next()?, words.next()?, words.next()?);
            (own == path).then_some((hex, size))
        });
        let (hex, size) = entries.next()?;
        Some(Index {
            path: path.to_owned(),
            size: size.parse().ok()?,
            digest: Digest::parse(&format!("sha256:{}", hex.to_ascii_lowercase()))?,
        })
    }
}

/// `Sat, 11 Jul 2026 10:16:37 UTC`, in seconds since 1970.
fn seconds(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut words = text.split_whitespace().skip(1);
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let zone = match words.next()? {
        "UTC" | "GMT" | "Z" | "+0000" => "Z",
        _ => return None,
    };
    date::seconds(&format!("{year}-{month:02}-{day:0>2}T{time:0>8}{zone}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_796_013_907; // 2026-11-30

    fn source(suite: &str) -> Source {
        Source {
            place: String::new(),
            uri: "http://d.example".into(),
            suite: suite.into(),
            components: vec!["main".into()],
            signed_by: None,
            by_hash: None,
        }
    }

    const TEXT: &str = "Suite: oldstable-security\nCodename: bookworm-security\nDate: Sun, 29 Nov 2026 00:53:13 UTC\n\
        Valid-Until: Sun, 06 Dec 2026 00:53:13 UTC\nAcquire-By-Hash: yes\nSHA256:\n \
        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 7 main/binary-amd64/Packages\n \
        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 5 main/binary-amd64/Packages.gz\n";

    #[test]
    fn it_holds_for_its_suite_and_its_time() {
        let read = |text: &str, suite: &str, now| {
            Release::read(text, &source(suite), now).map(|release| release.priority())
        };
        assert_eq!(read(TEXT, "bookworm-security", NOW), Ok(500));
        assert_eq!(read(TEXT, "oldstable-security", NOW), Ok(500));
        let not_automatic = format!("NotAutomatic: yes\n{TEXT}");
        assert_eq!(read(&not_automatic, "bookworm-security", NOW), Ok(1));
        let backports = format!("ButAutomaticUpgrades: yes\n{not_automatic}");
        assert_eq!(read(&backports, "bookworm-security", NOW), Ok(100));
        for (text, suite, now, why) in [
            (TEXT.to_owned(), "bookworm", NOW, "not about `bookworm`"),
            (
                TEXT.to_owned(),
                "bookworm-security",
                NOW + 7 * 86_400,
                "expired",
            ),
            (
                TEXT.to_owned(),
                "bookworm-security",
                NOW - 3 * 86_400,
                "future",
            ),
            (
                TEXT.replace("SHA256", "SHA1"),
                "bookworm-security",
                NOW,
                "too weak",
            ),
            (
                TEXT.replace("Date", "X"),
                "bookworm-security",
                NOW,
                "no date",
            ),
            (
                TEXT.replace("06 Dec", "06 Dez"),
                "bookworm-security",
                NOW,
                "no date",
            ),
            (
                format!("{TEXT}\n{TEXT}"),
                "bookworm-security",
                NOW,
                "one paragraph",
            ),
        ] {
            let said = read(&text, suite, now).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn the_smallest_index_is_taken() {
        let release = Release::read(TEXT, &source("bookworm-security"), NOW).unwrap();
        let index = release.index("main", "amd64").unwrap();
        assert_eq!(
            (index.path.as_str(), index.size),
            ("main/binary-amd64/Packages.gz", 5)
        );
        assert_eq!(release.index("main", "arm64"), None);
        assert_eq!(release.index("contrib", "amd64"), None);
    }

    #[test]
    fn dates_are_read_as_they_are_written() {
        assert_eq!(seconds("Mon, 30 Nov 2026 04:45:07 UTC"), Some(NOW));
        assert_eq!(seconds("Mon, 30 Nov 2026 4:45:07 +0000"), Some(NOW));
        assert_eq!(seconds("Thu, 1 Jan 1970 00:00:00 GMT"), Some(0));
        for wrong in [
            "",
            "30 Nov 2026",
            "Mon, 30 Nov 2026 04:45:07 CET",
            "2026-11-30T04:45:07Z",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
