//! What stands around an input: the files of its build context, and the manifests near it.
//!
//! Everything here is asked for rarely (when a rule is about to speak) and remembered.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::links;
use super::survey::Survey;
use crate::manifests::kustomize;
use crate::surroundings::{ImageBuild, Kustomization, Surroundings};
use crate::text::SourceFile;

/// Scripts and manifests larger than this say nothing about allocators.
const LIMIT: u64 = 256 << 10;
/// So many files of one folder are searched, no more.
const FILES: usize = 4_000;
/// A build context lies at most so many folders above its Dockerfile.
const LEVELS: usize = 8;

/// The surroundings on disk.
#[derive(Debug, Default)]
pub struct Disk {
    files: Mutex<BTreeMap<PathBuf, Option<Arc<SourceFile>>>>,
    scripts: Mutex<BTreeMap<PathBuf, Arc<[String]>>>,
    manifests: Mutex<BTreeMap<PathBuf, Option<String>>>,
    projects: Mutex<BTreeMap<PathBuf, Option<String>>>,
    surveys: Mutex<BTreeMap<PathBuf, Arc<Survey>>>,
    kustomizations: Mutex<BTreeMap<PathBuf, Arc<[Kustomization]>>>,
    config_maps: Mutex<BTreeMap<PathBuf, Arc<[Arc<SourceFile>]>>>,
    builds: Mutex<BTreeMap<PathBuf, Arc<[ImageBuild]>>>,
    said: Option<Said>,
}

/// What a configuration says about which Dockerfile builds which image, for the input at a path.
pub type Images = Box<dyn Fn(&str) -> Vec<ImageBuild> + Send + Sync>;

struct Said(Images);

impl std::fmt::Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Said")
    }
}

impl Disk {
    /// The disk, with what a configuration says about the input at a path.
    #[must_use]
    pub fn with_images(said: Images) -> Self {
        Self {
            said: Some(Said(said)),
            ..Self::default()
        }
    }

    /// The top of the project of the input at `near`, and the files in it.
    fn survey(&self, near: &str) -> Option<(PathBuf, Arc<Survey>)> {
        let top = folders(near).pop()?;
        let survey = remember(&self.surveys, &top, |top| Arc::new(Survey::of(top)));
        Some((top, survey))
    }
}

impl Surroundings for Disk {
    fn read(&self, near: &str, path: &str) -> Option<Arc<SourceFile>> {
        let path = path.trim_start_matches('/');
        if path.is_empty() || path.split('/').any(|part| part == "..") || path.contains('*') {
            return None;
        }
        folders(near)
            .into_iter()
            .find_map(|folder| remember(&self.files, &folder.join(path), load))
    }

    fn beside(&self, near: &str, path: &str) -> Option<Arc<SourceFile>> {
        let below = Path::new(near).parent()?.join(path);
        let mut plain = PathBuf::new();
        for part in below.components() {
            match part {
                Component::CurDir => {}
                // What lies above where the tool runs is reached by its dots.
                Component::ParentDir if plain.file_name().is_none() => plain.push(".."),
                Component::ParentDir => {
                    plain.pop();
                }
                part => plain.push(part),
            }
        }
        remember(&self.files, &plain, load)
    }

    fn dockerfiles(&self, near: &str) -> Arc<[String]> {
        self.survey(near)
            .map_or_else(Arc::default, |(_, survey)| Arc::clone(&survey.dockerfiles))
    }

    fn kustomizations(&self, near: &str) -> Arc<[Kustomization]> {
        let Some((top, survey)) = self.survey(near) else {
            return Arc::default();
        };
        remember(&self.kustomizations, &top, |_| {
            let files = survey.kustomizations.iter().filter_map(|path| load(path));
            let read = files.map(|file| Kustomization {
                references: kustomize::references(&file),
                file,
            });
            read.collect()
        })
    }

