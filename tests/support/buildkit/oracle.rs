//! Runs `oracle.py`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde::Deserialize;

use super::view;

/// The commands of a file that the parser takes, or why it refuses the file. `Ok(None)` is a file
/// that it takes but whose commands the package cannot hand over.
pub(crate) type Verdict = Result<Option<Vec<view::Command>>, String>;

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Refused {
        error: String,
    },
    Taken {
        commands: Option<Vec<view::Command>>,
    },
}

/// The interpreter that has the package; `None`, with a word about it, where there is none.
pub(crate) fn python() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
    let python = std::env::var_os("MALLOCLINT_ORACLE_PYTHON").map_or(here, PathBuf::from);
    let probe = Command::new(&python)
        .args(["-c", "import dockerfile"])
        .output();
    if probe.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    let why = format!(
        "the package `dockerfile` is missing from {}",
        python.display()
    );
    let required = std::env::var_os("MALLOCLINT_REQUIRE_ORACLES").is_some_and(|v| v == "1");
    assert!(!required, "{why}");
    println!("SKIPPED: {why}");
    None
}

/// One verdict for each text, in order; two interpreters share the work.
pub(crate) fn run(python: &Path, texts: &[&str]) -> Vec<Verdict> {
    let half = texts.len().div_ceil(2).max(1);
    std::thread::scope(|scope| {
        let halves: Vec<_> = texts
            .chunks(half)
            .map(|texts| scope.spawn(move || batch(python, texts)))
            .collect();
        halves
            .into_iter()
            .flat_map(|half| half.join().unwrap())
            .collect()
    })
}

/// The same with one interpreter.
pub(crate) fn batch(python: &Path, texts: &[&str]) -> Vec<Verdict> {
    let mut oracle = start(python);
    let mut requests = oracle.stdin.take().unwrap();
    let answers = BufReader::new(oracle.stdout.take().unwrap());
    let verdicts: Vec<Verdict> = std::thread::scope(|scope| {
        scope.spawn(move || {
            for text in texts {
                let line = serde_json::to_string(text).unwrap() + "\n";
                requests.write_all(line.as_bytes()).unwrap();
            }
        });
        answers
            .lines()
            .map(|line| verdict(&line.unwrap()))
            .collect()
    });
    assert!(oracle.wait().unwrap().success(), "the oracle failed");
    assert_eq!(verdicts.len(), texts.len(), "the oracle stopped early");
    verdicts
}

fn start(python: &Path) -> Child {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dockerfile/oracle.py");
    Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // BuildKit's lexer complains there about every odd character.
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn verdict(line: &str) -> Verdict {
    match serde_json::from_str(line).unwrap() {
        Answer::Refused { error } => Err(error),
        Answer::Taken { commands } => Ok(commands),
    }
}
