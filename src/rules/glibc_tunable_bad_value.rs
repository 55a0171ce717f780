//! Values of glibc's malloc variables that mean something else than what is written.

use super::Report;
use super::remedies::another_is_meant;
use crate::facts::{self, Libc, Tunable, TunableKind};
use crate::finding::{Applicability, Finding, Severity};
use crate::model::{Change, Unit};
use crate::text::Place;

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    if unit.platform.libc.value() == Some(&Libc::Musl) || unit.replacement().is_some() {
        // Nobody reads it: another rule says so.
        return;
    }
    for var in unit.env.iter() {
        let Some(tunable) = facts::tunable(&var.name) else {
            continue;
        };
        let place = var.now.value_place();
        if let Some(erased) = var.now.value.erased.first() {
            let message = format!(
                "gets nothing: `${}` is set nowhere {}",
                erased.name,
                unit.source.here()
            );
            add(
                report,
                &place,
                tunable,
                &var.name,
                (message, "glibc ignores an empty value"),
            );
        } else if let Some(fault) = var.now.value.known().and_then(|text| fault(tunable, text)) {
            let meant = var.now.value.known().and_then(|text| meant(tunable, text));
            let mut finding = finding(report, &place, tunable, &var.name, fault);
            if var.now.value.known() == Some("0") {
                // People write it to go back to the default, and that is what they get.
                finding = finding
                    .at_severity(Severity::Info)
                    .caption("as if it were not set")
                    .help("drop it, if the default is what you want");
            }
            if another_is_meant(unit) {
                // With that, a right value would do nothing either.
                let change = Change::UnsetEnv {
                    name: var.name.clone(),
                };
                let help =
                    "drop it: the image brings another allocator, and with that nothing reads it";
                let title = format!("drop `{}`", var.name);
                report.add(
                    finding
                        .help(help)
                        .remedy(title, Applicability::Safe, vec![change]),
                );
                continue;
            }
            report.add(match meant {
                Some(value) => finding.remedy(
                    format!("set it to `{value}`"),
                    Applicability::Unsafe("the setting takes effect for the first time".into()),
                    vec![Change::SetEnv {
                        name: var.name.clone(),
                        value,
                    }],
                ),
                None => finding,
            });
        }
    }
    in_tunables(unit, report);
}

/// Values within `GLIBC_TUNABLES`.
fn in_tunables(unit: &Unit, report: &mut Report<'_>) {
    let Some(var) = unit.env.get("GLIBC_TUNABLES") else {
        return;
    };
    let mut at = 0;
    for pair in var.now.value.known().unwrap_or_default().split(':') {
        if let Some((name, text)) = pair.split_once('=')
            && let Some(tunable) = facts::tunable(name)
            && let Some(fault) = fault(tunable, text)
        {
            let place = var.now.part(at + name.len() + 1..at + pair.len());
            add(report, &place, tunable, name, fault);
        }
        at += pair.len() + 1;
    }
}

fn add(
    report: &mut Report<'_>,
    place: &Place,
    tunable: &Tunable,
    name: &str,
    fault: (String, &str),
) {
    let finding = finding(report, place, tunable, name, fault);
    report.add(finding);
}

fn finding(
    report: &Report<'_>,
    place: &Place,
    tunable: &Tunable,
    name: &str,
    (what, note): (String, &str),
) -> Finding {
    report
        .finding(place, format!("`{name}` {what}"))
        .caption("not the number that is meant")
        .note(note)
        .help(match tunable.kind {
            TunableKind::Size => "write plain digits, in bytes where it is a size",
            TunableKind::Int => "write plain digits",
        })
}

/// The number that is surely meant: without its quotes, or a size without its unit.
fn meant(tunable: &Tunable, text: &str) -> Option<String> {
    let bare = text.trim().trim_matches(['"', '\'']);
    let digits = bare.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = bare.get(digits.len()..)?.to_ascii_lowercase();
    let factor: u64 = match unit.trim_end_matches('b').trim_end_matches('i') {
        "" if unit.is_empty() => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return None,
    };
    let number = digits.parse::<u64>().ok()?.checked_mul(factor)?;
    let is_size = factor == 1 || tunable.kind == TunableKind::Size;
    (is_size && out_of_range(tunable, number.into()).is_none()).then(|| number.to_string())
}

