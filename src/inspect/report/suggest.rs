//! What to write where the process is started: the lever that fits it, as lines of a Dockerfile or as entries of a manifest.

use std::io;

use crate::inspect::account::Account;
use crate::inspect::verdict::{Kind, Means};
use crate::model::ProcessModel;
use crate::templates::{self, Need};

/// Where the lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `ENV` of a Dockerfile.
    Dockerfile,
    /// Entries of `env:` in a manifest of Kubernetes.
    Kubernetes,
}

/// What is suggested.
struct Suggestion {
    variables: Vec<(&'static str, String)>,
    /// What else is to be said, each as a comment.
    notes: Vec<String>,
}

/// Writes what is suggested for processes that are of one service, or says why nothing is.
///
/// # Errors
/// Where the output cannot be written.
pub(crate) fn write(
    accounts: &[Account],
    form: Form,
    out: &mut dyn io::Write,
) -> io::Result<Result<(), String>> {
    let suggestion = match suggestion(accounts) {
        Ok(suggestion) => suggestion,
        Err(why) => return Ok(Err(why)),
    };
    for note in &suggestion.notes {
        for line in textwrap::wrap(note, 98) {
            writeln!(out, "# {line}")?;
        }
    }
    match form {
        Form::Dockerfile => {
            let settings = suggestion.variables.iter();
            let settings: Vec<String> = settings
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            writeln!(out, "ENV {}", settings.join(" \\\n    "))?;
        }
        Form::Kubernetes => {
            writeln!(out, "env:")?;
            for (name, value) in &suggestion.variables {
                writeln!(out, "- name: {name}\n  value: \"{value}\"")?;
            }
        }
    }
    Ok(Ok(()))
}

fn suggestion(accounts: &[Account]) -> Result<Suggestion, String> {
    let kept = accounts.iter().filter(|account| {
        let kind = account.verdict.kind;
        matches!(kind, Kind::Retention | Kind::Mixed)
    });
    // What helps the one that keeps most helps the others, too.
    let Some(account) = kept.max_by_key(|account| account.free()) else {
        return Err(nothing(accounts));
    };
    let has = |means: Means| {
        let levers = account.verdict.levers.iter();
        levers.clone().any(|lever| lever.means == means)
    };
    let conf = malloc_conf(accounts, account)
        .ok_or("no measured `MALLOC_CONF` fits the version of its jemalloc")?;
    let of_all = account.census.anonymous() >> 20;
    let mut notes = vec![format!(
        "malloclint inspect, pid {}: {} of {of_all} MiB are free",
        account.pid,
        account.free() >> 20
    )];
    let mut variables = Vec::new();
    if account.family().is_none() {
        variables.push(("LD_PRELOAD", "libjemalloc.so.2".to_owned()));
        notes.push(
            "It needs the package libjemalloc2 in the image (Debian, Ubuntu): `malloclint fix` adds it"
                .into(),
        );
    } else {
        let means = [Means::Decay, Means::BackgroundThread, Means::Narenas];
        // Fewer arenas than it has are no worse than more.
        let fewer = account
            .jemalloc()
            .is_some_and(|jemalloc| jemalloc.arenas > 1);
        if !fewer || !means.into_iter().any(has) {
            return Err(nothing(accounts));
        }
    }
    variables.push(("MALLOC_CONF", conf));
    if has(Means::PythonMalloc) {
        variables.push(("PYTHONMALLOC", "malloc".into()));
        notes.push(
            "PYTHONMALLOC=malloc, as much is free in Python's own arenas; it costs time: measure it with `malloclint tune`"
                .into(),
        );
    }
    if has(Means::ArenaMax) {
        notes.push("Or, with nothing installed, it helps less: MALLOC_ARENA_MAX=2".into());
    }
    Ok(Suggestion { variables, notes })
}

/// Why there is nothing to be set.
fn nothing(accounts: &[Account]) -> String {
    let largest = accounts
        .iter()
        .max_by_key(|account| account.census.anonymous());
    let Some(account) = largest else {
        return "no process was read".into();
    };
    let verdict = &account.verdict;
    let lever = verdict.levers.first();
    let lever = lever.map_or_else(String::new, |lever| format!(": {}", lever.text));
    format!("pid {}: {}{lever}", account.pid, verdict.reason)
}

/// The profile that fits how these processes make workers.
fn malloc_conf(accounts: &[Account], account: &Account) -> Option<String> {
    let is_worker = accounts
        .iter()
        .any(|parent| parent.pid == account.status.parent);
    let is_parent = accounts
        .iter()
        .any(|child| child.status.parent == account.pid);
    let need = Need {
        model: match is_worker || is_parent {
            true => Some(ProcessModel::Fork),
            false => Some(ProcessModel::Threads).filter(|_| account.status.threads > 1),
        },
        version: account.jemalloc().map(|jemalloc| jemalloc.version.as_str()),
        ..Need::default()
    };
    templates::malloc_conf(&need).map(|profile| profile.value.clone())
}
