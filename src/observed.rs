//! Reports of `malloclint inspect --format json`, read back: what was seen of which service.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;

use crate::model::{Memory, Seen};
use crate::text::{duration, paths};
use crate::{secrets, shell};

/// The version of the reports that can be read.
const VERSION: u32 = 1;
/// A process has no more memory, in bytes.
const MOST: u64 = 1 << 47;

/// A report.
#[derive(Debug)]
pub(crate) struct Report {
    /// Seconds since 1970.
    time: u64,
    processes: Vec<Process>,
}

/// How it is written.
#[derive(Deserialize)]
struct Written {
    version: u32,
    #[serde(default)]
    time: u64,
    #[serde(default)]
    processes: Vec<Process>,
}

/// One process in it: sizes in bytes.
#[derive(Debug, Deserialize)]
struct Process {
    pid: u32,
    #[serde(default)]
    parent: u32,
    command: String,
    anonymous: u64,
    /// Of it what no other process maps.
    #[serde(default)]
    private: Option<u64>,
    free: u64,
    verdict: Verdict,
    allocator: Allocator,
    #[serde(default)]
    levers: Vec<Lever>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Retention,
    Mixed,
    Live,
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Deserialize)]
struct Allocator {
    name: String,
    arenas: usize,
}

#[derive(Debug, Deserialize)]
struct Lever {
    means: String,
    text: String,
}

impl Report {
    /// Reads one.
    ///
    /// # Errors
    /// Why it is none.
    pub(crate) fn read(text: &[u8]) -> Result<Self, String> {
        let none =
            |error| format!("it is no report of `malloclint inspect --format json`: {error}");
        let report: serde_json::Value = serde_json::from_slice(text).map_err(none)?;
        // Of another version nothing else is known.
        let version = report.get("version").and_then(serde_json::Value::as_u64);
        if let Some(version) = version.filter(|own| *own != u64::from(VERSION)) {
            return Err(format!(
                "it is a report of version {version}: this malloclint reads version {VERSION}"
            ));
        }
        let report: Written = serde_json::from_value(report).map_err(none)?;
        if report.version != VERSION || report.processes.is_empty() {
            return Err("it is a report of no process".into());
        }
        let odd = |one: &&Process| one.anonymous > MOST || one.free > one.anonymous.max(1 << 20);
        if let Some(odd) = report.processes.iter().find(odd) {
            let pid = odd.pid;
            return Err(format!(
                "what it says of process {pid} cannot be: more is free than there is"
            ));
        }
        Ok(Self {
            time: report.time,
            processes: report.processes,
        })
    }

    /// The commands that it saw, each once, as they may be shown: some of them, and how many more there are.
    pub(crate) fn commands(&self) -> String {
        const SHOWN: usize = 4;
        const LONGEST: usize = 80;
        let one = |process: &Process| {
            let words: Vec<String> = process.command.split(' ').map(str::to_owned).collect();
            let shown = secrets::live::command(&words);
            let short: String = shown.chars().take(LONGEST).collect();
            format!("`{short}`")
        };
        let all: BTreeSet<String> = self.processes.iter().map(one).collect();
        let more = all.len().saturating_sub(SHOWN);
        let shown: Vec<String> = all.into_iter().take(SHOWN).collect();
        match more {
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    }

    /// What it saw of the service that such a command starts: of its processes and those that descend from them.
    pub(crate) fn of(&self, argv: &[String], name: &str, now: u64) -> Option<Seen> {
        let mut children: BTreeMap<u32, Vec<&Process>> = BTreeMap::new();
        for one in &self.processes {
            children.entry(one.parent).or_default().push(one);
        }
        let mut open: Vec<&Process> = self
            .processes
            .iter()
            .filter(|one| is_started_by(&one.command, argv))
            .collect();
        let mut own: BTreeMap<u32, &Process> = BTreeMap::new();
        while let Some(one) = open.pop() {
            if own.insert(one.pid, one).is_none() {
                open.extend(children.get(&one.pid).into_iter().flatten());
            }
        }
        let own: Vec<&Process> = own.into_values().collect();
        (!own.is_empty()).then(|| self.seen(&own, name, now))
    }

    /// What it saw, of whatever service.
    pub(crate) fn all(&self, name: &str, now: u64) -> Seen {
        self.seen(&self.processes.iter().collect::<Vec<_>>(), name, now)
    }

    fn seen(&self, processes: &[&Process], name: &str, now: u64) -> Seen {
        let of = |verdicts: &[Verdict]| {
            let own = processes
                .iter()
                .filter(|one| verdicts.contains(&one.verdict));
            own.fold(0, |sum: u64, one| sum.saturating_add(one.anonymous.max(1)))
        };
        let (kept, live) = (
            of(&[Verdict::Retention, Verdict::Mixed]),
            of(&[Verdict::Live]),
        );
        let largest = processes.iter().max_by_key(|one| one.free);
        let lever = largest.and_then(|one| one.levers.first());
        let pids: BTreeSet<u32> = processes.iter().map(|one| one.pid).collect();
        let on_glibc = processes.iter().filter(|one| one.allocator.name == "glibc");
        // A report may come from anywhere: what is no name is not repeated.
        let is_name = |name: &&str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            name.len() <= 20 && name.chars().all(fits)
        };
        let named = largest.map(|one| one.allocator.name.as_str());
        let named = named.filter(is_name).filter(|name| *name != "unknown");
        Seen {
            report: name.to_owned(),
            when: duration::ago(Duration::from_secs(now.saturating_sub(self.time))),
            memory: match (kept, live) {
                (0, 0) => Memory::Unknown,
                (kept, live) if kept >= live => Memory::Kept,
                _ => Memory::Live,
            },
            processes: processes.len(),
            anonymous: together(processes, |one| one.anonymous),
            free: together(processes, |one| one.free),
            heaps: on_glibc.map(|one| one.allocator.arenas).max(),
            forks: processes.iter().any(|one| pids.contains(&one.parent)),
            allocator: named.unwrap_or("another allocator").to_owned(),
            lever: lever.map(|lever| lever.text.clone()),
            is_pythons: lever.is_some_and(|lever| lever.means == "python-malloc"),
        }
    }
}