/// What is wrong with a value, and why it matters.
fn fault(tunable: &Tunable, text: &str) -> Option<(String, &'static str)> {
    let text = text.trim_start();
    if text.is_empty() {
        return None;
    }
    if let Some(range) = number(text).map(|number| out_of_range(tunable, number)) {
        return Some((
            format!("is {text}, which glibc ignores: {}", range?),
            "a value out of range counts as not set",
        ));
    }
    match text {
        _ if text.starts_with(['"', '\'']) => Some((
            format!("is set to {text} with its quotes"),
            "glibc finds no digit and ignores it",
        )),
        _ if text.contains("glibc.") => Some((
            format!("is set to `{text}`: entries are separated by `:`"),
            "all that follows is part of the value",
        )),
        _ if text.starts_with(|c: char| c.is_ascii_digit()) => Some((
            format!("is set to `{text}`: glibc knows no unit"),
            "up to glibc 2.38 it reads the digits alone (`1M` is 1 byte), from 2.39 on it ignores the value with a warning",
        )),
        _ => Some((
            format!("is set to `{text}`, which is no number"),
            "glibc ignores it",
        )),
    }
}

/// A number as glibc reads it: decimal, hexadecimal, with a sign. What is too large is the largest.
fn number(text: &str) -> Option<i128> {
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or((1, text), |digits| (-1, digits));
    let hex = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"));
    let (digits, radix) = hex.map_or((digits, 10), |hex| (hex, 16));
    let plain = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    plain.then(|| sign * i128::from(u64::from_str_radix(digits, radix).unwrap_or(u64::MAX)))
}

/// The range that a number is out of. A negative size is a very large one, and taken.
fn out_of_range(tunable: &Tunable, number: i128) -> Option<String> {
    let wraps = tunable.kind == TunableKind::Size && number < 0;
    let (min, max) = (tunable.min, tunable.max);
    if !wraps && number < i128::from(min) {
        return Some(format!("the smallest number is {min}"));
    }
    let max = max.filter(|max| number > i128::from(*max))?;
    Some(format!("the largest number is {max}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_read_as_written_and_others() {
        let of = |name: &str, text: &str| {
            fault(facts::tunable(name).unwrap(), text).map(|(message, _)| message)
        };
        for (name, text) in [
            ("MALLOC_ARENA_MAX", "2"),
            ("MALLOC_ARENA_MAX", " 2"),
            ("MALLOC_ARENA_MAX", "-1"),
            ("MALLOC_ARENA_MAX", "0x2"),
            ("MALLOC_ARENA_MAX", ""),
            ("MALLOC_ARENA_MAX", "99999999999999999999999"),
            ("MALLOC_PERTURB_", "255"),
            ("MALLOC_TRIM_THRESHOLD_", "0"),
            ("MALLOC_CHECK_", "3"),
        ] {
            assert_eq!(of(name, text), None, "{name}={text}");
        }
        for (name, text, part) in [
            ("MALLOC_ARENA_MAX", "0", "smallest number is 1"),
            ("MALLOC_PERTURB_", "256", "largest number is 255"),
            ("MALLOC_MMAP_MAX_", "-1", "smallest number is 0"),
            ("MALLOC_ARENA_MAX", "2x", "no unit"),
            ("MALLOC_ARENA_MAX", "0x", "no unit"),
            ("MALLOC_ARENA_MAX", "\"2\"", "quotes"),
            ("MALLOC_ARENA_MAX", "two", "no number"),
            (
                "glibc.malloc.arena_max",
                "2,glibc.malloc.top_pad=1",
                "separated by `:`",
            ),
        ] {
            assert!(of(name, text).unwrap().contains(part), "{name}={text}");
        }
    }
}
