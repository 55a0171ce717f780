//! Days as they are written, `2027-01-01`, and points in time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A day of the calendar. Later days are greater.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date {
    year: u64,
    month: u64,
    day: u64,
}

impl Date {
    /// The day that a text names.
    #[must_use]
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        let mut part = |digits: usize| {
            let part = parts.next()?;
            let right = part.len() == digits && part.bytes().all(|b| b.is_ascii_digit());
            right.then(|| part.parse::<u64>().ok()).flatten()
        };
        let (year, month, day) = (part(4)?, part(2)?, part(2)?);
        let right = (1..=12).contains(&month) && (1..=days(year, month)).contains(&day);
        right.then_some(Self { year, month, day })
    }

    /// The day of a time, in UTC.
    #[must_use]
    pub(crate) fn of(time: SystemTime) -> Option<Self> {
        let since = time.duration_since(UNIX_EPOCH).ok()?;
        let mut rest = since.as_secs() / 86_400;
        let mut year = 1970;
        while rest >= days_of(year) {
            rest -= days_of(year);
            year += 1;
        }
        let mut month = 1;
        while rest >= days(year, month) {
            rest -= days(year, month);
            month += 1;
        }
        Some(Self {
            year,
            month,
            day: rest + 1,
        })
    }

    /// Today, or the day that builds are to believe in: `SOURCE_DATE_EPOCH` (reproducible-builds.org).
    #[must_use]
    pub(crate) fn today(epoch: Option<&str>) -> Option<Self> {
        // No build is made behind the year 9999.
        const LAST: u64 = 253_402_300_799;
        let told = epoch.and_then(|seconds| seconds.trim().parse::<u64>().ok());
        let told = told.filter(|seconds| *seconds <= LAST);
        let told = told.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
        Self::of(told.unwrap_or_else(SystemTime::now))
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Seconds since 1970 as a date and a time of day: `2026-11-30 04:25 UTC`.
#[must_use]
pub(crate) fn utc(seconds: u64) -> String {
    let date = UNIX_EPOCH
        .checked_add(Duration::from_secs(seconds))
        .and_then(Date::of);
    let date = date.map_or_else(String::new, |date| date.to_string());
    let (hour, minute) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{date} {hour:02}:{minute:02} UTC")
}

/// The same as RFC 3339 has it: `2026-11-30T04:25:00Z`.
#[must_use]
pub(crate) fn rfc3339(seconds: u64) -> String {
    let date = UNIX_EPOCH
        .checked_add(Duration::from_secs(seconds))
        .and_then(Date::of);
    let date = date.map_or_else(String::new, |date| date.to_string());
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{date}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The seconds since 1970 of a point in time as RFC 3339 has it, fractions left out: `2026-11-30T04:25:00.5+01:00`.
#[must_use]
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let (date, rest) = text.split_at_checked(10)?;
    let date = Date::read(date)?;
    let (time, rest) = rest.strip_prefix(['T', 't', ' '])?.split_at_checked(8)?;
    let (hour, minute, second) = clock(time)?;
    let years: u64 = (1970..date.year).map(days_of).sum();
    let months: u64 = (1..date.month).map(|month| days(date.year, month)).sum();
    let days = years + months + date.day - 1;
    let local = days * 86_400 + hour * 3600 + minute * 60 + second;
    let zone = match rest.strip_prefix('.') {
        Some(rest) => rest.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    if matches!(zone, "Z" | "z") {
        return (date.year >= 1970).then_some(local);
    }
    let (sign, zone) = zone.split_at_checked(1)?;
    let (hour, minute, _) = clock(&format!("{zone}:00"))?;
    let off = hour * 3600 + minute * 60;
    match sign {
        _ if date.year < 1970 => None,
        "+" => local.checked_sub(off),
        "-" => Some(local + off),
        _ => None,
    }
}

/// `04:25:00`; a minute may have a leap second.
fn clock(text: &str) -> Option<(u64, u64, u64)> {
    let mut parts = text.split(':');
    let mut part = |most: u64| {
        let part = parts.next()?;
        let right = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        right
            .then(|| part.parse().ok())
            .flatten()
            .filter(|number| *number <= most)
    };
    let read = (part(23)?, part(59)?, part(60)?);
    parts.next().is_none().then_some(read)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
}

fn days_of(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn days(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time_have_a_time_of_day() {
        assert_eq!(utc(0), "1970-01-01 00:00 UTC");
        assert_eq!(utc(1_796_013_900), "2026-11-30 04:45 UTC");
        assert_eq!(rfc3339(1_796_013_907), "2026-11-30T04:45:07Z");
    }

    #[test]
    fn points_in_time_are_read_as_they_are_written() {
        assert_eq!(seconds("2026-11-30T04:45:07Z"), Some(1_796_013_907));
        assert_eq!(
            seconds("2026-11-30T05:45:07.123456789+01:00"),
            Some(1_796_013_907)
        );
        assert_eq!(seconds("2026-11-29T20:45:07-08:00"), Some(1_796_013_907));
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        for wrong in [
            "",
            "2026-11-30",
            "2026-11-30T04:45",
            "2026-11-30T24:45:07Z",
            "2026-11-30T04:45:07",
            "2026-11-30T04:45:07+1:00",
            "0001-01-01T00:00:00Z",
            "1970-01-01T00:00:00+01:00",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn days_of_the_calendar() {
        let of = |seconds| Date::of(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        assert_eq!(of(0).to_string(), "1970-01-01");
        assert_eq!(of(86_399).to_string(), "1970-01-01");
        assert_eq!(of(951_782_400).to_string(), "2000-02-29");
        assert_eq!(of(1_795_910_400).to_string(), "2026-11-29");
        assert!(Date::today(Some("951782400")).unwrap() < Date::today(None).unwrap());
        assert!(Date::read("2026-12-01").unwrap() > Date::read("2026-11-30").unwrap());
        for wrong in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "2026-1-1",
            "26-01-01",
            "2026-01-00",
            "x",
            "2026-01-01T00:00",
            "+026-01-01",
        ] {
            assert_eq!(Date::read(wrong), None, "{wrong}");
        }
    }
}
