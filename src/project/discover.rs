//! Paths to files: which files under a folder are ours.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::names::{Claim, claim};

use crate::disk::{self, Roots, shown};
use crate::manifests::kustomize;
use crate::text::SourceFile;

/// Files larger than this are not read: nobody writes a Dockerfile of that size.
const LIMIT: u64 = 16 << 20;
/// So much of a larger one is looked at, to tell whether it was meant.
const HEAD: u64 = 1 << 20;

/// Folders that hold other people's files or none at all.
const SKIPPED: [&str; 9] = [
    ".git",
    ".hg",
    ".svn",
    "node_modules",
    ".venv",
    ".tox",
    ".nox",
    "__pycache__",
    "site-packages",
];

/// What a search for files found.
#[derive(Debug, Default)]
pub struct Found {
    /// Files to look at, sorted by path, without repetition.
    pub files: Vec<PathBuf>,
    /// What could not be searched: path and reason.
    pub failures: Vec<Failure>,
}

/// A path that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The path as it was given or found.
    pub path: String,
    /// Why, and what to do, in a few words.
    pub reason: String,
}

/// Which files a search takes and passes over, beside what their names say.
pub(crate) trait Choice: Sync {
    /// Whether a file or folder is passed over.
    fn excludes(&self, path: &Path, folder: bool) -> bool;
    /// Whether a file is taken whatever its name.
    fn includes(&self, path: &Path) -> bool;
    /// Whether what is excluded is passed over even where it is named.
    fn is_strict(&self) -> bool;
}

/// What names say, and nothing else.
struct ByName;

impl Choice for ByName {
    fn excludes(&self, _: &Path, _: bool) -> bool {
        false
    }

    fn includes(&self, _: &Path) -> bool {
        false
    }

    fn is_strict(&self) -> bool {
        false
    }
}

/// Finds the files to look at. A path that names a file is always taken, whatever its name.
#[must_use]
pub fn find(paths: &[PathBuf]) -> Found {
    choose(paths, &ByName)
}

