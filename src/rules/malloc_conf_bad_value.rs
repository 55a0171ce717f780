//! Values in `MALLOC_CONF` that jemalloc rejects, or takes for something else.

use super::Report;
use super::remedies::{conf_finding, malloc_conf, set_conf};
use crate::facts::{JemallocOption, OptionKind};
use crate::finding::{Applicability, Severity};
use crate::model::Unit;
use crate::model::malloc_conf::{Conf, Effect, Pair, Verdict, fix_pair};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let Some(conf) = malloc_conf(unit) else {
        return;
    };
    for pair in conf.pairs() {
        match pair.rejected() {
            Some(Verdict::NoValue(option) | Verdict::NoSizes(option)) => {
                rejected(&conf, &pair, option, "is no value", report);
            }
            Some(Verdict::OutOfRange(option)) => {
                rejected(&conf, &pair, option, "is out of range", report);
            }
            Some(_) => {}
            None => mistaken(&conf, &pair, report),
        }
    }
}

fn rejected(
    conf: &Conf<'_>,
    pair: &Pair<'_>,
    option: &JemallocOption,
    what: &str,
    report: &mut Report<'_>,
) {
    let place = conf.place(if pair.value.is_empty() {
        pair.setting.all()
    } else {
        pair.setting.value.clone()
    });
    let message = match pair.value {
        "" => format!("`{}` has no value: jemalloc ignores it", pair.key),
        value => format!("`{value}` {what} of `{}`: jemalloc ignores it", pair.key),
    };
    let message = message.replace("out of range of", "out of range for");
    let said = pair
        .rejected()
        .and_then(Verdict::message)
        .unwrap_or_default();
    let finding = conf_finding(report, conf, &place, message)
        .caption("ignored")
        .note(format!(
            "jemalloc prints `<jemalloc>: {said}` at each start and goes on with the next setting"
        ))
        .help(takes(conf, option));
    report.add(match fix_pair(pair.key, pair.value, &conf.readers.all) {
        Some(fixed) => finding.remedy(
            format!("write `{}`", fixed.text),
            Applicability::Safe,
            set_conf(conf.with(&pair.setting.all(), &fixed.text)),
        ),
        None => finding,
    });
}

/// Values that are taken, for another number than the one that is written.
fn mistaken(conf: &Conf<'_>, pair: &Pair<'_>, report: &mut Report<'_>) {
    let Some((option, effect)) = pair.taken() else {
        return;
    };
    let written = pair.value.trim();
    let (message, severity, help) = match effect {
        Effect::Clipped(number) => (
            format!(
                "`{written}` is out of range for `{}`: jemalloc takes {number} and says nothing",
                pair.key
            ),
            Severity::Info,
            takes(conf, option),
        ),
        Effect::Number(_) if option.kind == OptionKind::Unsigned && written.starts_with('-') => (
            format!(
                "`{}` knows no sign: `{written}` becomes the largest number there is",
                pair.key
            ),
            Severity::Warning,
            takes(conf, option),
        ),
        Effect::Number(number)
            if written.starts_with('0')
                && written.parse() != Ok(number)
                && !written.starts_with("0x")
                && !written.starts_with("0X") =>
        {
            (
                format!("`{written}` is octal: jemalloc reads {number}"),
                Severity::Warning,
                "write the number without the zero before it".into(),
            )
        }
        Effect::Number(number) if written.parse::<i128>().is_ok_and(|meant| meant != number) => (
            format!(
                "`{written}` is too large for `{}`: jemalloc keeps its last bits, {number}",
                pair.key
            ),
            Severity::Warning,
            takes(conf, option),
        ),
        _ => return,
    };
    let place = conf.place(pair.setting.value.clone());
    report.add(
        conf_finding(report, conf, &place, message)
            .at_severity(severity)
            .caption("not the number that is meant")
            .help(help),
    );
}

/// What the option takes.
fn takes(conf: &Conf<'_>, option: &JemallocOption) -> String {
    let words = || {
        option
            .words()
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    match option.kind {
        OptionKind::Bool => "write `true` or `false`".into(),
        OptionKind::Words | OptionKind::Starts => format!("write one of {}", words()),
        OptionKind::Unsigned | OptionKind::Signed => {
            format!("write plain digits{}", range(conf, option))
        }
        OptionKind::Ratio => "write a decimal number, such as `0.5`".into(),
        OptionKind::Sizes => "write ranges of sizes, such as `1-64:4|65-128:2`".into(),
        OptionKind::Letters | OptionKind::Text => "write it without `,`".into(),
    }
}

fn range(conf: &Conf<'_>, option: &JemallocOption) -> String {
    let lg_page = conf
        .readers
        .all
        .first()
        .map_or(12, |jemalloc| jemalloc.build.lg_page);
    let unit = if option.name.ends_with("_ms") {
        ": milliseconds"
    } else {
        ""
    };
    match option.range(lg_page) {
        (Some(min), Some(max)) => format!(" from {min} to {max}{unit}"),
        (Some(min), None) => format!(", {min} at least{unit}"),
        (None, Some(max)) => format!(", {max} at most{unit}"),
        (None, None) => unit.into(),
    }
}
