//! Values of glibc's malloc variables that mean something else than what is written.

use super::Report;
use crate::facts::{self, Libc};
use crate::model::{Unit, Value};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    if unit.platform.libc.value() == Some(&Libc::Musl) || unit.replacement().is_some() {
        // Nobody reads it: another rule says so.
        return;
    }
    for var in unit.env.iter() {
        let Some(tunable) = facts::tunable(&var.name) else { continue };
        let Some((what, note)) = fault(&var.name, &var.now.value) else { continue };
        report.add(
            report
                .finding(&var.now.value_place(), format!("`{}` {what}", var.name))
                .caption("not the number that is meant")
                .note(note)
                .help(match tunable.kind {
                    facts::TunableKind::Size => "write plain digits, in bytes where it is a size",
                    facts::TunableKind::Int => "write plain digits",
                }),
        );
    }
}

/// What is wrong with a value, and why it matters.
fn fault(name: &str, value: &Value) -> Option<(String, &'static str)> {
    if let Some(erased) = value.erased.first() {
        return Some((format!("gets nothing: `${}` is set nowhere in this stage", erased.name), "glibc ignores an empty value"));
    }
    let text = value.known()?.trim_start();
    if text.is_empty() {
        return None;
    }
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let hex = digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit()));
    let plain = text.strip_prefix('-').unwrap_or(text).bytes().all(|b| b.is_ascii_digit());
    match text {
        _ if text.starts_with(['"', '\'']) => Some((format!("is set to {text} with its quotes"), "glibc finds no digit and ignores it")),
        "0" if matches!(name, "MALLOC_ARENA_MAX" | "MALLOC_ARENA_TEST") => {
            Some(("is 0, which glibc ignores".into(), "the smallest number of arenas is 1"))
        }
        _ if hex || plain => None,
        _ if text.starts_with(|c: char| c.is_ascii_digit()) => Some((
            format!("is set to `{text}`: glibc knows no unit"),
            "up to glibc 2.38 it reads the digits alone (`1M` is 1 byte), from 2.39 on it ignores the value with a warning",
        )),
        _ => Some((format!("is set to `{text}`, which is no number"), "glibc ignores it")),
    }
}
