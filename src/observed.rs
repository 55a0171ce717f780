//! Reports of `malloclint inspect --format json`, read back: what was seen of which service.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;

use crate::model::{Memory, Seen};
use crate::secrets;
use crate::text::{duration, paths};

/// The version of the reports that can be read.
const VERSION: u32 = 1;

/// A report.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    version: u32,
    /// Seconds since 1970.
    #[serde(default)]
    time: u64,
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
    text: String,
}

impl Report {
    /// Reads one.
    ///
    /// # Errors
    /// Why it is none.
    pub(crate) fn read(text: &[u8]) -> Result<Self, String> {
        let report: Self = serde_json::from_slice(text).map_err(|error| {
            format!("it is no report of `malloclint inspect --format json`: {error}")
        })?;
        if report.version != VERSION {
            let version = report.version;
            return Err(format!(
                "it is a report of version {version}: this malloclint reads version {VERSION}"
            ));
        }
        if report.processes.is_empty() {
            return Err("it is a report of no process".into());
        }
        Ok(report)
    }

    /// The commands that it saw, each once.
    pub(crate) fn commands(&self) -> Vec<&str> {
        let commands = self.processes.iter().map(|one| one.command.as_str());
        commands.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What it saw of the service that such a command starts: of its processes and those that descend from them.
    pub(crate) fn of(&self, argv: &[String], name: &str, now: u64) -> Option<Seen> {
        let started = |one: &&Process| is_started_by(&one.command, argv);
        let mut pids: BTreeSet<u32> = self
            .processes
            .iter()
            .filter(started)
            .map(|one| one.pid)
            .collect();
        if pids.is_empty() {
            return None;
        }
        loop {
            let children = self.processes.iter();
            let children = children.filter(|one| pids.contains(&one.parent));
            let more: BTreeSet<u32> = children.map(|one| one.pid).collect();
            if more.is_subset(&pids) {
                break;
            }
            pids.extend(more);
        }
        let own = self.processes.iter();
        Some(
            self.seen(
                &own.filter(|one| pids.contains(&one.pid))
                    .collect::<Vec<_>>(),
                name,
                now,
            ),
        )
    }

    /// What it saw, of whatever service.
    pub(crate) fn all(&self, name: &str, now: u64) -> Seen {
        self.seen(&self.processes.iter().collect::<Vec<_>>(), name, now)
    }

    fn seen(&self, processes: &[&Process], name: &str, now: u64) -> Seen {
        let sum = |of: fn(&Process) -> u64| processes.iter().map(|one| of(one)).sum::<u64>();
        let of = |verdicts: &[Verdict]| {
            let own = processes
                .iter()
                .filter(|one| verdicts.contains(&one.verdict));
            own.map(|one| one.anonymous.max(1)).sum::<u64>()
        };
        let (kept, live) = (
            of(&[Verdict::Retention, Verdict::Mixed]),
            of(&[Verdict::Live]),
        );
        let largest = processes.iter().max_by_key(|one| one.free);
        let pids: BTreeSet<u32> = processes.iter().map(|one| one.pid).collect();
        let on_glibc = processes.iter().filter(|one| one.allocator.name == "glibc");
        Seen {
            report: name.to_owned(),
            when: duration::ago(Duration::from_secs(now.saturating_sub(self.time))),
            memory: match (kept, live) {
                (0, 0) => Memory::Unknown,
                (kept, live) if kept >= live => Memory::Kept,
                _ => Memory::Live,
            },
            processes: processes.len(),
            anonymous: sum(|one| one.anonymous),
            free: sum(|one| one.free),
            heaps: on_glibc.map(|one| one.allocator.arenas).max(),
            forks: processes.iter().any(|one| pids.contains(&one.parent)),
            allocator: largest.map_or_else(String::new, |one| one.allocator.name.clone()),
            lever: largest.and_then(|one| Some(one.levers.first()?.text.clone())),
        }
    }
}

/// Whether a process runs what such a command starts: an interpreter stands before a script in the one, a folder before its name, and
/// variables are filled in.
fn is_started_by(command: &str, argv: &[String]) -> bool {
    let shown = secrets::command(argv, &[]);
    let (process, written) = (words(command), words(&shown));
    let same = |(process, written): (&&str, &&str)| {
        process == written || written.contains('$') || written.contains(secrets::MASK)
    };
    !written.is_empty() && process.len() == written.len() && process.iter().zip(&written).all(same)
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
