//! What may be read of a project, and what lies outside of it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use super::places::{from_here, top};

/// Folders of the system that hold no files of a project, though they look like some.
const NO_FILES: [&str; 3] = ["/proc", "/dev", "/sys"];

/// The folders below which files are read.
///
/// They are the work trees that hold the paths that the user names; of a path in none it is the folder itself, or that of
/// the file. What the user names is read wherever it lies.
#[derive(Clone, Debug, Default)]
pub struct Roots(Vec<PathBuf>);

/// Why a file is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    /// It lies outside.
    Outside,
    /// It is not there, or no file that could be read.
    Absent,
}

impl Roots {
    /// Those of the paths that a user names, or the one that he says.
    #[must_use]
    pub fn of(paths: &[PathBuf], said: Option<&Path>) -> Self {
        let said = said.map(|root| root.canonicalize().unwrap_or_else(|_| root.to_path_buf()));
        let mut roots: Vec<PathBuf> = match said {
            Some(root) => vec![root],
            None => paths.iter().filter_map(|path| root(path)).collect(),
        };
        roots.sort_unstable();
        roots.dedup();
        Self(roots)
    }

    /// The same and the folder that the program runs in: what the user says there holds for what he names.
    #[must_use]
    pub(crate) fn and_here(&self) -> Self {
        let here = Path::new(".").canonicalize();
        Self(self.0.iter().cloned().chain(here).collect())
    }

    /// Whether a file or folder is there, and lies in one of them.
    pub(crate) fn hold(&self, path: &Path) -> bool {
        self.leads(path).is_some_and(|lies| lies.exists())
    }

    fn contain(&self, lies: &Path) -> bool {
        let root = self.0.iter().find(|root| lies.starts_with(root));
        // A repository below one of the system's own folders is none.
        root.is_some() && !NO_FILES.iter().any(|folder| lies.starts_with(folder))
    }

    /// The bytes of a file of no more than `limit`.
    pub(crate) fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, Shut> {
        let lies = self.leads(path).ok_or(Shut::Outside)?;
        bytes(&lies, limit).map_err(|_| Shut::Absent)
    }

    /// Whether a path leads outside. Whether a file is there makes no difference: nobody is to learn that.
    pub(crate) fn shut_out(&self, path: &Path) -> bool {
        self.leads(path).is_none()
    }

    /// Where a path leads, links followed as far as they are there; nothing where that is outside, where it goes out on its
    /// way and comes in again, or where it leads in a circle.
    fn leads(&self, path: &Path) -> Option<PathBuf> {
        const LINKS: usize = 40;
        let parts = |path: &Path| -> Vec<OsString> {
            let parts = path.components().rev();
            parts.map(|part| part.as_os_str().to_owned()).collect()
        };
        let mut left = parts(&from_here(path));
        let (mut now, mut links, mut entered) = (PathBuf::new(), 0, false);
        while let Some(part) = left.pop() {
            match Path::new(&part).components().next() {
                Some(Component::Normal(name)) => match now.join(name).read_link() {
                    Ok(to) if links < LINKS => {
                        links += 1;
                        left.extend(parts(&to));
                    }
                    Ok(_) => return None,
                    Err(_) => now.push(name),
                },
                Some(Component::ParentDir) => {
                    now.pop();
                }
                // The top of the disk.
                Some(_) => now.push(&part),
                None => {}
            }
            let above = || self.0.iter().any(|root| root.starts_with(&now));
            entered |= self.contain(&now);
            if entered && !self.contain(&now) && !above() {
                return None;
            }
        }
        self.contain(&now).then_some(now)
    }
}

/// The folder that a path's files are read below.
fn root(path: &Path) -> Option<PathBuf> {
    let lies = path.canonicalize().ok()?;
    // A link is looked at where it stands, too: its neighbours are its project.
    let folder = if lies.is_dir() {
        lies
    } else {
        let stands = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let stands = stands.unwrap_or_else(|| Path::new("."));
        stands.canonicalize().ok()?
    };
    Some(top(&folder).unwrap_or(folder))
}

/// The bytes of a regular file of no more than `limit`.
///
/// # Errors
/// Where it is larger, no regular file, or cannot be read.
pub(crate) fn bytes(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    // Opening a pipe would wait for who writes it.
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let file = File::open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    if meta.len() > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or_default());
    // It may grow while it is read.
    limited(file, limit, &mut bytes)?;
    Ok(bytes)
}

/// How many bytes a file has, if it is there.
#[must_use]
pub(crate) fn length(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|meta| meta.len())
}

/// The first bytes of a file.
///
/// # Errors
/// Where it cannot be read.
pub(crate) fn head(path: &Path, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads to the end of what holds no more than `limit` bytes.
///
/// # Errors
/// Where it holds more, or cannot be read.
pub(crate) fn limited(from: impl io::Read, limit: u64, into: &mut Vec<u8>) -> io::Result<()> {
    from.take(limit.saturating_add(1)).read_to_end(into)?;
    if into.len() as u64 > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(())
}
