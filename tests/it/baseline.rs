//! What is known is not reported: baselines, and what a revision has already.

use std::path::Path;
use std::process::Command;

use crate::support::run::{Run, folder, run, write};

const BAD: &str = "FROM python:3.12-slim\nENV MALLOC_ARENA_MAX_=2\nCMD [\"gunicorn\", \"a:b\"]\n";
const UNSET: &str = "FROM python:3.12-slim\nCMD [\"gunicorn\", \"a:b\"]\n";

fn check(at: &Path, arguments: &[&str]) -> Run {
    run(at, [&["check", "--format", "concise"], arguments].concat())
}

#[test]
fn an_old_project_begins_with_what_it_has() {
    let services: Vec<(String, &str)> = (0..300)
        .map(|at| {
            (
                format!("s{at}/Dockerfile"),
                if at % 2 == 0 { BAD } else { UNSET },
            )
        })
        .collect();
    let files: Vec<(&str, &str)> = services
        .iter()
        .map(|(path, text)| (path.as_str(), *text))
        .collect();
    let folder = folder(files);
    let at = folder.path();
    assert_eq!(check(at, &["."]).code, Some(1));
    let written = check(at, &["--write-baseline", "known.json", "."]);
    assert_eq!((written.code, written.out.as_str()), (Some(0), ""));
    assert!(
        written.err.contains("300 findings written to known.json"),
        "{}",
        written.err
    );
    let quiet = check(at, &["--baseline", "known.json", "."]);
    assert_eq!((quiet.code, quiet.out.as_str()), (Some(0), ""));
    assert_eq!(quiet.err, "malloclint: 300 findings known\n");
    // A new defect, in a file that moved its lines and got a new base.
    write(
        at,
        "s0/Dockerfile",
        BAD.replace("3.12-slim", "3.13-slim\n# moved")
            .replace("ENV", "ENV PYTHONMALLOC=mallocc\nENV"),
    );
    let new = check(at, &["--baseline", "known.json", "."]);
    assert_eq!(new.code, Some(1));
    assert_eq!(new.out.lines().count(), 1, "{}", new.out);
    assert!(new.out.starts_with("s0/Dockerfile:3:"), "{}", new.out);
    // Another of a kind that is known is new, too; in another file as well.
    write(
        at,
        "s0/Dockerfile",
        BAD.replace("CMD", "FROM python:3.12\nENV MALLOC_ARENA_MAX_=2\nCMD"),
    );
    assert_eq!(
        check(at, &["--baseline", "known.json", "."])
            .out
            .lines()
            .count(),
        1
    );
    write(at, "s0/Dockerfile", BAD);
    write(at, "other/Dockerfile", BAD);
    let other = check(at, &["--baseline", "known.json", "."]);
    assert!(
        other.out.starts_with("other/Dockerfile:2:"),
        "{}",
        other.out
    );
    // A hook looks at some files, from wherever it runs.
    let some = check(
        at,
        &["--baseline", "known.json", "s3/Dockerfile", "s4/Dockerfile"],
    );
    assert_eq!(
        (some.code, some.err.as_str()),
        (Some(0), "malloclint: 2 findings known\n")
    );
    // What was fixed is told.
    write(at, "s4/Dockerfile", "FROM scratch\n");
    let gone = check(at, &["--baseline", "known.json", "s4"]);
    assert_eq!(
        gone.err,
        "malloclint: 1 of the baseline gone: write it anew\n"
    );
}

#[test]
fn paths_of_a_baseline_are_those_of_the_repository() {
    let folder = folder([("a/b/Dockerfile", BAD)]);
    let at = folder.path();
    std::fs::create_dir(at.join(".git")).unwrap();
    check(at, &["--write-baseline", "known.json", "."]);
    let inside = check(&at.join("a"), &["--baseline", "../known.json", "b"]);
    assert_eq!((inside.code, inside.out.as_str()), (Some(0), ""));
}

#[test]
fn a_broken_baseline_is_trouble() {
    let folder = folder([
        ("Dockerfile", BAD),
        ("broken.json", "[1]"),
        ("new.json", "{\"version\": 9, \"findings\": []}"),
    ]);
    for (file, said) in [
        (
            "no.json",
            "there is no such file: write it with `--write-baseline`",
        ),
        ("broken.json", "it is no baseline ("),
        (
            "new.json",
            "it is of version 9, which this malloclint does not know",
        ),
    ] {
        let ran = check(folder.path(), &["--baseline", file, "."]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
        assert!(ran.err.contains(&format!("{file}: {said}")), "{}", ran.err);
    }
}

fn git(at: &Path, arguments: &[&str]) {
    let done = Command::new("git")
        .args([
            "-C",
            at.to_str().unwrap(),
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@t",
        ])
        .args(arguments)
        .output()
        .unwrap();
    assert!(done.status.success(), "{arguments:?}: {done:?}");
}

#[test]
fn a_change_is_told_what_it_adds() {
    let folder = folder([
        ("old/Dockerfile", BAD),
        (
            "base/Dockerfile",
            "FROM python:3.12-slim\nCOPY start.sh /\nCMD [\"/start.sh\"]\n",
        ),
        (
            "base/start.sh",
            "#!/bin/sh\nexport MALLOC_ARENA_MAX=2\nexec gunicorn a:b\n",
        ),
    ]);
    let at = folder.path();
    git(at, &["init", "-q", "-b", "main"]);
    git(at, &["add", "-A"]);
    git(at, &["commit", "-q", "-m", "one"]);
    assert_eq!(check(at, &["."]).code, Some(1));
    let since = |revision: &str| check(at, &["--changed-since", revision, "."]);
    let nothing = since("HEAD");
    assert_eq!(
        (nothing.code, nothing.out.as_str()),
        (Some(0), ""),
        "{}",
        nothing.err
    );
    // A new file, and what a change to a script means for a file that did not change.
    write(at, "new/Dockerfile", BAD);
    write(at, "base/start.sh", "#!/bin/sh\nexec gunicorn a:b\n");
    let added = since("HEAD");
    assert_eq!(added.code, Some(1));
    let places: Vec<&str> = added
        .out
        .lines()
        .map(|line| line.split(": ").next().unwrap())
        .collect();
    assert_eq!(places, ["base/Dockerfile:1:1", "new/Dockerfile:2:5"]);
    // From a folder below, and of a part.
    let below = check(&at.join("new"), &["--changed-since", "main", "."]);
    assert_eq!(below.out.lines().count(), 1, "{}", below.out);
    // The work tree and its index are left alone.
    let status = Command::new("git")
        .args(["-C", at.to_str().unwrap(), "status", "--porcelain"])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&status.stdout),
        " M base/start.sh\n?? new/\n"
    );
    let unknown = since("no-such-branch");
    assert_eq!((unknown.code, unknown.out.as_str()), (Some(2), ""));
    assert!(
        unknown
            .err
            .contains("there is no revision `no-such-branch` here"),
        "{}",
        unknown.err
    );
    let hostile = since("--output=x");
    assert_eq!(hostile.code, Some(2));
    assert!(!at.join("x").exists());
}

#[test]
fn without_a_repository_there_is_no_revision() {
    let folder = folder([("Dockerfile", BAD)]);
    let ran = check(folder.path(), &["--changed-since", "HEAD", "."]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("git: "), "{}", ran.err);
}