    fn config_maps(&self, near: &str) -> Arc<[Arc<SourceFile>]> {
        let Some((top, survey)) = self.survey(near) else {
            return Arc::default();
        };
        remember(&self.config_maps, &top, |_| {
            let files = survey.manifests.iter().filter_map(|path| load(path));
            let holds = |file: &Arc<SourceFile>| {
                memchr::memmem::find(&file.bytes, b"kind: ConfigMap").is_some()
                    && memchr::memmem::find(&file.bytes, b"{{").is_none()
            };
            files.filter(holds).collect()
        })
    }

    fn image_builds(&self, near: &str) -> Arc<[ImageBuild]> {
        let said = self
            .said
            .as_ref()
            .map_or_else(Vec::new, |said| said.0(near));
        let Some((top, survey)) = self.survey(near) else {
            return said.into();
        };
        let found = remember(&self.builds, &top, |_| {
            let files = survey.links.iter().filter_map(|path| load(path));
            files.flat_map(|file| links::read(&file, self)).collect()
        });
        if said.is_empty() {
            return found;
        }
        // What the user says counts more than what is found.
        let others = found
            .iter()
            .filter(|one| said.iter().all(|own| own.image != one.image));
        said.iter().chain(others).cloned().collect()
    }

    fn scripts_that_set_allocator(&self, near: &str, folder: &str) -> Arc<[String]> {
        let folder = folder.trim_start_matches('/').trim_end_matches('*');
        if folder.split('/').any(|part| part == "..") {
            return Arc::default();
        }
        let mut targets = folders(near).into_iter().map(|above| above.join(folder));
        let Some(target) = targets.find(|path| path.exists()) else {
            return Arc::default();
        };
        remember(&self.scripts, &target, |path| {
            search(path, is_script, usize::MAX).collect()
        })
    }

    fn project(&self, near: &str) -> Option<String> {
        let folders = folders(near);
        let folder = folders.last()?.clone();
        remember(&self.projects, &folder, |_| repository(&folders))
    }

    fn readme(&self, near: &str) -> Option<Arc<SourceFile>> {
        let folders = folders(near);
        let top = top(&folders)?;
        READMES
            .iter()
            .find_map(|name| remember(&self.files, &top.join(name), load))
    }

    fn manifest_that_sets_allocator(&self, near: &str) -> Option<String> {
        folders(near).into_iter().find_map(|folder| {
            remember(&self.manifests, &folder, |folder| {
                let named = MANIFEST_FOLDERS
                    .iter()
                    .map(|name| folder.join(name))
                    .filter(|path| path.is_dir());
                let here = search(folder, is_manifest, 1).next();
                here.or_else(|| {
                    named
                        .into_iter()
                        .find_map(|path| search(&path, is_manifest, 4).next())
                })
            })
        })
    }
}

const READMES: [&str; 5] = [
    "README.md",
    "README.rst",
    "README",
    "README.txt",
    "readme.md",
];

/// The folder that holds `.git`, among those given.
fn top(folders: &[PathBuf]) -> Option<&PathBuf> {
    folders.iter().find(|folder| folder.join(".git").exists())
}

/// The name of that folder.
fn repository(folders: &[PathBuf]) -> Option<String> {
    let top = top(folders)?;
    let whole = top.canonicalize().ok()?;
    whole
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
}

/// Folders in which projects keep what they deploy with.
const MANIFEST_FOLDERS: [&str; 14] = [
    "k8s",
    "kubernetes",
    "deploy",
    "deployment",
    "deployments",
    "manifests",
    "helm",
    "charts",
    "chart",
    "compose",
    "docker",
    "kustomize",
    "infra",
    "ops",
];

/// The folder of `near` and those above it, up to the top of its repository or to where the tool
/// runs. What lies above a folder that is in neither is none of our business.
fn folders(near: &str) -> Vec<PathBuf> {
    let own = Path::new(near)
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let own = own.unwrap_or_else(|| Path::new("."));
    let named = |folder: &&Path| !folder.as_os_str().is_empty();
    let mut found: Vec<PathBuf> = own
        .ancestors()
        .filter(named)
        .take(LEVELS)
        .map(Path::to_path_buf)
        .collect();
    if own.is_relative() && own != Path::new(".") {
        found.push(PathBuf::from("."));
    }
    match found.iter().position(|folder| folder.join(".git").exists()) {
        Some(top) => found.truncate(top + 1),
        None if own.is_absolute() => found.truncate(1),
        None => {}
    }
    found
}

