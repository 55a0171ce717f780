//! Options in `MALLOC_CONF` that the jemalloc which reads it does not have.

use super::Report;
use super::remedies::{conf_finding, malloc_conf, set_conf};
use crate::facts::{JemallocVersion, jemalloc_options};
use crate::finding::{Applicability, Finding, Severity};
use crate::model::Unit;
use crate::model::malloc_conf::{Conf, Pair, Verdict, fix_pair, outlived};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let Some(conf) = malloc_conf(unit) else {
        return;
    };
    for pair in conf.pairs() {
        let place = conf.place(pair.setting.key.clone());
        match pair.rejected() {
            Some(Verdict::NoOption) if outlived(&conf, &pair).is_none() => {
                let finding = unknown(&conf, &pair, |message| {
                    conf_finding(report, &conf, &place, message)
                });
                report.add(finding);
            }
            Some(Verdict::NotBuilt(option)) => {
                let part = option.part.as_deref().unwrap_or_default();
                let message = format!(
                    "{} is built without `{part}` here: it does not know `{}`",
                    conf.reader(),
                    pair.key
                );
                report.add(
                    drop_it(&conf, &pair, conf_finding(report, &conf, &place, message))
                        .help("drop it"),
                );
            }
            None if unit.platform.archs.value().is_some() => on_some(&conf, &pair, report),
            _ => {}
        }
    }
}

fn unknown(conf: &Conf<'_>, pair: &Pair<'_>, finding: impl Fn(String) -> Finding) -> Finding {
    let takes_effect =
        || Applicability::Unsafe("the setting takes effect for the first time".into());
    if let (Some(here), Some(came)) = (conf.readers.version, came(pair.key)) {
        let finding = finding(format!(
            "jemalloc {here} does not know `{}`: it came with {came}",
            pair.key
        ));
        return match earlier(conf, pair) {
            Some(text) => drop_note(finding)
                .help(format!("`{text}` does the same there"))
                .remedy(
                    format!("write `{text}`"),
                    takes_effect(),
                    set_conf(conf.with(&pair.setting.all(), &text)),
                ),
            None => {
                drop_it(conf, pair, finding).help("drop it, or use a release with a newer jemalloc")
            }
        };
    }
    let finding = finding(match conf.readers.version {
        Some(version) => format!("jemalloc {version} has no option `{}`", pair.key),
        None => format!("no jemalloc has an option `{}`", pair.key),
    });
    match fix_pair(pair.key, pair.value, &conf.readers.all) {
        Some(fixed) => drop_note(finding)
            .help(format!("did you mean `{}`?", fixed.text))
            .remedy(
                format!("write `{}`", fixed.text),
                takes_effect(),
                set_conf(conf.with(&pair.setting.all(), &fixed.text)),
            ),
        None => {
            drop_note(finding).help("drop it, or look its name up in the manual of this version")
        }
    }
}

/// The first version that has it, of those that are newer than this one.
fn came(key: &str) -> Option<JemallocVersion> {
    jemalloc_options()
        .iter()
        .filter(|option| option.name == key)
        .map(|option| option.from)
        .min()
}

/// The same setting for a version that is older than the option: `tcache_max:4096` is `lg_tcache_max:12`.
fn earlier(conf: &Conf<'_>, pair: &Pair<'_>) -> Option<String> {
    let option = jemalloc_options()
        .iter()
        .find(|option| option.name == pair.key && option.before.is_some())?;
    let number: u64 = pair.value.parse().ok()?;
    let text = format!(
        "{}:{}",
        option.before.as_ref()?,
        number.is_power_of_two().then(|| number.trailing_zeros())?
    );
    let (key, value) = text.split_once(':')?;
    fix_pair(key, value, &conf.readers.all)
        .filter(|fixed| fixed.text == text)
        .map(|fixed| fixed.text)
}

fn drop_note(finding: Finding) -> Finding {
    finding.caption("not an option").note("jemalloc prints `<jemalloc>: Invalid conf pair` at each start and goes on with the next setting")
}

/// What does nothing can go.
fn drop_it(conf: &Conf<'_>, pair: &Pair<'_>, finding: Finding) -> Finding {
    let rest = conf.without(&pair.setting.all());
    drop_note(finding).remedy(
        format!("drop `{}`", pair.key),
        Applicability::Safe,
        set_conf(rest),
    )
}

/// An image for several architectures, where the library is not built the same on each.
fn on_some(conf: &Conf<'_>, pair: &Pair<'_>, report: &mut Report<'_>) {
    let lacking = pair
        .rejected_by_some()
        .find(|(_, verdict)| matches!(verdict, Verdict::NotBuilt(_)));
    let Some((jemalloc, Verdict::NotBuilt(option))) = lacking else {
        return;
    };
    let part = option.part.as_deref().unwrap_or_default();
    let place = conf.place(pair.setting.key.clone());
    let message = format!(
        "jemalloc for {} is built without `{part}`: there it does not know `{}`",
        jemalloc.arch, pair.key
    );
    report.add(
        drop_note(conf_finding(report, conf, &place, message))
            .at_severity(Severity::Warning)
            .help("set it for the other architecture only, or drop it"),
    );
}
