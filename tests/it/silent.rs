//! What must be recognised as correct: one folder of `silent/` per way in which public images load
//! or choose an allocator, checked by the real program as a user would run it.
//!
//! The program says nothing at all about a folder's `Dockerfile`. And so that this means something,
//! every folder has a twin without the setting: each `NAME.without` takes the place of `NAME`. About
//! the twin the program must say `allocator-unset`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

const TWIN: &str = "without";

/// How a folder is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum As {
    Itself,
    Twin,
}

fn folders() -> Vec<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/silent");
    let mut folders: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    folders
}

/// Copies a folder, with or without what the twin replaces. A copy stands alone: nothing around the
/// tests is seen by the program.
fn lay_out(from: &Path, to: &Path, what: As) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            fs::create_dir(to.join(name)).unwrap();
            lay_out(&path, &to.join(name), what);
        } else if let Some(name) = name.strip_suffix(&format!(".{TWIN}")) {
            if what == As::Twin {
                fs::copy(&path, to.join(name)).unwrap();
            }
        } else if what == As::Itself || !path.with_file_name(format!("{name}.{TWIN}")).exists() {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// What the program prints about the folder.
fn check(folder: &Path, what: As) -> String {
    let copy = TempDir::new().unwrap();
    lay_out(folder, copy.path(), what);
    let mut command = Command::new(env!("CARGO_BIN_EXE_malloclint"));
    let output = command
        .current_dir(copy.path())
        .args(["check", "--format", "concise"])
        .output()
        .unwrap();
    assert!(
        output.status.code().is_some_and(|code| code < 2),
        "{}: {}",
        folder.display(),
        output.status
    );
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

#[test]
fn nothing_is_said_about_what_is_correct() {
    let said: Vec<String> = folders()
        .iter()
        .map(|folder| (folder, check(folder, As::Itself)))
        .filter(|(_, printed)| !printed.is_empty())
        .map(|(folder, printed)| format!("{}:\n{printed}", folder.display()))
        .collect();
    assert!(said.is_empty(), "{}", said.join("\n"));
}

#[test]
fn without_the_setting_it_would_be_missed() {
    let silent: Vec<String> = folders()
        .iter()
        .map(|folder| (folder, check(folder, As::Twin)))
        .filter(|(_, printed)| !printed.contains("[allocator-unset]"))
        .map(|(folder, printed)| format!("{}:\n{printed}", folder.display()))
        .collect();
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

/// The patterns of the design, each with at least one folder.
#[test]
fn every_pattern_is_there() {
    let names: Vec<String> = folders()
        .iter()
        .map(|folder| folder.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    for pattern in [
        "soname-only",
        "link-by-glob",
        "link-by-uname",
        "link-by-dpkg",
        "link-by-find",
        "link-by-readlink",
        "ld-so-preload",
        "entrypoint-sh",
        "entrypoint-python",
        "entrypoint-s6",
        "copy-from-glob",
        "build-from-source",
        "conda",
        "helper-script",
        "install-packages",
        "own-base-image",
        "base-from-arg",
        "compose-only",
        "kubernetes-only",
        "opt-out",
        "keep-and-append",
        "pythonmalloc-mimalloc",
        "linked-in",
        "wolfi",
    ] {
        assert!(
            names.iter().any(|name| name.starts_with(pattern)),
            "no folder for {pattern}"
        );
    }
}
