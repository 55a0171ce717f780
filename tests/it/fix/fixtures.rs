//! What holds of the fix of any Dockerfile: our fixtures, and the shapes of correct ones.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use malloclint::internals::dockerfile::syntax::parse;
use malloclint::internals::fix::{self, Options};
use malloclint::internals::project::Project;
use malloclint::internals::surroundings::Nowhere;
use malloclint::internals::text::SourceFile;

fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut found = Vec::new();
    let mut folders = vec![
        root.join("dockerfile/fixtures"),
        root.join("silent"),
        root.join("demo"),
    ];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The text with a command behind it that makes it a service, so that there is something to fix.
fn served(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if !bytes.ends_with(b"\n") {
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(
        b"FROM python:3.12-slim\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:a\"]\n",
    );
    bytes
}

#[test]
fn fixed_twice_is_fixed_once_and_the_parser_takes_it() {
    let options = Options {
        advice: true,
        unsafe_too: true,
        ..Options::default()
    };
    let mut changed = 0;
    for path in files() {
        let bytes = std::fs::read(&path).unwrap();
        for bytes in [bytes.clone(), served(&bytes)] {
            let file = SourceFile::new("Dockerfile", bytes);
            let once = fix::fix(&file, &Project::of(&Nowhere), &options);
            let twice = fix::fix(&once.after, &Project::of(&Nowhere), &options);
            assert_eq!(once.after.bytes, twice.after.bytes, "{}", path.display());
            if !once.changes() {
                continue;
            }
            changed += 1;
            let accepted = |file: &Arc<SourceFile>| parse(&file.bytes).is_accepted();
            assert_eq!(accepted(&file), accepted(&once.after), "{}", path.display());
            assert!(kept(&file.bytes, &once.after.bytes), "{}", path.display());
        }
    }
    assert!(changed > 100, "only {changed} files had something to fix");
}

/// Whether most lines stand as they were, byte for byte and in order: a fix touches a few.
fn kept(old: &[u8], new: &[u8]) -> bool {
    let lines = |bytes: &[u8]| {
        bytes
            .split_inclusive(|&b| b == b'\n')
            .map(<[u8]>::to_vec)
            .collect::<Vec<_>>()
    };
    let (old, new) = (lines(old), lines(new));
    let mut at = 0;
    let missing = old.iter().filter(|line| {
        let found = new[at..].iter().position(|other| other == *line);
        at += found.map_or(0, |found| found + 1);
        found.is_none()
    });
    missing.count() <= 3
}
