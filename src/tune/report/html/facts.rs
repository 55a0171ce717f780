//! What it was measured on and with, as a list.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use crate::text::date;
use crate::text::svg::escape;
use crate::tune::Outcome;
use crate::tune::size::MIB;

/// The list as HTML.
pub(super) fn facts(outcome: &Outcome) -> String {
    let machine = &outcome.machine;
    let memory = machine
        .memory
        .map(|bytes| format!(", {:.1} GiB", bytes as f64 / MIB / 1024.0));
    let cpus = match machine.cpus {
        1 => "1 CPU".to_owned(),
        several => format!("{several} CPUs"),
    };
    let on = format!("{}, {cpus}{}", machine.cpu, memory.unwrap_or_default());
    let mut facts = vec![
        ("date", when(outcome)),
        ("malloclint", env!("CARGO_PKG_VERSION").to_owned()),
        ("machine", on),
    ];
    let known = [
        ("Linux", machine.kernel.clone()),
        ("C library", machine.libc.clone()),
        ("Python", machine.python.clone()),
    ];
    facts.extend(
        known
            .into_iter()
            .filter_map(|(name, fact)| Some((name, fact?))),
    );
    let libraries = libraries(outcome);
    facts.extend(libraries.into_iter().map(|library| ("library", library)));
    let one = |(name, fact): &(&str, String)| {
        format!("<div><dt>{name}</dt><dd>{}</dd></div>", escape(fact))
    };
    facts.iter().map(one).collect()
}

pub(super) fn when(outcome: &Outcome) -> String {
    let since = outcome.date.duration_since(UNIX_EPOCH).unwrap_or_default();
    date::utc(since.as_secs())
}

/// The libraries that were preloaded, each once.
fn libraries(outcome: &Outcome) -> Vec<String> {
    let all = outcome.tried.iter();
    let all = all.filter_map(|one| one.candidate.library.as_ref());
    let by_path: BTreeMap<&str, String> = all
        .map(|library| {
            let version = library.version.map(|version| format!(" {version}"));
            let text = format!(
                "{}{}: {}",
                library.family,
                version.unwrap_or_default(),
                library.path
            );
            (library.path.as_str(), text)
        })
        .collect();
    by_path.into_values().collect()
}