/// The same, where somebody chooses.
#[must_use]
pub(crate) fn choose(paths: &[PathBuf], choice: &dyn Choice) -> Found {
    let mut found = Found::default();
    for path in paths {
        match std::fs::metadata(path) {
            Ok(meta) if choice.is_strict() && is_passed_over(path, meta.is_dir(), choice) => {}
            Ok(meta) if meta.is_dir() => walk(path, choice, &mut found),
            Ok(_) => found.files.push(path.clone()),
            Err(error) => found.failures.push(Failure {
                path: shown(path),
                reason: reason(&error),
            }),
        }
    }
    found.files.sort();
    // Several paths may lead to one file: the first one stands for it.
    let mut seen = std::collections::BTreeSet::new();
    found
        .files
        .retain(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
    found.failures.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Whether a search would not take what is named: it is excluded, or YAML that is no manifest.
fn is_passed_over(path: &Path, folder: bool, choice: &dyn Choice) -> bool {
    let name = path.file_name().and_then(OsStr::to_str);
    let yaml = !folder && name.and_then(claim) == Some(Claim::Yaml);
    choice.excludes(path, folder) || yaml && !has_containers(path) && !choice.includes(path)
}

/// Walks a folder with the machine's cores: `.gitignore` is respected, hidden folders are searched,
/// links are not followed.
fn walk(folder: &Path, choice: &dyn Choice, found: &mut Found) {
    let collected: Mutex<Found> = Mutex::default();
    let refused: Arc<Mutex<Vec<Failure>>> = Arc::default();
    let Some(walker) = searchable(folder, &refused) else {
        found.failures.extend(taken(&refused));
        return;
    };
    walker.build_parallel().run(|| {
        Box::new(|entry| {
            let mut one = Found::default();
            match entry {
                Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                    let path = entry.path();
                    let taken = is_ours(path) || choice.includes(path);
                    if taken && !choice.excludes(path, false) {
                        one.files.push(entry.into_path());
                    }
                }
                Ok(entry) if entry.depth() > 0 && choice.excludes(entry.path(), true) => {
                    return ignore::WalkState::Skip;
                }
                Ok(_) => {}
                Err(error) => one.failures.extend(failure(&error)),
            }
            if let Ok(mut all) = collected.lock() {
                all.files.append(&mut one.files);
                all.failures.append(&mut one.failures);
            }
            ignore::WalkState::Continue
        })
    });
    let collected = collected.into_inner().unwrap_or_default();
    found.files.extend(collected.files);
    found.failures.extend(collected.failures);
    found.failures.extend(taken(&refused));
}

/// Files that say what a search passes over.
const IGNORE_FILES: [&str; 3] = [".gitignore", ".ignore", ".git/info/exclude"];
/// Nobody writes a longer one, in bytes.
const LONGEST_IGNORE: u64 = 1 << 20;

/// A search below a path; nothing where it may not be made. What files are ignored is said in its repository; outside of one,
/// below the path. A folder whose ignore file is a link that leads out, a device or endless is not searched, and noted.
fn searchable(path: &Path, refused: &Arc<Mutex<Vec<Failure>>>) -> Option<ignore::WalkBuilder> {
    let lies = path.canonicalize().unwrap_or_default();
    let repository = disk::top(&lies);
    let roots = Roots::of(&[path.to_path_buf()], None);
    // Those of the folders above count, too.
    let top = repository.clone().unwrap_or_else(|| lies.clone());
    let mut above = lies
        .ancestors()
        .take_while(|folder| folder.starts_with(&top));
    if above.any(|folder| !may_ignore(folder, &roots, refused)) {
        return None;
    }
    let mut walker = ignore::WalkBuilder::new(path);
    let refused = Arc::clone(refused);
    walker
        .hidden(false)
        .require_git(repository.is_some())
        .parents(repository.is_some())
        .filter_entry(move |entry| {
            let folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            is_searched(entry) && (!folder || may_ignore(entry.path(), &roots, &refused))
        });
    Some(walker)
}

/// Whether the ignore files of a folder may be read.
fn may_ignore(folder: &Path, roots: &Roots, refused: &Mutex<Vec<Failure>>) -> bool {
    let wrong = |name: &&&str| {
        let path = folder.join(**name);
        // Only a link leads elsewhere.
        if path.is_symlink() && roots.shut_out(&path) {
            return true;
        }
        let Ok(meta) = std::fs::metadata(&path) else {
            return false;
        };
        !(meta.is_file() && meta.len() <= LONGEST_IGNORE)
    };
    let Some(name) = IGNORE_FILES.iter().find(wrong) else {
        return true;
    };
    if let Ok(mut refused) = refused.lock() {
        refused.push(Failure {
            path: shown(&folder.join(name)),
            reason: "is a link that leads out, no file, or longer than 1 MiB: its folder is not searched".into(),
        });
    }
    false
}

fn taken(refused: &Mutex<Vec<Failure>>) -> Vec<Failure> {
    let refused = refused.lock();
    refused.map_or_else(|_| Vec::new(), |mut refused| std::mem::take(&mut *refused))
}

/// The files at and below a path, so many folders deep, sorted.
pub(super) fn all(path: &Path, depth: usize) -> impl Iterator<Item = PathBuf> + use<> {
    let walker = searchable(path, &Arc::default()).map(|mut walker| {
        walker
            .max_depth(Some(depth))
            .sort_by_file_path(Path::cmp)
            .build()
    });
    let files = walker
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
    files.map(ignore::DirEntry::into_path)
}

fn is_searched(entry: &ignore::DirEntry) -> bool {
    let name = entry.file_name().to_str();
    !name.is_some_and(|name| SKIPPED.contains(&name))
}

/// Whether a file is ours, by its name; of YAML files those whose text has what a pod template or a Compose file has.
fn is_ours(path: &Path) -> bool {
    match path.file_name().and_then(OsStr::to_str).and_then(claim) {
        Some(Claim::Yaml) => has_containers(path),
        Some(_) => true,
        None => false,
    }
}

fn has_containers(path: &Path) -> bool {
    let bytes = match disk::bytes(path, LIMIT) {
        Ok(bytes) => bytes,
        // That it is too large is said when it is read.
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            disk::head(path, HEAD).unwrap_or_default()
        }
        // It is said when it is read.
        Err(_) => return true,
    };
    let has = |word: &str| memchr::memmem::find(&bytes, word.as_bytes()).is_some();
    let described = ["ontainers:", "container:", "ontainers\":", "podSpec:"]
        .iter()
        .any(|word| has(word));
    let name = path.file_name().and_then(OsStr::to_str);
    if name.is_some_and(kustomize::is_kustomization) {
        let variables = ["LD_PRELOAD", "MALLOC_", "PYTHONMALLOC", "GLIBC_TUNABLES"];
        return described || has("ontainers/") || variables.iter().any(|name| has(name));
    }
    // A JSON patch is for containers where a pointer of it says so.
    let patched = has("op:") && has("path:") && has("ontainers/");
    patched || has("apiVersion") && has("kind") && described || has_services(&bytes)
}

