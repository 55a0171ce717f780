//! The files of a project as they were at a revision.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use tempfile::TempDir;

use super::git;
use crate::disk::{absolute, shown};

/// Files of a revision that are larger say nothing about allocators, in bytes.
const LARGEST: u64 = 1 << 20;
/// Repositories inside repositories are taken out this deep.
const DEEPEST: usize = 8;

/// A folder that holds what the repository held at a revision. It goes when this does.
pub(crate) struct Revision {
    folder: PathBuf,
    /// The repository's own folder.
    top: PathBuf,
    /// What is not in it, though it was.
    missing: Vec<String>,
    _kept: TempDir,
}

impl Revision {
    /// Takes a revision of the repository that files lie in out of git.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub(crate) fn take_out(revision: &str, files: &[PathBuf]) -> Result<Self, String> {
        let text = |error: io::Error| error.to_string();
        let top = top_of(files)?;
        let remote = format!("origin/{revision}");
        let commit = git::commit(&top, revision)
            // A checkout for a pull request has no branch but its own.
            .or_else(|_| git::commit(&top, &remote))
            .map_err(|_| {
                format!(
                    "there is no revision `{revision}` here: fetch it first (a shallow clone has only some)"
                )
            })?;
        let kept = TempDir::new().map_err(text)?;
        let mut taken = Self {
            folder: kept.path().canonicalize().map_err(text)?,
            top,
            missing: Vec::new(),
            _kept: kept,
        };
        taken.fill(Path::new(""), &commit, DEEPEST)?;
        Ok(taken)
    }

    /// What it does not hold, though the revision did.
    pub(crate) fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Where a file was then, if it was there.
    #[must_use]
    pub(crate) fn same(&self, path: &Path) -> Option<PathBuf> {
        let then = self.folder.join(self.below(path)?);
        then.is_file().then_some(then)
    }

    /// How a file of now is called in the repository, links followed.
    pub(crate) fn of_now(&self, path: &str) -> String {
        let below = self.below(Path::new(path));
        below.map_or_else(|| path.to_owned(), |below| shown(&below))
    }

    /// How a file of then is called there.
    pub(crate) fn of_then(&self, path: &str) -> String {
        let whole = absolute(path);
        let below = Path::new(&whole).strip_prefix(&self.folder);
        below.map_or_else(|_| path.to_owned(), shown)
    }

    /// The path of a file below the top; it need not be on the disk.
    fn below(&self, path: &Path) -> Option<PathBuf> {
        lies(path)
            .strip_prefix(&self.top)
            .ok()
            .map(Path::to_path_buf)
    }

    /// Puts the files of a commit below a folder, those that anything can be read in.
    fn fill(&mut self, below: &Path, commit: &str, depth: usize) -> Result<(), String> {
        let text = |error: io::Error| error.to_string();
        let repository = self.top.join(below);
        let folder = self.folder.join(below);
        // What lies above is of another project.
        fs::create_dir_all(folder.join(".git")).map_err(text)?;
        let plain = |path: &Path| {
            let mut parts = path.components();
            parts.all(|part| matches!(part, Component::Normal(name) if name != ".git"))
        };
        let tree = git::tree(&repository, commit)?;
        let (mut files, mut links) = (Vec::new(), Vec::new());
        for entry in tree.iter().filter(|entry| plain(&entry.path)) {
            let small = entry.size.is_some_and(|size| size <= LARGEST);
            match entry.mode.as_str() {
                "120000" if small => links.push(entry),
                "160000" => self.fill_other(&below.join(&entry.path), &entry.object, depth)?,
                _ if small => files.push(entry),
                _ => {}
            }
        }
        take(&repository, &files, &|entry, bytes| {
            write(&folder.join(&entry.path), bytes)
        })?;
        take(&repository, &links, &|entry, bytes| {
            link(&String::from_utf8_lossy(bytes), &folder.join(&entry.path))
        })?;
        for entry in links {
            let link = folder.join(&entry.path);
            let inside = link
                .canonicalize()
                .is_ok_and(|to| to.starts_with(&self.folder));
            if !inside && link.is_symlink() {
                fs::remove_file(&link).map_err(text)?;
            }
        }
        Ok(())
    }

    /// The same for another repository that lies in it.
    fn fill_other(&mut self, below: &Path, commit: &str, depth: usize) -> Result<(), String> {
        let repository = self.top.join(below);
        // One that is not checked out has no files now either.
        let Some(depth) = depth
            .checked_sub(1)
            .filter(|_| repository.join(".git").exists())
        else {
            return Ok(());
        };
        if git::commit(&repository, commit).is_err() {
            self.missing.push(format!(
                "{}: its commit of then is not here: what is found in it counts as new",
                shown(below)
            ));
            return Ok(());
        }
        self.fill(below, commit, depth)
    }
}

/// Where a file lies; it need not be on the disk.
fn lies(path: &Path) -> PathBuf {
    let lies = path.canonicalize();
    lies.unwrap_or_else(|_| absolute(&path.to_string_lossy()).into())
}

/// The top of the repository that all files lie in: that of the current folder, else one around them.
fn top_of(files: &[PathBuf]) -> Result<PathBuf, String> {
    let files: Vec<PathBuf> = files.iter().map(|file| lies(file)).collect();
    let outside = |top: &Path| files.iter().find(|file| !file.starts_with(top));
    let here = git::top(Path::new("."));
    if let Ok(top) = &here
        && outside(top).is_none()
    {
        return here;
    }
    let common = files.first().and_then(|first| {
        let mut above = first.ancestors().skip(1);
        above.find(|folder| outside(folder).is_none())
    });
    // Where none is around all of them, that of the first says which file is elsewhere.
    let first = || git::top(files.first()?.parent()?).ok();
    let top = common.and_then(|folder| git::top(folder).ok());
    let top = top.or_else(first).map_or(here, Ok)?;
    match outside(&top) {
        None => Ok(top),
        Some(other) => Err(format!(
            "`--changed-since` looks at one repository: {} is not in it: check it on its own",
            shown(other)
        )),
    }
}

/// Does something with the text of each entry.
fn take(
    repository: &Path,
    entries: &[&git::Entry],
    act: &dyn Fn(&git::Entry, &[u8]) -> io::Result<()>,
) -> Result<(), String> {
    if entries.is_empty() {
        return Ok(());
    }
    let objects: Vec<&str> = entries.iter().map(|entry| entry.object.as_str()).collect();
    git::each_object(repository, &objects, &mut |number, bytes| {
        entries
            .get(number)
            .map_or(Ok(()), |entry| act(entry, bytes))
    })
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes)
}

#[cfg(unix)]
fn link(to: &str, path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    std::os::unix::fs::symlink(to, path)
}

/// Links need rights of their own elsewhere.
#[cfg(not(unix))]
fn link(_: &str, _: &Path) -> io::Result<()> {
    Ok(())
}
