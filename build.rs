//! Writes down which commit a release was built from, for `malloclint --version`.
//!
//! The commit is what `MALLOCLINT_COMMIT` says; else what Git or the Rust registry's package says of these sources.
//! While developing nobody asks, and every commit would compile the crate anew: a build without optimisation has none.

use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

/// As many digits as `git rev-parse --short` gives in the largest repositories.
const DIGITS: usize = 12;
const VARIABLE: &str = "MALLOCLINT_COMMIT";

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "cargo:rerun-if-changed=build.rs")?;
    writeln!(out, "cargo:rerun-if-env-changed={VARIABLE}")?;
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let released = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let mut commit = std::env::var(VARIABLE).ok();
    if released && commit.is_none() {
        let (found, watched) = recorded(Path::new(&root));
        commit = found;
        for path in watched {
            writeln!(out, "cargo:rerun-if-changed={path}")?;
        }
    }
    let long = match commit.as_deref().and_then(short) {
        Some(commit) => format!("{version} ({commit})"),
        None => version,
    };
    writeln!(out, "cargo:rustc-env=MALLOCLINT_LONG_VERSION={long}")
}

/// The commit of these sources, and the files that say when it is another one.
fn recorded(root: &Path) -> (Option<String>, Vec<String>) {
    // Sources that were unpacked inside somebody else's checkout are not of that commit.
    if !root.join(".git").exists() {
        return (packaged(root), Vec::new());
    }
    let branch = git(root, &["symbolic-ref", "--quiet", "HEAD"]).unwrap_or_default();
    // A reference lies in its own file or among the packed ones, and a commit moves it from there to here.
    let watched = ["HEAD", "logs/HEAD", "packed-refs", &branch]
        .into_iter()
        .filter(|name| !name.is_empty())
        .filter_map(|name| git(root, &["rev-parse", "--git-path", name]))
        .map(|path| root.join(path))
        // Cargo would build every time for the sake of a file that is not there.
        .filter(|path| path.is_file())
        .filter_map(|path| path.to_str().map(str::to_owned))
        .collect();
    (git(root, &["rev-parse", "HEAD"]), watched)
}

/// What `cargo package` noted: `"sha1": "..."`.
fn packaged(root: &Path) -> Option<String> {
    let text = std::fs::read_to_string(root.join(".cargo_vcs_info.json")).ok()?;
    let (_, rest) = text.split_once("\"sha1\"")?;
    rest.split('"').nth(1).map(str::to_owned)
}

fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .current_dir(root)
        .args(arguments)
        // A hook of another repository may have set them.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// The first digits, if it is a commit at all.
fn short(commit: &str) -> Option<String> {
    let commit = commit.trim();
    (commit.len() >= 7 && commit.chars().all(|c| c.is_ascii_hexdigit()))
        .then(|| commit.chars().take(DIGITS).collect())
}
