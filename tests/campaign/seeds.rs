//! What is mutated: the fixtures and examples of this repository, each with the files beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use malloclint::internals::pages::fences;
use malloclint::internals::project;
use malloclint::internals::project::Format;

use crate::support::{fixtures, manifests};

/// A file that is checked, and all that lies around it.
pub(crate) struct Seed {
    pub(crate) main: String,
    pub(crate) format: Format,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Seed {
    fn of(main: &str, text: impl Into<Vec<u8>>) -> Self {
        let text = text.into();
        Self {
            main: main.to_owned(),
            format: Format::of(main, &text),
            files: [(main.to_owned(), text)].into(),
        }
    }

    /// The same among other files.
    fn with(mut self, files: BTreeMap<String, Vec<u8>>) -> Self {
        for (path, bytes) in files {
            self.files.entry(path).or_insert(bytes);
        }
        self
    }
}

const SERVICE: &[u8] = b"\nFROM python:3.12-slim\nCMD [\"gunicorn\", \"a:a\"]\n";

/// All of them, in the same order on every machine.
pub(crate) fn all() -> Vec<Seed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = root.join("tests");
    let mut seeds = Vec::new();
    let pages = below(&root.join("rules")).into_iter().chain(below(&tests));
    for page in pages.filter(|path| path.extension().is_some_and(|ending| ending == "md")) {
        seeds.extend(examples(&std::fs::read_to_string(page).unwrap()));
    }
    for kind in ["silent", "demo", "kustomizations", "e2e/cases"] {
        let mut folders: Vec<PathBuf> = entries(&tests.join(kind));
        folders.retain(|path| path.is_dir());
        seeds.extend(folders.iter().flat_map(|folder| folder_of(folder)));
    }
    seeds.extend(folder_of(&tests.join("story")));
    for fixture in fixtures::all() {
        // The same with a service behind it, which lacks an allocator.
        let served = [fixture.bytes.as_slice(), SERVICE].concat();
        seeds.push(Seed::of("Dockerfile", fixture.bytes));
        seeds.push(Seed::of("Dockerfile", served));
    }
    for listed in ["cases.txt", "inject.txt"] {
        let cases = manifests::cases(listed).into_iter();
        seeds.extend(cases.map(|case| Seed::of(case.path(), case.text)));
    }
    assert!(seeds.len() > 900, "only {} seeds found", seeds.len());
    seeds
}

/// The file that an example in that language stands in.
fn name_of(language: &str) -> Option<&'static str> {
    match language {
        "dockerfile" => Some("Dockerfile"),
        "kubernetes" | "yaml" => Some("manifest.yaml"),
        "compose" => Some("compose.yaml"),
        _ => None,
    }
}

/// The examples of a page; a fence with a name is a file beside the next one without.
fn examples(page: &str) -> Vec<Seed> {
    let mut beside = BTreeMap::new();
    let mut seeds = Vec::new();
    for fence in fences(page) {
        let mut words = fence.info.split_whitespace();
        let language = words.next().unwrap_or_default();
        if let Some(name) = words.find_map(|word| word.strip_prefix("file=")) {
            beside.insert(name.to_owned(), fence.text.as_bytes().to_vec());
        } else if let Some(main) = name_of(language) {
            seeds.push(Seed::of(main, fence.text).with(std::mem::take(&mut beside)));
        }
    }
    seeds
}

/// A seed for each input in a folder. What stands in `NAME.without` is another text of NAME: a seed of its own.
fn folder_of(folder: &Path) -> Vec<Seed> {
    let name = |path: &Path| {
        let inside = path.strip_prefix(folder).unwrap();
        inside.to_str().unwrap().replace('\\', "/")
    };
    let (mut files, mut twins) = (BTreeMap::new(), Vec::new());
    for path in below(folder) {
        let bytes = std::fs::read(&path).unwrap();
        match name(&path).strip_suffix(".without") {
            Some(name) => twins.push((name.to_owned(), bytes)),
            None => drop(files.insert(name(&path), bytes)),
        }
    }
    let inputs = project::find(&[folder.to_owned()]).files;
    let mut seeds = Vec::new();
    for main in inputs.iter().map(|path| name(path)) {
        let Some(text) = files.get(&main) else {
            continue;
        };
        let twin = twins.iter().find(|(name, _)| *name == main);
        for text in [Some(text), twin.map(|(_, text)| text)]
            .into_iter()
            .flatten()
        {
            seeds.push(Seed::of(&main, text.clone()).with(files.clone()));
        }
    }
    seeds
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The files below a folder, sorted.
fn below(folder: &Path) -> Vec<PathBuf> {
    let (folders, mut files): (Vec<_>, Vec<_>) =
        entries(folder).into_iter().partition(|path| path.is_dir());
    files.extend(folders.iter().flat_map(|folder| below(folder)));
    files.sort();
    files
}
