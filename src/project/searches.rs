//! Files that may set an allocator where a Dockerfile does not show it: scripts that it copies, manifests
//! beside it. They are searched for the names of the variables, not understood.

use std::path::Path;
use std::sync::Arc;

use super::context::Ignored;
use super::grown::Grown;
use super::memory::Memory;
use super::names::{Claim, claim};
use crate::dockerfile::Search;
use crate::facts;
use crate::model::{Evidence, Process};
use crate::purpose;
use crate::surroundings::Surroundings;
use crate::text::paths;

/// So many files of one folder are searched, no more.
const FILES: usize = 4_000;

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

/// What was searched, and found.
#[derive(Debug, Default)]
pub(super) struct Searches {
    scripts: Memory<String, Option<Arc<Scripts>>>,
    manifests: Memory<String, Option<String>>,
    /// What builds leave out, by Dockerfile and context.
    ignored: Memory<(String, String), Arc<Ignored>>,
}

impl Searches {
    /// A file that sets an allocator, among those that `search` asks for on behalf of the input at `near`; and whether
    /// it is surely about what that builds.
    pub(super) fn find(
        &self,
        near: &str,
        search: &Search,
        around: &dyn Surroundings,
        alone: impl FnOnce() -> bool,
    ) -> Option<(String, bool)> {
        let mut copied = search.copied.iter();
        let script = copied.find_map(|copied| {
            let (scripts, ignored) = self.scripts(near, copied, around)?;
            let mut others = scripts.set.iter();
            let other = |path: &&String| !search.followed.contains(path) && !ignored.holds(path);
            others.find(other).cloned()
        });
        // What is started was followed, and that script is not part of it.
        let script = script.map(|path| (path, !search.started));
        script.or_else(|| {
            let path = self.manifest(near, around).filter(|_| search.manifests)?;
            let about = is_about(&path, near, around, alone);
            Some((path, about))
        })
    }

    /// What the sources that `search` asks for say of how the memory grows of what runs.
    pub(super) fn signs(
        &self,
        near: &str,
        search: &Search,
        process: &Process,
        around: &dyn Surroundings,
    ) -> Vec<Evidence> {
        let copied = search.copied.iter();
        let found = copied.filter_map(|copied| self.scripts(near, copied, around));
        let mut signs = Vec::new();
        for (scripts, ignored) in found {
            let sources = scripts.sources.iter().filter(|source| {
                !ignored.holds(source.path())
                    && !scripts.is_of_another(source.path(), near, process)
            });
            for source in sources {
                source.signs(process.server.as_deref(), &mut signs);
            }
        }
        signs
    }

    /// The scripts at and below `copied` in the build context that matter, and what a build leaves out of it; nothing
    /// where that is not there.
    fn scripts(
        &self,
        near: &str,
        copied: &str,
        around: &dyn Surroundings,
    ) -> Option<(Arc<Scripts>, Arc<Ignored>)> {
        let folder = copied.trim_start_matches('/').trim_end_matches('*');
        if folder.split('/').any(|part| part == "..") {
            return None;
        }
        let folder = &paths::normal(folder);
        let home = around.home(near);
        home.folders.iter().find_map(|context| {
            let scripts = self.scripts.of(below(context, folder), |target| {
                let mut files = around.list(target, usize::MAX).take(FILES).peekable();
                files.peek()?;
                Some(Arc::new(Scripts::among(target, files, around)))
            })?;
            let key = (near.to_owned(), context.clone());
            let ignored = self.ignored.of(key, |(near, context)| {
                Arc::new(Ignored::of(near, context, around))
            });
            Some((scripts, ignored))
        })
    }

    fn manifest(&self, near: &str, around: &dyn Surroundings) -> Option<String> {
        let home = around.home(near);
        let mut folders = home.folders.iter();
        folders.find_map(|folder| {
            self.manifests.of(folder.clone(), |folder| {
                let named = MANIFEST_FOLDERS.iter().map(|name| (below(folder, name), 4));
                let mut places = std::iter::once((folder.clone(), 1)).chain(named);
                places.find_map(|(folder, depth)| {
                    let sets = |path: &String| {
                        let bytes = || around.peek(path);
                        is_manifest(path)
                            && bytes().is_some_and(|bytes| sets_allocator(path, &bytes, true))
                    };
                    around.list(&folder, depth).take(FILES).find(sets)
                })
            })
        })
    }
}

/// Scripts of a folder that matter.
#[derive(Debug, Default)]
struct Scripts {
    /// Those that set an allocator.
    set: Vec<String>,
    /// Python sources that hold signs of growing memory.
    sources: Vec<Grown>,
    /// Folders below that hold a Dockerfile of their own.
    built: Vec<String>,
}

