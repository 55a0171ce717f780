//! `--evidence`: what a report of `inspect` changes, and whose it is.

use std::fs;
use std::path::Path;

use crate::support::run::{Run, folder, run};

const GUNICORN: &str = "/usr/local/bin/python3.12 /usr/local/bin/gunicorn -w 2 app:app";
const IMAGE: &str = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD [\"gunicorn\", \"-w\", \"2\", \"app:app\"]\n";

/// A report of one process, `age` seconds old.
fn report(command: &str, verdict: &str, allocator: &str, age: u64) -> String {
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let free = if verdict == "retention" { 500 } else { 20 } << 20;
    format!(
        r#"{{"version": 1, "time": {}, "processes": [{{"pid": 1, "parent": 0, "command": "{command}", "anonymous": {}, "free": {free},
        "verdict": "{verdict}", "allocator": {{"name": "{allocator}", "arenas": 9}}, "levers": [{{"means": "jemalloc", "text": "jemalloc would"}}]}}]}}"#,
        now - age,
        600_u64 << 20
    )
}

fn check(files: &[(&str, &str)], report: &str, evidence: &str) -> Run {
    let folder = folder(files.iter().copied());
    fs::write(folder.path().join("r.json"), report).unwrap();
    run(
        folder.path(),
        ["check", "--evidence", evidence, "--format", "json", "."],
    )
}

/// What was seen counts more than what is written.
#[test]
fn what_was_seen_decides() {
    let threads = IMAGE.replace("-w", "--threads");
    let seen = GUNICORN.replace("-w", "--threads");
    for (image, command, verdict, allocator, severity, says) in [
        (
            IMAGE,
            GUNICORN,
            "retention",
            "glibc",
            "warning",
            "500 of 600 MiB were free",
        ),
        (
            IMAGE,
            GUNICORN,
            "live",
            "glibc",
            "info",
            "the rest was in use",
        ),
        (
            &threads,
            &seen,
            "live",
            "glibc",
            "info",
            "the rest was in use",
        ),
        // What ran on jemalloc says nothing of glibc: what is written counts.
        (
            &threads,
            &seen,
            "live",
            "jemalloc",
            "warning",
            "that says nothing of glibc",
        ),
        (
            IMAGE,
            GUNICORN,
            "unknown",
            "glibc",
            "info",
            "could not tell",
        ),
    ] {
        let report = report(command, verdict, allocator, 3 * 86_400 + 60);
        let run = check(&[("Dockerfile", image)], &report, "r.json");
        assert!(
            run.out.contains(&format!("\"{severity}\"")),
            "{verdict} {allocator}: {}",
            run.out
        );
        assert!(run.out.contains(says), "{verdict} {allocator}: {}", run.out);
        assert!(run.out.contains("3 days ago"), "{}", run.out);
    }
}

/// A report without a path is for the one service that starts what it saw; else the candidates are told.
#[test]
fn a_report_is_of_one_service() {
    let compose = "services:\n  web:\n    build: .\n";
    let other = ("b/Dockerfile", IMAGE);
    let celery = IMAGE.replace(
        "\"gunicorn\", \"-w\", \"2\", \"app:app\"",
        "\"celery\", \"-A\", \"app\", \"worker\"",
    );
    let own = report(GUNICORN, "retention", "glibc", 5);
    // A container that runs what the Dockerfile builds is the same service.
    let run = check(
        &[("Dockerfile", IMAGE), ("compose.yaml", compose)],
        &own,
        "r.json",
    );
    assert_eq!((run.code, run.err.as_str()), (Some(1), ""));
    let run = check(&[("a/Dockerfile", IMAGE), other], &own, "r.json");
    assert_eq!(run.code, Some(2));
    for text in [
        "several services",
        "a/Dockerfile:1",
        "b/Dockerfile:1",
        "PATH=REPORT",
    ] {
        assert!(run.err.contains(text), "{text}: {}", run.err);
    }
    let run = check(
        &[("a/Dockerfile", IMAGE), other],
        &own,
        "b/Dockerfile=r.json",
    );
    assert_eq!(run.out.matches("\"warning\"").count(), 1, "{}", run.out);
    let run = check(&[("Dockerfile", &celery)], &own, "r.json");
    assert_eq!(run.code, Some(2));
    assert!(
        run.err.contains("no service here starts what it saw"),
        "{}",
        run.err
    );
    // Who names the file is believed.
    let run = check(&[("Dockerfile", &celery)], &own, "Dockerfile=r.json");
    assert!(run.out.contains("\"warning\""), "{}", run.out);
    assert!(
        run.err
            .contains("it is taken for that, as this file was named"),
        "{}",
        run.err
    );
    for (evidence, says) in [
        ("none.json", "there is no such file"),
        ("none=r.json", "none: there is no such file"),
        ("Dockerfile", "no report of `malloclint inspect"),
    ] {
        let run = check(&[("Dockerfile", IMAGE)], &own, evidence);
        assert_eq!(run.code, Some(2), "{evidence}");
        assert!(run.err.contains(says), "{evidence}: {}", run.err);
    }
}

/// With it `fix` takes what it takes for advice otherwise.
#[test]
fn fix_believes_it() {
    let folder = folder([("Dockerfile", IMAGE)]);
    let fixed = |path: &Path, arguments: &[&str]| {
        run(path, arguments);
        fs::read_to_string(path.join("Dockerfile")).unwrap()
    };
    let kept = report(GUNICORN, "retention", "glibc", 5);
    fs::write(folder.path().join("r.json"), kept).unwrap();
    assert_eq!(fixed(folder.path(), &["fix", "."]), IMAGE);
    let text = fixed(folder.path(), &["fix", "--evidence", "r.json", "."]);
    assert!(text.contains("LD_PRELOAD=libjemalloc.so.2"), "{text}");
}
