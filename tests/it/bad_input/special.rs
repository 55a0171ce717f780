//! Files that are no files: links, pipes, devices, what may not be read.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use super::check_beside_neighbour;
use crate::support::run::{FAULT, FAULTY, finish, folder, run_limited as run};

fn exists(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

#[test]
fn links_that_lead_nowhere_or_in_circles() {
    let folder = folder([("a/b/Dockerfile", FAULTY)]);
    symlink("nowhere", folder.path().join("a/Dockerfile")).unwrap();
    symlink("loop", folder.path().join("loop")).unwrap();
    symlink("../..", folder.path().join("a/b/up")).unwrap();
    symlink("/", folder.path().join("a/root")).unwrap();
    let searched = check_beside_neighbour(folder.path());
    assert_eq!(
        searched.out,
        format!("a/b/Dockerfile{FAULT}\nzz/Dockerfile{FAULT}\n")
    );
    let named = run(
        folder.path(),
        ["check", "--format", "concise", "a/Dockerfile", "loop", "zz"],
    );
    assert_eq!(
        (named.code, named.out),
        (Some(2), format!("zz/Dockerfile{FAULT}\n"))
    );
    assert!(
        named
            .err
            .contains("malloclint: a/Dockerfile: there is no such file or folder\n"),
        "{}",
        named.err
    );
    assert!(named.err.contains("malloclint: loop: "), "{}", named.err);
}

/// A search passes over pipes; one that is named must not wait for a writer that never comes.
#[test]
fn a_pipe_named_dockerfile() {
    let folder = folder([("zz/Dockerfile", FAULTY)]);
    let made = Command::new("mkfifo")
        .arg(folder.path().join("Dockerfile"))
        .status()
        .expect("mkfifo runs");
    assert!(made.success());
    assert_eq!(check_beside_neighbour(folder.path()).code, Some(1));
    let named = run(
        folder.path(),
        ["check", "--format", "concise", "Dockerfile", "zz"],
    );
    assert_eq!(
        (named.code, named.out),
        (Some(2), format!("zz/Dockerfile{FAULT}\n"))
    );
    assert!(
        named.err.starts_with("malloclint: Dockerfile: "),
        "{}",
        named.err
    );
}

#[test]
fn devices_that_never_end() {
    let folder = folder([("zz/Dockerfile", FAULTY)]);
    for device in ["/dev/zero", "/dev/urandom"] {
        let named = run(
            folder.path(),
            ["check", "--format", "concise", device, "zz"],
        );
        assert_eq!(
            (named.code, named.out.as_str()),
            (Some(2), format!("zz/Dockerfile{FAULT}\n").as_str()),
            "{device}: {}",
            named.err
        );
        assert!(
            named.err.starts_with(&format!("malloclint: {device}: ")),
            "{}",
            named.err
        );
        // It must be refused for what it is, not read until there is no room left.
        assert!(!named.err.contains("memory"), "{}", named.err);
    }
}

/// Larger than anybody means it: a sparse file costs nothing but must not be read.
#[test]
fn a_file_of_a_terabyte() {
    let folder = folder([("zz/Dockerfile", FAULTY)]);
    let file = std::fs::File::create(folder.path().join("Dockerfile")).unwrap();
    if file.set_len(1 << 40).is_err() {
        eprintln!("left out: no file of that size can be made here");
        return;
    }
    let run = check_beside_neighbour(folder.path());
    assert_eq!(
        (run.code, run.err.as_str()),
        (Some(2), "malloclint: Dockerfile: is larger than 16 MiB\n")
    );
}

/// Root may read everything, so root's run is handed to nobody.
#[test]
fn what_may_not_be_read() {
    let folder = folder([
        ("Dockerfile", FAULTY),
        ("closed/Dockerfile", FAULTY),
        ("zz/Dockerfile", FAULTY),
    ]);
    let path = folder.path();
    let program = path.join("malloclint");
    std::fs::copy(env!("CARGO_BIN_EXE_malloclint"), &program).unwrap();
    let close = |name: &str| {
        std::fs::set_permissions(path.join(name), Permissions::from_mode(0o000)).unwrap();
    };
    std::fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    close("Dockerfile");
    close("closed");
    let root = std::fs::read(path.join("Dockerfile")).is_ok();
    if root && !exists("setpriv") {
        eprintln!("left out: root reads everything, and `setpriv` is not installed");
        return;
    }
    let mut command = Command::new(if root {
        "setpriv".as_ref()
    } else {
        program.as_os_str()
    });
    if root {
        command
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            .arg(&program);
    }
    let run = finish(
        command
            .args(["check", "--format", "concise", "."])
            .current_dir(path),
        b"",
    );
    std::fs::set_permissions(path.join("closed"), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(
        (run.code, run.out),
        (Some(2), format!("zz/Dockerfile{FAULT}\n")),
        "{}",
        run.err
    );
    let denied = "permission denied: make it readable, or leave it out";
    assert!(
        run.err
            .contains(&format!("malloclint: Dockerfile: {denied}\n")),
        "{}",
        run.err
    );
    assert!(
        run.err.contains(&format!("malloclint: closed: {denied}\n")),
        "{}",
        run.err
    );
}
