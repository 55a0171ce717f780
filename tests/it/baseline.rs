//! What is known is not reported: baselines, and what a revision has already.

use std::path::Path;
use std::process::Command;

use crate::support::run::{FAULTY, Run, finish, folder, program, run, write};

const BAD: &str = "FROM python:3.12-slim\nENV MALLOC_ARENA_MAX_=2\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
const UNSET: &str = "FROM python:3.12-slim\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";

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
        BAD.replace("slim\n", "slim AS api\n")
            .replace("CMD", "FROM python:3.12\nENV MALLOC_ARENA_MAX_=2\nCMD"),
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
            "#!/bin/sh\nexport MALLOC_ARENA_MAX=2\nexec gunicorn --threads 8 a:b\n",
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
    write(
        at,
        "base/start.sh",
        "#!/bin/sh\nexec gunicorn --threads 8 a:b\n",
    );
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

/// A repository with one commit that holds these files.
fn repository(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = folder(files.iter().copied());
    committed(folder.path());
    folder
}

fn committed(at: &Path) {
    git(at, &["init", "-q", "-b", "main"]);
    git(at, &["add", "-A"]);
    git(at, &["commit", "-q", "-m", "one"]);
}

fn since(at: &Path, revision: &str, paths: &[&str]) -> Run {
    check(at, &[&["--changed-since", revision], paths].concat())
}