fn remember<T: Clone>(
    memory: &Mutex<BTreeMap<PathBuf, T>>,
    key: &Path,
    make: impl FnOnce(&Path) -> T,
) -> T {
    if let Ok(known) = memory.lock()
        && let Some(value) = known.get(key)
    {
        return value.clone();
    }
    // Two threads may do the same work once; a lock held while reading would stop them all.
    let value = make(key);
    if let Ok(mut known) = memory.lock() {
        known.insert(key.to_path_buf(), value.clone());
    }
    value
}

fn load(path: &Path) -> Option<Arc<SourceFile>> {
    let meta = std::fs::metadata(path).ok()?;
    if !meta.is_file() || meta.len() > LIMIT {
        return None;
    }
    Some(SourceFile::new(
        super::shown(path),
        std::fs::read(path).ok()?,
    ))
}

/// The files under `path` that are of the kind asked for and set an allocator.
fn search(
    path: &Path,
    wanted: fn(&Path) -> bool,
    depth: usize,
) -> impl Iterator<Item = String> + use<> {
    let walker = ignore::WalkBuilder::new(path)
        .hidden(false)
        .require_git(false)
        .max_depth(Some(depth))
        .sort_by_file_path(Path::cmp)
        .filter_entry(|entry| {
            !entry
                .file_name()
                .to_str()
                .is_some_and(|name| super::SKIPPED.contains(&name))
        })
        .build();
    let files = walker
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
    let sets = move |entry: &ignore::DirEntry| {
        wanted(entry.path()) && sets_allocator(entry.path(), depth < usize::MAX)
    };
    let found = files.take(FILES).filter(sets);
    found.map(|entry| super::shown(entry.path()))
}

fn is_script(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if super::claim(name).is_some() || name.chars().all(char::is_uppercase) {
        return false;
    }
    match path.extension().and_then(|ending| ending.to_str()) {
        None => true,
        Some(ending) => matches!(
            ending,
            "sh" | "bash" | "py" | "conf" | "ini" | "env" | "service" | "run" | "cfg"
        ),
    }
}

fn is_manifest(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let ending = path
        .extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or_default();
    name.starts_with(".env")
        || matches!(ending, "yaml" | "yml" | "env" | "sh" | "hcl")
        || name == "Makefile"
        || name == "Procfile"
}

/// Whether a file sets one of the variables that decide about allocators.
fn sets_allocator(path: &Path, manifest: bool) -> bool {
    let Ok(meta) = std::fs::metadata(path) else {
        return false;
    };
    if meta.len() > LIMIT {
        return false;
    }
    let Ok(bytes) = std::fs::read(path) else {
        return false;
    };
    let script = path.extension().is_some_and(|ending| ending == "sh");
    let runs_images = |bytes: &[u8]| {
        [
            "docker run",
            "podman run",
            "docker-compose",
            "docker compose",
        ]
        .iter()
        .any(|word| memchr::memmem::find(bytes, word.as_bytes()).is_some())
    };
    if manifest && script && !runs_images(&bytes) {
        // A script of another image says nothing about this one.
        return false;
    }
    let has = |needle: &str| memchr::memmem::find(&bytes, needle.as_bytes()).is_some();
    let allocator = || {
        ["jemalloc", "tcmalloc", "mimalloc"]
            .iter()
            .any(|name| has(name))
    };
    has("LD_PRELOAD") && allocator()
        || [
            "MALLOC_CONF",
            "MALLOC_ARENA_MAX",
            "PYTHONMALLOC",
            "MALLOC_TRIM_THRESHOLD_",
        ]
        .iter()
        .any(|name| has(name))
}
