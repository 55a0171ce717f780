//! Files that may set an allocator where a Dockerfile does not show it: scripts that it copies, manifests
//! beside it. They are searched for the names of the variables, not understood.

use std::path::Path;
use std::sync::Arc;

use super::memory::Memory;
use super::names::claim;
use crate::dockerfile::Search;
use crate::facts;
use crate::surroundings::Surroundings;

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
    scripts: Memory<String, Option<Arc<[String]>>>,
    manifests: Memory<String, Option<String>>,
}

impl Searches {
    /// A file that sets an allocator, among those that `search` asks for on behalf of the input at `near`.
    pub(super) fn find(
        &self,
        near: &str,
        search: &Search,
        around: &dyn Surroundings,
    ) -> Option<String> {
        let mut copied = search.copied.iter();
        let script = copied.find_map(|copied| {
            let scripts = self.scripts(near, copied, around)?;
            let mut others = scripts.iter();
            others.find(|path| !search.followed.contains(path)).cloned()
        });
        script.or_else(|| self.manifest(near, around).filter(|_| search.manifests))
    }

    /// The scripts at and below `copied` in the build context that set an allocator; nothing where that is not there.
    fn scripts(
        &self,
        near: &str,
        copied: &str,
        around: &dyn Surroundings,
    ) -> Option<Arc<[String]>> {
        let folder = copied.trim_start_matches('/').trim_end_matches('*');
        if folder.split('/').any(|part| part == "..") {
            return None;
        }
        let home = around.home(near);
        let mut targets = home.folders.iter().map(|above| below(above, folder));
        targets.find_map(|target| {
            self.scripts.of(target, |target| {
                let mut files = around.list(target, usize::MAX).take(FILES).peekable();
                files.peek()?;
                let sets = |path: &String| is_script(path) && sets_allocator(path, false, around);
                Some(files.filter(sets).collect())
            })
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
                    let sets =
                        |path: &String| is_manifest(path) && sets_allocator(path, true, around);
                    around.list(&folder, depth).take(FILES).find(sets)
                })
            })
        })
    }
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

/// Whether a file sets one of the variables that decide about allocators.
fn sets_allocator(path: &str, manifest: bool, around: &dyn Surroundings) -> bool {
    let Some(bytes) = around.peek(path) else {
        return false;
    };
    let has = |needle: &str| memchr::memmem::find(&bytes, needle.as_bytes()).is_some();
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
    has("LD_PRELOAD") && facts::names_allocator(&bytes)
        || any(&[
            "MALLOC_CONF",
            "MALLOC_ARENA_MAX",
            "PYTHONMALLOC",
            "MALLOC_TRIM_THRESHOLD_",
        ])
}
