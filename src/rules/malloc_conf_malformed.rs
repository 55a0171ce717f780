//! `MALLOC_CONF` that jemalloc stops reading before its end.

use super::Report;
use super::remedies::{conf_finding, malloc_conf, set_conf};
use crate::finding::{Applicability, Severity};
use crate::model::malloc_conf::{BreakKind, Conf, fix, separate};

pub(super) fn check(unit: &crate::model::Unit, report: &mut Report<'_>) {
    let Some(conf) = malloc_conf(unit) else {
        return;
    };
    let Some(reading) = conf.reading() else {
        return;
    };
    if reading.final_comma {
        return final_comma(&conf, report);
    }
    let Some(broken) = &reading.broken else {
        return;
    };
    let lost = conf.text.get(broken.from..).unwrap_or_default().trim();
    let (at, message, said) = match broken.kind {
        BreakKind::Character(c) => (
            broken.at..broken.at + c.len_utf8(),
            format!(
                "jemalloc stops reading `MALLOC_CONF` at {}: {}",
                shown(c),
                ignored(lost)
            ),
            "Malformed conf string",
        ),
        BreakKind::NoValue => (
            broken.from..broken.at,
            format!(
                "`{}` has no value: settings are written `name:value`",
                short(lost)
            ),
            "Conf string ends with key",
        ),
    };
    let mut finding = conf_finding(report, &conf, &conf.place(at), message)
        .caption("read up to here")
        .note(format!(
            "jemalloc prints `<jemalloc>: {said}` at each start; what stands before is in force"
        ))
        .help("write `name:value,name:value`, with `:` and `,` and nothing else between");
    if let Some((text, applicability)) = fixed(&conf) {
        finding = finding.remedy(
            format!("set `MALLOC_CONF` to `{text}`"),
            applicability,
            set_conf(text),
        );
    }
    report.add(finding);
}

/// The string that is meant; else one in which every setting is seen, for other rules to judge.
fn fixed(conf: &Conf<'_>) -> Option<(String, Applicability)> {
    match fix(conf.text, &conf.readers.all) {
        Some(fixed) if fixed.guessed => Some((
            fixed.text,
            Applicability::Unsafe("a name in it is a guess".into()),
        )),
        Some(fixed) => Some((fixed.text, Applicability::Safe)),
        None => Some((
            separate(conf.text)?,
            Applicability::Unsafe("a setting that comes to be read is wrong in itself".into()),
        )),
    }
}

/// Everything is read, and yet jemalloc complains.
fn final_comma(conf: &Conf<'_>, report: &mut Report<'_>) {
    let end = conf.text.len();
    let text = conf.text.trim_end_matches(',').to_owned();
    report.add(
        conf_finding(
            report,
            conf,
            &conf.place(end - 1..end),
            "`MALLOC_CONF` ends with a comma: jemalloc complains at each start".into(),
        )
        .at_severity(Severity::Info)
        .caption("one too many")
        .note(
            "jemalloc prints `<jemalloc>: Conf string ends with comma`; all settings are in force",
        )
        .help("take it away")
        .remedy(
            "take the last comma away",
            Applicability::Safe,
            set_conf(text),
        ),
    );
}

fn shown(c: char) -> String {
    match c {
        ' ' => "a blank".into(),
        '\n' => "a line break".into(),
        '\t' => "a tab".into(),
        c => format!("`{c}`"),
    }
}

/// What becomes of the rest.
fn ignored(lost: &str) -> String {
    let settings = lost
        .split([',', ';', ' '])
        .filter(|part| !part.trim().is_empty())
        .count();
    match settings {
        0 => "nothing behind it counts".into(),
        1 => format!("`{}` is ignored", short(lost)),
        _ => format!(
            "`{}` and all behind it are ignored",
            short(
                lost.split([',', ';', ' '])
                    .find(|part| !part.is_empty())
                    .unwrap_or_default()
            )
        ),
    }
}

fn short(text: &str) -> &str {
    const LIMIT: usize = 40;
    text.char_indices()
        .nth(LIMIT)
        .and_then(|(at, _)| text.get(..at))
        .unwrap_or(text)
}
