//! What stands in the way of a file: rights, a full disk, somebody who writes too, a sudden end.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::{FIXED, SERVICE, text};
use crate::support::run::{finish, folder, program, run};

/// What lies beside a file must go, whatever happened.
fn strangers(folder: &Path) -> usize {
    let names = fs::read_dir(folder).unwrap();
    names
        .filter(|entry| entry.as_ref().unwrap().file_name() != "Dockerfile")
        .count()
}

/// `malloclint fix` run by somebody to whom root's rights do not apply, where that can be had.
fn as_nobody(folder: &Path) -> Option<Command> {
    let id = Command::new("id").arg("-u").output().ok()?;
    if id.stdout != b"0\n" {
        let mut fix = program(folder);
        fix.arg("fix");
        return Some(fix);
    }
    let owned = Command::new("chown")
        .args(["-R", "65534:65534"])
        .arg(folder)
        .status();
    let mut fix = Command::new("setpriv");
    fix.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    fix.args([env!("CARGO_BIN_EXE_malloclint"), "fix"])
        .current_dir(folder);
    let mut probe = Command::new("setpriv");
    probe.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    let runs = probe
        .args([env!("CARGO_BIN_EXE_malloclint"), "rules"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let can =
        owned.is_ok_and(|status| status.success()) && runs.is_ok_and(|status| status.success());
    can.then_some(fix)
}

#[test]
fn a_read_only_file_stays_and_the_others_are_fixed() {
    let folder = folder([("a/Dockerfile", SERVICE), ("b/Dockerfile", SERVICE)]);
    fs::set_permissions(
        folder.path().join("a/Dockerfile"),
        Permissions::from_mode(0o444),
    )
    .unwrap();
    let tried = run(folder.path(), ["fix"]);
    assert_eq!(tried.code, Some(2));
    assert_eq!(
        tried.err,
        "malloclint: a/Dockerfile: it is read-only: make it writable, or use `--diff`\n"
    );
    assert_eq!(text(folder.path(), "a/Dockerfile"), SERVICE);
    assert_eq!(text(folder.path(), "b/Dockerfile"), FIXED);
    assert_eq!(strangers(&folder.path().join("a")), 0);
}

#[test]
fn a_folder_that_takes_no_file() {
    let folder = folder([("a/Dockerfile", SERVICE), ("b/Dockerfile", SERVICE)]);
    let locked = folder.path().join("a");
    let Some(mut fix) = as_nobody(folder.path()) else {
        eprintln!("left out: root may write everywhere, and `setpriv` is missing");
        return;
    };
    fs::set_permissions(&locked, Permissions::from_mode(0o555)).unwrap();
    let tried = finish(&mut fix, b"");
    fs::set_permissions(&locked, Permissions::from_mode(0o755)).unwrap();
    assert_eq!(tried.code, Some(2));
    assert!(
        tried.err.contains("cannot write beside it"),
        "{}",
        tried.err
    );
    assert_eq!(text(folder.path(), "a/Dockerfile"), SERVICE);
    assert_eq!(text(folder.path(), "b/Dockerfile"), FIXED);
}

/// A small file system of our own, where we may mount one.
#[test]
fn a_full_disk() {
    let folder = folder([("b/Dockerfile", SERVICE)]);
    let small = folder.path().join("small");
    fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "none"])
        .arg(&small)
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("left out: no file system can be mounted here");
        return;
    }
    let long = format!("{SERVICE}# {}\n", "x".repeat(20_000));
    fs::write(small.join("Dockerfile"), &long).unwrap();
    let mut filler = OpenOptions::new()
        .create(true)
        .append(true)
        .open(small.join("filler"))
        .unwrap();
    while filler.write_all(&[b'x'; 4096]).is_ok() {}
    drop(filler);
    let tried = run(folder.path(), ["fix"]);
    let kept = fs::read_to_string(small.join("Dockerfile")).unwrap();
    let left = strangers(&small);
    Command::new("umount").arg(&small).status().unwrap();
    assert_eq!(tried.code, Some(2), "{}{}", tried.out, tried.err);
    assert!(
        tried.err.contains("small/Dockerfile: cannot") && tried.err.contains("nothing was changed"),
        "{}",
        tried.err
    );
    assert_eq!(kept, long);
    assert_eq!(left, 1, "a temporary file was left");
    assert_eq!(text(folder.path(), "b/Dockerfile"), FIXED);
}

/// Killed at any moment, the file is the old one or the new one, and whole.
#[test]
fn a_sudden_end_leaves_one_of_both() {
    let padding = format!("# {}\n", "x".repeat(70)).repeat(20_000);
    let (old, new) = (format!("{SERVICE}{padding}"), format!("{FIXED}{padding}"));
    let folder = folder([]);
    let path = folder.path().join("Dockerfile");
    let mut seen = [0, 0];
    for delay in 0..60 {
        fs::write(&path, &old).unwrap();
        let mut child = program(folder.path())
            .args(["fix", "Dockerfile"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_micros(delay * 1_000));
        let _ = child.kill();
        child.wait().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text == old || text == new,
            "neither the old nor the new file, {} bytes",
            text.len()
        );
        seen[usize::from(text == new)] += 1;
    }
    assert!(seen[0] > 0, "it was never killed in time: {seen:?}");
}
