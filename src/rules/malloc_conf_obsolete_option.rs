//! Options of `MALLOC_CONF` that jemalloc had once.

use super::Report;
use super::remedies::{conf_finding, malloc_conf, set_conf};
use crate::finding::Applicability;
use crate::model::Unit;
use crate::model::malloc_conf::{Conf, Pair, Verdict, fix_pair, outlived};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let Some(conf) = malloc_conf(unit) else {
        return;
    };
    for pair in conf.pairs() {
        let gone = pair
            .rejected()
            .is_some_and(|verdict| matches!(verdict, Verdict::NoOption));
        let Some(option) = outlived(&conf, &pair).filter(|_| gone) else {
            continue;
        };
        let Some(below) = option.below else { continue };
        let place = conf.place(pair.setting.key.clone());
        let message = format!(
            "`{}` went with jemalloc {below}: it does nothing in {}",
            pair.key,
            version(&conf)
        );
        let finding = conf_finding(report, &conf, &place, message)
            .caption("no longer an option")
            .note("jemalloc prints `<jemalloc>: Invalid conf pair` at each start and goes on with the next setting");
        report.add(match (renamed(&conf, &pair, option), &option.instead) {
            (Some(text), _) => finding.help(format!("write `{text}`")).remedy(
                format!("write `{text}`"),
                Applicability::Unsafe("the setting takes effect for the first time".into()),
                set_conf(conf.with(&pair.setting.all(), &text)),
            ),
            (None, instead) => {
                let help = instead.as_ref().map_or_else(
                    || "drop it".into(),
                    |instead| format!("drop it; `{instead}` does its work today"),
                );
                let rest = conf.without(&pair.setting.all());
                finding.help(help).remedy(
                    format!("drop `{}`", pair.key),
                    Applicability::Safe,
                    set_conf(rest),
                )
            }
        });
    }
}

/// The setting under today's name, where its value can be told: `decay_time` counted seconds.
fn renamed(
    conf: &Conf<'_>,
    pair: &Pair<'_>,
    option: &crate::facts::JemallocOption,
) -> Option<String> {
    let (instead, unit) = (option.instead.as_ref()?, option.decay?);
    let number: i64 = pair.value.parse().ok()?;
    let number = if number < 0 {
        number
    } else {
        number.checked_mul(unit)?
    };
    // Set under both names, the new one is meant.
    if conf.last(instead).is_some() {
        return None;
    }
    fix_pair(instead, &number.to_string(), &conf.readers.all)
        .filter(|fixed| !fixed.guessed)
        .map(|fixed| fixed.text)
}

fn version(conf: &Conf<'_>) -> String {
    conf.readers
        .version
        .map_or_else(|| "later versions".into(), |version| version.to_string())
}