/// A figure of several processes: what a fork shares counts once.
fn together(processes: &[&Process], of: fn(&Process) -> u64) -> u64 {
    let parts = processes.iter().map(|one| {
        let all = one.anonymous.max(1);
        let private = one.private.unwrap_or(all).min(all);
        let own = u128::from(of(one)) * u128::from(private) / u128::from(all);
        let own = u64::try_from(own).unwrap_or(u64::MAX);
        (own, of(one).saturating_sub(own))
    });
    let (own, shared) = parts.fold((0_u64, 0_u64), |(sum, most), (own, shared)| {
        (sum.saturating_add(own), most.max(shared))
    });
    own.saturating_add(shared)
}

/// Whether a process runs what such a command starts. Neither is shown whole.
fn is_started_by(command: &str, argv: &[String]) -> bool {
    is_same(command, &secrets::command(argv, &[]))
}

/// Whether a command line that was run is one that is written down: an interpreter stands before a script in the one, a folder
/// before its name, and variables are filled in.
pub(crate) fn is_same(run: &str, written: &str) -> bool {
    let (run, written) = (words(run), words(written));
    // What is not shown, or not known, may be anything.
    let is_open = |word: &str| {
        word.contains('$') || word.contains(secrets::MASK) || word == shell::effects::UNKNOWN
    };
    let same = |(run, written): (&&str, &&str)| run == written || is_open(run) || is_open(written);
    let named = written
        .first()
        .is_some_and(|program| *program != shell::effects::UNKNOWN);
    named && run.len() == written.len() && run.iter().zip(&written).all(same)
}

/// The words of a command from its script or module on, without the folders of that.
fn words(command: &str) -> Vec<&str> {
    let mut words: Vec<&str> = command.split_whitespace().collect();
    let is_python = |word: &&str| paths::file_name(word).starts_with("python");
    if words.first().is_some_and(is_python) {
        let options = words
            .iter()
            .skip(1)
            .take_while(|word| word.starts_with('-') && **word != "-c");
        let script = 1 + options.count();
        if script < words.len() {
            words.drain(..script);
        }
    }
    if let Some(first) = words.first_mut() {
        *first = paths::file_name(first);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn report(processes: &str) -> Report {
        Report::read(
            format!(r#"{{"version": 1, "time": 100, "processes": [{processes}]}}"#).as_bytes(),
        )
        .unwrap()
    }

    fn process(pid: u32, parent: u32, command: &str, verdict: &str) -> String {
        format!(
            r#"{{"pid": {pid}, "parent": {parent}, "command": "{command}", "anonymous": 104857600, "free": 94371840, "verdict": "{verdict}",
            "allocator": {{"name": "glibc", "arenas": 9}}, "levers": [{{"means": "jemalloc", "text": "jemalloc would"}}]}}"#
        )
    }

    #[test]
    fn commands_are_those_that_start_it() {
        for (process, written) in [
            (
                "/usr/local/bin/python3.12 /usr/local/bin/gunicorn -w 4 app:app",
                "gunicorn -w 4 app:app",
            ),
            (
                "/usr/bin/python3 -m gunicorn app:app",
                "python -m gunicorn app:app",
            ),
            ("python3 -u /app/app.py", "python app.py"),
            (
                "/usr/bin/python3 /usr/bin/uvicorn app:app --port 8000",
                "uvicorn app:app --port ${PORT:-80}",
            ),
            (
                "/usr/bin/python3 /usr/bin/uvicorn app:app --port 8000",
                "uvicorn app:app --port *",
            ),
        ] {
            assert!(
                is_started_by(process, &argv(written)),
                "{process} {written}"
            );
        }
        assert!(!is_started_by(
            "python3 /usr/bin/gunicorn other:app",
            &argv("gunicorn app:app")
        ));
        assert!(!is_started_by("python3 -c x", &argv("python app.py")));
        assert!(
            !is_started_by("python3 app.py", &argv("*")),
            "it may be any"
        );
    }

    #[test]
    fn workers_belong_to_what_started_them() {
        let gunicorn = "/usr/bin/python3 /usr/bin/gunicorn app:app";
        let report = report(
            &[
                process(1, 0, gunicorn, "live"),
                process(7, 1, "gunicorn: worker", "retention"),
                process(8, 1, "gunicorn: worker", "retention"),
                process(9, 0, "python3 other.py", "live"),
            ]
            .join(","),
        );
        let seen = report.of(&argv("gunicorn app:app"), "r.json", 160).unwrap();
        assert_eq!(
            (seen.processes, seen.memory, seen.forks),
            (3, Memory::Kept, true)
        );
        assert_eq!(seen.heaps, Some(9));
        assert_eq!(seen.when, "1 minute ago");
        assert_eq!(report.of(&argv("celery worker"), "r.json", 160), None);
        assert_eq!(report.all("r.json", 160).processes, 4);
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for (text, says) in [
            ("{}", "no report"),
            ("[", "no report"),
            (r#"{"version": 2, "processes": []}"#, "version 2"),
            (r#"{"version": 1, "processes": []}"#, "no process"),
        ] {
            let why = Report::read(text.as_bytes()).unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
    }
}