/// That nothing is new there, and that a new fault still is.
#[track_caller]
fn only_what_is_new(at: &Path, revision: &str, path: &str, file: &str) {
    let ran = since(at, revision, &[path]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{}", ran.err);
    write(at, file, format!("{FAULTY}ENV PYTHONMALLOC=mallocc\n"));
    let ran = since(at, revision, &[path]);
    assert_eq!(ran.out.lines().count(), 1, "{} {}", ran.out, ran.err);
}

#[test]
fn a_revision_is_found_wherever_the_repository_lies() {
    // Its name ends in what a line of output may end in.
    let around = folder([(".gitignore", "*\n")]);
    let odd = around.path().join("a \n");
    write(&odd, "x/Dockerfile", FAULTY);
    committed(&odd);
    only_what_is_new(&odd, "HEAD", ".", "x/Dockerfile");
    // Elsewhere than where the program runs.
    let other = repository(&[("x/Dockerfile", FAULTY)]);
    let ran = since(around.path(), "main", &[other.path().to_str().unwrap()]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{}", ran.err);
    // In more than one.
    let here = repository(&[("Dockerfile", FAULTY)]);
    let both = since(here.path(), "main", &[".", other.path().to_str().unwrap()]);
    assert_eq!(both.code, Some(2));
    assert!(both.err.contains("looks at one repository"), "{}", both.err);
    // Only the others' branch is here, as in a checkout for a pull request.
    let clone = tempfile::tempdir().unwrap();
    let from = other.path().to_str().unwrap();
    git(clone.path(), &["clone", "-q", "-o", "origin", from, "c"]);
    let clone = clone.path().join("c");
    git(&clone, &["checkout", "-q", "--detach"]);
    git(&clone, &["branch", "-q", "-D", "main"]);
    only_what_is_new(&clone, "main", ".", "x/Dockerfile");
    // A hook is told about the repository by variables.
    let mut hook = program(&here.path().join(".git"));
    hook.args(["check", "--changed-since", "main", ".."])
        .env("GIT_DIR", ".git")
        .env("GIT_INDEX_FILE", "no");
    let hooked = finish(&mut hook, b"");
    assert_eq!(hooked.code, Some(0), "{}", hooked.err);
}

#[test]
fn what_is_ignored_around_the_temporary_folder_is_no_matter() {
    let here = repository(&[("x/Dockerfile", FAULTY)]);
    write(here.path(), ".gitignore", "tmp/\n");
    std::fs::create_dir(here.path().join("tmp")).unwrap();
    let mut command = program(here.path());
    command
        .args(["check", "--changed-since", "main", "."])
        .env("TMPDIR", here.path().join("tmp"));
    let ran = finish(&mut command, b"");
    assert_eq!(ran.code, Some(0), "{} {}", ran.out, ran.err);
}

#[test]
fn standard_input_has_a_past_too() {
    let here = repository(&[("x/Dockerfile", FAULTY)]);
    let with = |text: &str| {
        let mut command = program(here.path());
        command.args(["check", "--changed-since", "main", "-"]);
        finish(
            command.args(["--stdin-filename", "x/Dockerfile"]),
            text.as_bytes(),
        )
    };
    assert_eq!(with(FAULTY).code, Some(0));
    let more = with(&format!("{FAULTY}ENV PYTHONMALLOC=mallocc\n"));
    assert_eq!(more.code, Some(1), "{}", more.err);
}

#[test]
fn a_broken_configuration_of_then_is_said_and_does_no_harm() {
    let here = repository(&[
        ("Dockerfile", FAULTY),
        ("malloclint.toml", "ignore = [\"no-such-rule\"]\n"),
    ]);
    write(here.path(), "malloclint.toml", "");
    let ran = since(here.path(), "main", &["."]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{}", ran.err);
    let said = "malloclint: malloclint.toml: it was broken at `main` (";
    assert!(ran.err.contains(said), "{}", ran.err);
}

#[cfg(unix)]
#[test]
fn links_lead_to_the_same_file_then() {
    use std::os::unix::fs::symlink;
    let here = folder([("real/Dockerfile", FAULTY), ("real/sub/Dockerfile", FAULTY)]);
    symlink("real", here.path().join("linked")).unwrap();
    symlink("real/Dockerfile", here.path().join("Dockerfile")).unwrap();
    committed(here.path());
    for paths in [
        ["linked"].as_slice(),
        &["Dockerfile"],
        &["linked/sub"],
        &["."],
    ] {
        let ran = since(here.path(), "main", paths);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (Some(0), ""),
            "{paths:?} {}",
            ran.err
        );
    }
    // What a script was that a link leads to counts then, too.
    let here = folder([
        (
            "real.sh",
            "#!/bin/sh\nexport LD_PRELOAD=libjemaloc.so\nexec gunicorn --threads 8 a:b\n",
        ),
        (
            "Dockerfile",
            "FROM python:3.12-slim\nCOPY run.sh /\nCMD [\"/run.sh\"]\n",
        ),
    ]);
    symlink("real.sh", here.path().join("run.sh")).unwrap();
    committed(here.path());
    let ran = since(here.path(), "main", &["."]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{}", ran.err);
}

#[test]
fn repositories_inside_are_taken_as_they_were() {
    let inner = repository(&[("Dockerfile", FAULTY)]);
    let here = repository(&[("x/Dockerfile", FAULTY)]);
    let from = inner.path().to_str().unwrap();
    let add = [
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
    ];
    git(here.path(), &[add.as_slice(), &[from, "inner"]].concat());
    git(here.path(), &["commit", "-q", "-m", "two"]);
    only_what_is_new(here.path(), "HEAD", ".", "inner/Dockerfile");
    // Its commit of then may be gone.
    let sub = here.path().join("inner");
    git(
        &sub,
        &["commit", "-q", "--amend", "-m", "other", "--reset-author"],
    );
    git(&sub, &["update-ref", "-d", "refs/remotes/origin/main"]);
    git(&sub, &["update-ref", "-d", "refs/remotes/origin/HEAD"]);
    git(&sub, &["reflog", "expire", "--expire=now", "--all"]);
    git(&sub, &["gc", "-q", "--prune=now"]);
    let ran = since(here.path(), "HEAD", &["."]);
    assert!(
        ran.err
            .contains("malloclint: inner: its commit of then is not here"),
        "{}",
        ran.err
    );
}

#[test]
fn no_program_of_a_filter_is_run() {
    let here = repository(&[("Dockerfile", FAULTY)]);
    let at = here.path();
    write(at, ".gitattributes", "* filter=own\n");
    git(at, &["add", "-A"]);
    git(at, &["commit", "-q", "-m", "two"]);
    let ran = at.join("ran");
    let smudge = format!("touch {}", ran.display());
    git(at, &["config", "filter.own.smudge", &smudge]);
    assert_eq!(since(at, "HEAD", &["."]).code, Some(0));
    assert!(!ran.exists());
}

#[test]
fn fingerprints_are_the_same_from_everywhere() {
    let here = repository(&[("a/Dockerfile", FAULTY), ("b/Dockerfile", FAULTY)]);
    let at = here.path().canonicalize().unwrap();
    check(&at, &["--write-baseline", "known.json", "."]);
    let elsewhere = tempfile::tempdir().unwrap();
    let (whole, known) = (at.to_str().unwrap(), at.join("known.json"));
    let known = known.to_str().unwrap();
    for (from, path) in [
        (elsewhere.path(), whole.to_owned()),
        (&at.join("a"), whole.to_owned()),
        (&at.join("a"), "../b".to_owned()),
        (&at, format!("{whole}/a/Dockerfile")),
    ] {
        let ran = check(from, &["--baseline", known, &path]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{path}");
    }
    // What is gone is gone from there, too.
    std::fs::remove_file(at.join("a/Dockerfile")).unwrap();
    let ran = check(elsewhere.path(), &["--baseline", known, whole]);
    assert!(ran.err.contains("1 of the baseline gone"), "{}", ran.err);
}
