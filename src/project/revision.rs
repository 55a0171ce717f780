//! The files of a project as they were at a revision, by git.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::discover::shown;

/// Files of a revision that are larger say nothing about allocators, in bytes.
const LARGEST: u64 = 1 << 20;

/// A folder that holds what the repository held at a revision. It goes when this does.
pub(crate) struct Revision {
    folder: PathBuf,
    /// The repository's own folder.
    top: PathBuf,
    _kept: TempDir,
}

impl Revision {
    /// Takes a revision of the repository in the current folder out of git.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub(crate) fn take_out(revision: &str) -> Result<Self, String> {
        let text = |error: io::Error| error.to_string();
        let top = git(Path::new("."), &["rev-parse", "--show-toplevel"], &[])?;
        let top = PathBuf::from(String::from_utf8_lossy(&top).trim_end());
        let kept = TempDir::new().map_err(text)?;
        let folder = kept.path().canonicalize().map_err(text)?;
        fill(&top, revision, &folder)?;
        Ok(Self {
            folder,
            top: top.canonicalize().map_err(text)?,
            _kept: kept,
        })
    }

    /// Where the file or folder at `path` was then, if it was there.
    #[must_use]
    pub(crate) fn same(&self, path: &Path) -> Option<PathBuf> {
        let whole = path.canonicalize().ok()?;
        let below = whole.strip_prefix(&self.top).ok()?;
        Some(self.folder.join(below)).filter(|path| path.exists())
    }

    /// The path of one of its files in the repository.
    #[must_use]
    pub(crate) fn in_repository(&self, path: &str) -> String {
        let below = Path::new(path).strip_prefix(&self.folder);
        below.map_or_else(|_| path.to_owned(), shown)
    }
}

/// The branch that others of the repository stand on, as far as git knows it here.
#[must_use]
pub(crate) fn default_branch() -> Option<String> {
    let head = [
        "symbolic-ref",
        "--quiet",
        "--short",
        "refs/remotes/origin/HEAD",
    ];
    let named = git(Path::new("."), &head, &[]);
    let own = || {
        git(
            Path::new("."),
            &["symbolic-ref", "--quiet", "--short", "HEAD"],
            &[],
        )
    };
    let name = named.or_else(|_| own()).ok()?;
    let name = String::from_utf8_lossy(&name).trim().to_owned();
    let name = name.strip_prefix("origin/").unwrap_or(&name);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    (!name.is_empty() && name.chars().all(plain)).then(|| name.to_owned())
}

/// Puts the files of a revision into an empty folder, those that anything can be read in.
fn fill(top: &Path, revision: &str, folder: &Path) -> Result<(), String> {
    let commit = format!("{revision}^{{commit}}");
    let commit = git(
        top,
        &[
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &commit,
        ],
        &[],
    )
    .map_err(|_| {
        format!("there is no revision `{revision}` here (a shallow clone has only some)")
    })?;
    let commit = String::from_utf8_lossy(&commit).trim_end().to_owned();
    let listed = git(top, &["ls-tree", "-r", "-z", "-l", &commit], &[])?;
    let mut wanted = Vec::new();
    for entry in listed.split(|byte| *byte == 0) {
        let mut fields = entry.splitn(2, |byte| *byte == b'\t');
        let about = String::from_utf8_lossy(fields.next().unwrap_or_default()).into_owned();
        let size = about
            .split_whitespace()
            .nth(3)
            .and_then(|size| size.parse::<u64>().ok());
        // Links may lead anywhere.
        let plain = about.starts_with("100") && size.is_some_and(|size| size <= LARGEST);
        if let Some(path) = fields.next().filter(|_| plain) {
            wanted.extend_from_slice(path);
            wanted.push(0);
        }
    }
    let git_folder = folder.join(".git");
    std::fs::create_dir(&git_folder).map_err(|error| error.to_string())?;
    let index = git_folder.join("index");
    let index = index.to_string_lossy();
    let prefix = format!("--prefix={}/", folder.display());
    let with_index = |arguments: &[&str], input: &[u8]| run(top, arguments, input, Some(&index));
    with_index(&["read-tree", &commit], &[])?;
    with_index(&["checkout-index", "-q", "-z", "--stdin", &prefix], &wanted)?;
    Ok(())
}

fn git(folder: &Path, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
    run(folder, arguments, input, None)
}

fn run(
    folder: &Path,
    arguments: &[&str],
    input: &[u8],
    index: Option<&str>,
) -> Result<Vec<u8>, String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments);
    if let Some(index) = index {
        command.env("GIT_INDEX_FILE", index);
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "`git` is needed for that, and is not installed".into(),
        _ => format!("git does not start: {error}"),
    })?;
    if let Some(mut pipe) = child.stdin.take() {
        // One that reads nothing has ended: its exit code tells.
        let _ = pipe.write_all(input);
    }
    let done = child
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let first = said.lines().next().unwrap_or("it ended with an error");
    Err(format!("git: {first}"))
}
