//! What a process was started with and does not do: the rule that says the same of a file is named.

use serde::{Deserialize, Serialize};

use super::glibc::{Glibc, Parameters};
use super::process::Process;
use crate::facts::{Family, allocator_variable, family_of_library, near_miss, tunable};
use crate::model::malloc_conf;

/// A setting of the environment that has no effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Idle {
    pub(super) name: String,
    pub(super) why: String,
    /// The rule's id.
    pub(super) rule: String,
}

/// What is known of the process when its settings are judged.
pub(super) struct Known<'a> {
    pub(super) process: &'a Process,
    /// The allocator that is called, where it is not the C library's.
    pub(super) family: Option<Family>,
    pub(super) glibc: Option<&'a Glibc>,
}

/// Threads of jemalloc that clean up in the background have this name.
const BACKGROUND: &str = "jemalloc_bg_thd";

/// What the environment says and nothing does.
pub(super) fn without_effect(known: &Known<'_>) -> Vec<Idle> {
    let variables = known.process.environment();
    // What stands in the list of tunables counts more than the variable of its own.
    let tuned = |name: &str| {
        let mut lists = variables
            .iter()
            .filter(|(name, _)| name == "GLIBC_TUNABLES");
        lists.any(|(_, list)| tunables(list).any(|(other, _)| other == name))
    };
    let mut found = Vec::new();
    for (name, value) in &variables {
        match name.as_str() {
            "LD_PRELOAD" => found.extend(preload(known, value)),
            "GLIBC_TUNABLES" => {
                found.extend(
                    tunables(value).filter_map(|(name, value)| of_glibc(known, name, name, value)),
                );
            }
            "MALLOC_CONF" => found.extend(of_jemalloc(known, value)),
            _ => {
                let own = tunable(name).filter(|tunable| !tuned(&tunable.name));
                found.extend(own.and_then(|tunable| of_glibc(known, name, &tunable.name, value)));
                found.extend(of_others(known, name));
                found.extend(near_miss(name).map(|meant| {
                    let meant = meant.alias.as_deref().unwrap_or(&meant.name);
                    idle(
                        name,
                        format!("nothing reads it: is `{meant}` meant?"),
                        "glibc-tunable-misspelt",
                    )
                }));
            }
        }
    }
    found
}

fn idle(name: &str, why: impl Into<String>, rule: &str) -> Idle {
    Idle {
        name: name.to_owned(),
        why: why.into(),
        rule: rule.to_owned(),
    }
}

/// `name=value:name=value`.
fn tunables(list: &str) -> impl Iterator<Item = (&str, &str)> {
    list.split(':').filter_map(|pair| pair.split_once('='))
}

fn preload(known: &Known<'_>, value: &str) -> Vec<Idle> {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let mapped = |entry: &str| {
        known
            .process
            .maps
            .iter()
            .any(|map| name(&map.path) == name(entry))
    };
    let entries = value.split([' ', ':']).filter(|entry| !entry.is_empty());
    let idle = entries.filter(|entry| family_of_library(&name(entry)).is_some() && !mapped(entry));
    idle.map(|entry| {
        let why = if known.process.is_secure() {
            "the process gained rights when it was started: the loader ignores it"
        } else {
            "it is not mapped: the loader did not find it, or the variable was set too late"
        };
        self::idle(
            "LD_PRELOAD",
            format!("`{entry}`: {why}"),
            "preload-not-installed",
        )
    })
    .collect()
}

/// What glibc was told, in the variable or tunable `shown`, and does not do.
fn of_glibc(known: &Known<'_>, shown: &str, name: &str, value: &str) -> Option<Idle> {
    tunable(name)?;
    if known.family.is_some() {
        return Some(idle(
            shown,
            "glibc's malloc is not the one that is called",
            "glibc-tunable-dead",
        ));
    }
    let in_force = in_force(known.glibc?.parameters.as_ref()?, name)?;
    let rule = "glibc-tunable-bad-value";
    match number(value) {
        Some(wanted) if wanted == in_force => None,
        Some(_) if known.process.is_secure() => Some(idle(
            shown,
            "the process gained rights when it was started: glibc ignores it",
            rule,
        )),
        Some(wanted) => Some(idle(
            shown,
            format!(
                "glibc has {in_force} in force, not {wanted}: out of its range, or set too late"
            ),
            rule,
        )),
        None => Some(idle(shown, "glibc reads no number in it", rule)),
    }
}

/// The value of a tunable; thresholds that drift are no longer what was set.
fn in_force(parameters: &Parameters, name: &str) -> Option<u64> {
    let fixed = |value: u64| (!parameters.is_drifting).then_some(value);
    match name.strip_prefix("glibc.malloc.")? {
        "arena_max" => Some(parameters.arena_max),
        "top_pad" => Some(parameters.top_pad),
        "tcache_count" => Some(parameters.cache_slots),
        "mmap_threshold" => fixed(parameters.mmap_threshold),
        "trim_threshold" => fixed(parameters.trim_threshold),
        _ => None,
    }
}

/// A number as glibc reads it: blanks around it, and hexadecimal digits behind `0x`.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        // `-1` is the largest number.
        None => text
            .parse()
            .ok()
            .or_else(|| text.parse::<i64>().ok().map(i64::cast_unsigned)),
    }
}

fn of_jemalloc(known: &Known<'_>, value: &str) -> Option<Idle> {
    let name = "MALLOC_CONF";
    if known.family != Some(Family::Jemalloc) {
        return Some(idle(
            name,
            "this process calls no jemalloc",
            "malloc-conf-without-jemalloc",
        ));
    }
    if let Some(why) = malloc_conf::rejected(value) {
        return Some(idle(name, why, "malloc-conf-unknown-option"));
    }
    let wanted = value
        .split(',')
        .any(|pair| pair.trim() == "background_thread:true");
    let there = || {
        known
            .process
            .thread_names()
            .iter()
            .any(|name| name == BACKGROUND)
    };
    (wanted && !there()).then(|| {
        let why = "`background_thread:true`: the process has no such thread: those of the parent did not come along when it was forked";
        idle(name, why, "background-thread-lost-on-fork")
    })
}

/// Variables of allocators that are not there.
fn of_others(known: &Known<'_>, name: &str) -> Option<Idle> {
    let variable = allocator_variable(name).filter(|variable| variable.reader.is_none())?;
    let read_by = variable.family;
    (known.family != Some(read_by) && read_by != Family::Jemalloc).then(|| {
        idle(
            name,
            format!("this process calls no {read_by}"),
            "allocator-variable-unread",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_glibc_reads_them() {
        assert_eq!(number(" 2 "), Some(2));
        assert_eq!(number("0x10"), Some(16));
        assert_eq!(number("two"), None);
        assert_eq!(
            tunables("glibc.malloc.arena_max=2:nonsense:glibc.malloc.tcache_count=0")
                .collect::<Vec<_>>(),
            [
                ("glibc.malloc.arena_max", "2"),
                ("glibc.malloc.tcache_count", "0")
            ]
        );
    }
}