/// Whether a text is a Compose file by what it holds: `production.yml`.
fn has_services(bytes: &[u8]) -> bool {
    let has = |word: &str| memchr::memmem::find(bytes, word.as_bytes()).is_some();
    let services = bytes.starts_with(b"services:") || has("\nservices:");
    // Under a service of some name, not at the top as GitLab has it.
    let started = has("\n    image:") || has("\n    build:") || has("\n    <<:");
    services && started && !has("\nstages:")
}

fn failure(error: &ignore::Error) -> Option<Failure> {
    match error {
        ignore::Error::WithPath { path, err } => {
            let reason = err.io_error().map_or_else(|| err.to_string(), reason);
            Some(Failure {
                path: shown(path),
                reason,
            })
        }
        ignore::Error::WithDepth { err, .. } => failure(err),
        // A broken line in a .gitignore is git's business.
        ignore::Error::Partial(_)
        | ignore::Error::Glob { .. }
        | ignore::Error::WithLineNumber { .. } => None,
        other => Some(Failure {
            path: ".".into(),
            reason: other.to_string(),
        }),
    }
}

/// Reads standard input.
///
/// # Errors
/// Where it cannot be read, or is too large to be meant.
pub(crate) fn read_stream(from: impl io::Read) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = disk::limited(from, LIMIT, &mut bytes);
    read.map_err(|error| Failure {
        path: "-".into(),
        reason: reason(&error),
    })?;
    Ok(bytes)
}

/// Reads a file under the name it is reported by.
///
/// # Errors
/// Where it cannot be read, or is too large to be meant: the failure says why and what to do.
pub fn read(path: &Path) -> Result<Arc<SourceFile>, Failure> {
    let fail = |reason: String| Failure {
        path: shown(path),
        reason,
    };
    let meta = std::fs::metadata(path).map_err(|error| fail(reason(&error)))?;
    if meta.is_dir() {
        return Err(fail("is a folder".into()));
    }
    if !meta.is_file() {
        // Reading it might never end.
        return Err(fail(
            "is a pipe or a device; `-` reads standard input".into(),
        ));
    }
    let bytes = disk::bytes(path, LIMIT).map_err(|error| fail(reason(&error)))?;
    Ok(SourceFile::new(shown(path), bytes))
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".into(),
        io::ErrorKind::PermissionDenied => {
            "permission denied: make it readable, or leave it out".into()
        }
        io::ErrorKind::FileTooLarge => format!("is larger than {} MiB", LIMIT >> 20),
        _ => error.to_string(),
    }
}
