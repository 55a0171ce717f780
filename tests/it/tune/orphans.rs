//! No process ever stays behind: not after Ctrl-C, not after the program itself was killed, and
//! not of commands that try to get away.

use std::process::{Child, Stdio};

use super::processes::{mark, marked, wait_until};
use super::tune;
use crate::support::run::folder;

/// It starts a session of its own whose parent ends at once, and works on.
const ESCAPES: &str = "(setsid sh -c 'sleep 4321 & exec sleep 4321' &) ; exec sleep 4321";

/// Starts a run whose command has escaped already.
fn started(test: &str, folder: &std::path::Path) -> Child {
    let child = tune(folder, test)
        .args(["--allocators", "glibc", "--budget", "5m"])
        .args(["--", "sh", "-c", ESCAPES])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until(&mark(test), |found| {
        found
            .iter()
            .filter(|(_, line)| line.starts_with("sleep 4321"))
            .count()
            == 3
    });
    child
}

fn signal(child: &Child, name: &str) {
    let status = std::process::Command::new("sh")
        .args(["-c", &format!("kill -{name} {}", child.id())])
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn an_interrupt_ends_the_whole_tree() {
    for name in ["INT", "TERM"] {
        let (folder, test) = (folder([]), format!("orphans-{name}"));
        let child = started(&test, folder.path());
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert!(
            marked(&mark(&test)).is_empty(),
            "{:?}",
            marked(&mark(&test))
        );
        assert_eq!(output.status.code(), Some(2));
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(out.contains("it was interrupted"), "{out}");
    }
}

/// While requests are under way, which the server does not answer, everything ends as soon.
#[test]
fn requests_that_are_under_way_keep_nothing() {
    for name in ["INT", "TERM", "KILL"] {
        let (folder, test) = (folder([]), format!("orphans-requests-{name}"));
        let port = super::port();
        let script = format!(
            "(setsid sleep 4321 &); exec python3 {} {port} ok",
            super::file("pages.py")
        );
        let mut child = tune(folder.path(), &test)
            .args([
                "--allocators",
                "glibc",
                "--budget",
                "5m",
                "--load-time",
                "1m",
            ])
            .args([
                "--ready",
                &format!(":{port}"),
                "--url",
                "9*/",
                "--url",
                "/slow/100",
            ])
            .args(["--", "sh", "-c", &script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let asked = folder.path().join("asked");
        wait_until(&mark(&test), |_| asked.exists());
        let began = std::time::Instant::now();
        signal(&child, name);
        if name == "KILL" {
            child.wait().unwrap();
            wait_until(&mark(&test), <[_]>::is_empty);
        } else {
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(2));
            let left = marked(&mark(&test));
            assert!(left.is_empty(), "{left:?}");
        }
        // Far less than the server takes to answer, and than is waited for it.
        let took = began.elapsed();
        assert!(
            took < std::time::Duration::from_secs(25),
            "{name}: {took:?}"
        );
    }
}

#[test]
fn what_was_measured_before_an_interrupt_is_printed() {
    let (folder, test) = (folder([]), "orphans-printed");
    let child = tune(folder.path(), test)
        .args([
            "--allocators",
            "glibc",
            "--budget",
            "5m",
            "--csv",
            "runs.csv",
        ])
        .args(["--", "sh", "-c", "echo >> begun; sleep 0.3; exec sleep 0.1"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // A warm-up, and two runs that can be compared; they are over when the next one has begun.
    let begun = folder.path().join("begun");
    wait_until(&mark(test), |_| {
        std::fs::read(&begun).is_ok_and(|lines| lines.len() >= 4)
    });
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert!(marked(&mark(test)).is_empty());
    assert_eq!(output.status.code(), Some(2));
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(
        out.contains("it was interrupted") && out.contains("  glibc\n"),
        "{out}"
    );
    let csv = std::fs::read_to_string(folder.path().join("runs.csv")).unwrap();
    assert!(csv.lines().count() > 1, "{csv}");
}

#[test]
fn a_program_that_is_killed_takes_its_commands_along() {
    let (folder, test) = (folder([]), "orphans-kill");
    let mut child = started(test, folder.path());
    signal(&child, "KILL");
    child.wait().unwrap();
    wait_until(&mark(test), <[_]>::is_empty);
}

#[test]
fn a_keeper_that_is_killed_loses_nothing() {
    let (folder, test) = (folder([]), "orphans-keeper");
    let child = started(test, folder.path());
    let keeper = marked(&mark(test))
        .into_iter()
        .find(|(_, line)| line.contains(" tune-keeper "))
        .unwrap();
    let status = std::process::Command::new("sh")
        .args(["-c", &format!("kill -KILL {}", keeper.0)])
        .status()
        .unwrap();
    assert!(status.success());
    let output = child.wait_with_output().unwrap();
    assert!(marked(&mark(test)).is_empty(), "{:?}", marked(&mark(test)));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_keeper_is_not_called_by_hand() {
    let folder = folder([]);
    let run = crate::support::run::run(folder.path(), ["tune-keeper", "--", "true"]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.err.contains("this command is for `malloclint tune`"),
        "{}",
        run.err
    );
}

/// `database & exec malloclint tune ...`: what was there before is nobody's to end.
#[test]
fn children_from_before_stay() {
    let (folder, test) = (folder([]), "orphans-before");
    let own = env!("CARGO_BIN_EXE_malloclint");
    let script = format!(
        "sleep 4322 & exec {own} tune --allocators glibc --budget 4s --candidates 1 -- sleep 0.3"
    );
    let status = std::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env(super::processes::NAME, mark(test))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.code().is_some());
    let left = marked(&mark(test));
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].1.starts_with("sleep 4322"), "{left:?}");
    let pid = left[0].0.to_string();
    let killed = std::process::Command::new("kill")
        .args(["-9", &pid])
        .status();
    assert!(killed.unwrap().success());
}