impl Scripts {
    fn among(folder: &str, files: impl Iterator<Item = String>, around: &dyn Surroundings) -> Self {
        let mut scripts = Self::default();
        let top = around.called(folder.trim_end_matches('/'));
        for path in files {
            let own = paths::folder(&path);
            let built = claim(paths::file_name(&path)) == Some(Claim::Dockerfile);
            if built && own != top && purpose::of_path(&path).is_none() {
                scripts.built.push(own.to_owned());
            }
            if !is_script(&path) {
                continue;
            }
            let Some(bytes) = around.peek(&path) else {
                continue;
            };
            if sets_allocator(&path, &bytes, false) {
                scripts.set.push(path.clone());
            }
            if path.ends_with(".py") && purpose::of_path(&path).is_none() {
                scripts.sources.extend(Grown::read(path, bytes));
            }
        }
        scripts
    }

    /// Whether a source belongs to another image: its folder has a Dockerfile of its own, and what runs does not name it.
    fn is_of_another(&self, source: &str, near: &str, process: &Process) -> bool {
        let holds = |folder: &str, path: &str| Path::new(path).starts_with(folder);
        let mut built = self.built.iter();
        built.any(|folder| {
            let script = process.script.as_deref();
            let runs = script.is_some_and(|script| holds(folder, script));
            holds(folder, source) && !holds(folder, near) && !runs && !is_named(folder, process)
        })
    }
}

/// Whether a command names a folder: `backend.main:app`, `/srv/backend/run.py`.
fn is_named(folder: &str, process: &Process) -> bool {
    let name = paths::file_name(folder);
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let mut words = process.argv.iter();
    words.any(|word| word.split(|c| !part(c)).any(|part| part == name))
}

/// Whether a manifest speaks of what the Dockerfile at `near` builds: it stands beside it, or names it, its folder or its
/// project; or runs an image that nobody else builds, where this is the only Dockerfile.
fn is_about(
    path: &str,
    near: &str,
    around: &dyn Surroundings,
    alone: impl FnOnce() -> bool,
) -> bool {
    let (folder, file) = (paths::folder(near), paths::file_name(near));
    if paths::folder(path) == folder {
        return true;
    }
    let Some(bytes) = around.peek(path) else {
        return false;
    };
    let home = around.home(near);
    let names = [
        Some(paths::file_name(folder)),
        home.name.as_deref(),
        Some(file),
    ];
    let plain =
        |name: &&str| !name.is_empty() && !matches!(*name, "." | "Dockerfile" | "Containerfile");
    let mut names = names.into_iter().flatten().filter(plain);
    names.any(|name| memchr::memmem::find(&bytes, name.as_bytes()).is_some())
        || runs_own_image(&String::from_utf8_lossy(&bytes)) && alone()
}

/// Whether a manifest runs an image that is not one that everybody has.
fn runs_own_image(text: &str) -> bool {
    let images = text.lines().filter_map(|line| {
        let (key, image) = line.split_once(':')?;
        let key = key.trim_matches([' ', '-', '"', '\'', '\t']);
        (key == "image").then(|| image.trim().trim_matches(['"', '\'']))
    });
    images
        .filter(|image| !image.is_empty())
        .any(|image| facts::image(image, None).is_none())
}

fn below(folder: &str, path: &str) -> String {
    Path::new(folder).join(path).to_string_lossy().into_owned()
}

fn is_script(path: &str) -> bool {
    let path = Path::new(path);
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if claim(name).is_some() || name.chars().all(char::is_uppercase) {
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

fn is_manifest(path: &str) -> bool {
    let path = Path::new(path);
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

/// Whether a file sets one of the variables that decide about allocators; what is said in a comment sets nothing.
fn sets_allocator(path: &str, bytes: &[u8], manifest: bool) -> bool {
    let has = |needle: &str| {
        let mut found = memchr::memmem::find_iter(bytes, needle.as_bytes());
        found.any(|at| !is_in_comment(bytes, at))
    };
    let any = |needles: &[&str]| needles.iter().any(|needle| has(needle));
    let runs_images = || {
        any(&[
            "docker run",
            "podman run",
            "docker-compose",
            "docker compose",
        ])
    };
    if manifest && path.ends_with(".sh") && !runs_images() {
        // A script of another image says nothing about this one.
        return false;
    }
    has("LD_PRELOAD") && facts::names_allocator(bytes)
        || any(&[
            "MALLOC_CONF",
            "MALLOC_ARENA_MAX",
            "PYTHONMALLOC",
            "MALLOC_TRIM_THRESHOLD_",
        ])
}

/// Whether the line of that byte begins with `#`.
fn is_in_comment(bytes: &[u8], at: usize) -> bool {
    let before = bytes.get(..at).unwrap_or_default();
    let start = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
    let line = bytes.get(start..at).unwrap_or_default();
    line.trim_ascii_start().starts_with(b"#")
}
