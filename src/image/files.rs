//! The files of an image, as its layers leave them: names, links and sizes of all, and the text of those that tell something.

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::Refused;
use super::digest::Verified;
use super::entries::{Entries, Entry, Kind};
use super::layer;
use super::library::{self, Library};
use super::manifest::Layer;
use super::store::{Store, verified};

/// So many files are told apart.
const MOST: u64 = 2 << 20;
/// And their names have no more bytes.
const NAMES: u64 = 256 << 20;
/// How often a link leads on to another, as on Linux.
const HOPS: usize = 40;
/// What takes files below away (image-spec, layer.md, "Whiteouts").
const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";
/// Of all scripts together no more text is kept, in bytes, and of none that is larger: others are read when they are asked for.
const KEPT: u64 = 8 << 20;
const TEXT: u64 = 256 << 10;
/// Databases of packages may be larger.
const DATABASE: u64 = 16 << 20;

/// A file of the image.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Folder,
    File(File),
    Link(String),
    Other,
}

/// What is known of it.
#[derive(Clone, Debug, Default)]
pub(super) struct File {
    /// The layer that brought it, from below, and its name there.
    layer: usize,
    name: Arc<str>,
    pub(super) text: Option<Arc<[u8]>>,
    /// What it says of itself, where it is a library or program that matters.
    pub(super) library: Option<Arc<Library>>,
}

/// All files, by their paths without a `/` in front.
#[derive(Debug, Default)]
pub(crate) struct Files {
    nodes: BTreeMap<String, Node>,
}

/// What a layer does.
#[derive(Debug, Default)]
struct Changes {
    /// Folders of which nothing below stays, and files that are taken away.
    opaque: Vec<String>,
    gone: Vec<String>,
    made: Vec<(String, Made)>,
}

#[derive(Debug)]
enum Made {
    Node(Node),
    /// Another name of what came before.
    Same(String),
}

/// Reads all layers, several at a time.
///
/// # Errors
/// Where one is missing, damaged, or refused.
pub(super) fn read(store: &dyn Store, layers: &[Layer]) -> Result<Files, Refused> {
    let budget = Budget::default();
    let changes: Vec<Result<Changes, Refused>> = layers
        .par_iter()
        .enumerate()
        .map(|(number, layer)| {
            let read = changes(store, layer, &budget).or_else(|error| match layer {
                // What was kept of it may be damaged, and what it comes from may not.
                Layer::Blob(blob) if store.forget(blob) => changes(store, layer, &budget),
                _ => Err(error),
            });
            read.map_err(|error| {
                Refused::new(format!("layer {} of {}: {error}", number + 1, layers.len()))
            })
        })
        .collect();
    let mut files = Files::default();
    for (layer, changes) in changes.into_iter().enumerate() {
        files.apply(layer, changes?);
    }
    Ok(files)
}

/// Reads the text of a file that was not kept, from the layer that brought it.
pub(super) fn fetch(store: &dyn Store, layers: &[Layer], file: &File) -> Option<Vec<u8>> {
    let layer = layers.get(file.layer)?;
    let (stored, size) = opened(store, layer).ok()?;
    let mut entries = Entries::reading(layer::unpacked(stored, size).ok()?);
    while let Some(entry) = entries.next().ok()? {
        // Digests were held when all of it was read.
        if *entry.path == *file.name && entry.kind == Kind::File {
            return (entry.size <= TEXT).then(|| entries.data(entry.size).ok())?;
        }
    }
    None
}

/// How many files one layer has, whatever its bytes are.
///
/// # Errors
/// Where they are no layer.
pub(super) fn count(layer: &[u8]) -> io::Result<usize> {
    let unpacked = layer::unpacked(layer, layer.len() as u64)?;
    let mut files = Files::default();
    files.apply(0, listed(unpacked, &Budget::default())?);
    let resolved = files.nodes.keys().filter(|path| files.get(path).is_some());
    Ok(resolved.count())
}

/// What all layers have of an image together.
#[derive(Default)]
struct Budget {
    files: AtomicU64,
    names: AtomicU64,
    text: AtomicU64,
}

impl Budget {
    fn has_room_for(&self, text: u64) -> bool {
        let room = self.text.fetch_add(text, Ordering::Relaxed) + text <= KEPT;
        if !room {
            self.text.fetch_sub(text, Ordering::Relaxed);
        }
        room
    }

    fn another_file(&self, entry: &Entry) -> io::Result<()> {
        let link = match &entry.kind {
            Kind::Symlink(target) | Kind::Hardlink(target) => target.len(),
            _ => 0,
        };
        let names = (entry.path.len() + link) as u64;
        let files = self.files.fetch_add(1, Ordering::Relaxed);
        let names = self.names.fetch_add(names, Ordering::Relaxed);
        let why = "it has more files than anybody counts";
        match files < MOST && names < NAMES {
            true => Ok(()),
            false => Err(io::Error::new(io::ErrorKind::InvalidData, why)),
        }
    }
}

/// What one layer does.
fn changes(store: &dyn Store, layer: &Layer, budget: &Budget) -> io::Result<Changes> {
    let (stored, size) = opened(store, layer)?;
    let unpacked = layer::unpacked(stored, size)?;
    match layer {
        Layer::File {
            unpacked: digest, ..
        } => listed(Verified::new(unpacked, digest, None), budget),
        Layer::Blob(_) => listed(unpacked, budget),
    }
}

/// A layer as it is stored, and how many bytes it has there.
fn opened<'a>(
    store: &'a dyn Store,
    layer: &Layer,
) -> io::Result<(Box<dyn io::Read + Send + 'a>, u64)> {
    match layer {
        Layer::Blob(blob) => Ok((verified(store, blob)?, blob.size)),
        Layer::File { name, .. } => store.file(name),
    }
}

fn listed(archive: impl io::Read, budget: &Budget) -> io::Result<Changes> {
    let mut changes = Changes::default();
    let mut entries = Entries::reading(archive);
    while let Some(entry) = entries.next()? {
        budget.another_file(&entry)?;
        let (folder, name) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
        if name == OPAQUE {
            changes.opaque.push(folder.to_owned());
            continue;
        }
        if let Some(name) = name.strip_prefix(WHITEOUT) {
            // Others than these are the business of file systems that no engine has any more.
            if !name.is_empty() && !name.starts_with(WHITEOUT) {
                changes.gone.push(joined(folder, name));
            }
            continue;
        }
        let made = match &entry.kind {
            Kind::Folder => Made::Node(Node::Folder),
            Kind::Symlink(target) => Made::Node(Node::Link(target.clone())),
            Kind::Hardlink(target) => Made::Same(target.clone()),
            Kind::Other => Made::Node(Node::Other),
            Kind::File => Made::Node(Node::File(file(&mut entries, &entry, budget)?)),
        };
        changes.made.push((entry.path, made));
    }
    entries.finish()?;
    Ok(changes)
}

/// What is kept of a file.
fn file(entries: &mut Entries<impl io::Read>, entry: &Entry, budget: &Budget) -> io::Result<File> {
    let mut file = File {
        name: Arc::from(entry.path.as_str()),
        ..File::default()
    };
    if library::matters(&entry.path) && entry.size <= library::LARGEST {
        let bytes = entries.data(entry.size)?;
        file.library = Some(Arc::new(library::read(&bytes)));
        return Ok(file);
    }
    if of_system(&entry.path) {
        if entry.size <= DATABASE {
            file.text = Some(entries.data(entry.size)?.into());
        }
        return Ok(file);
    }
    let mut bytes = entries.data(2)?;
    // What the loader is told may be anywhere below.
    let is_setting = entry.path.starts_with("etc/") && entry.path.ends_with(".conf");
    if (is_setting || bytes == b"#!") && entry.size <= TEXT && budget.has_room_for(entry.size) {
        bytes.extend(entries.data(entry.size)?);
        file.text = Some(bytes.into());
    }
    Ok(file)
}

/// Whether the system says there what it is.
fn of_system(path: &str) -> bool {
    const FILES: [&str; 7] = [
        "etc/os-release",
        "usr/lib/os-release",
        "etc/ld.so.preload",
        "etc/ld.so.conf",
        "var/lib/dpkg/status",
        "lib/apk/db/installed",
        "usr/lib/apk/db/installed",
    ];
    let is_part = path.starts_with("etc/ld.so.conf.d/")
        || path.starts_with("var/lib/dpkg/status.d/")
        || path.starts_with("etc/ld-musl-");
    FILES.contains(&path) || is_part
}

impl Files {
    fn apply(&mut self, layer: usize, changes: Changes) {
        for folder in &changes.opaque {
            if let Some(folder) = self.resolved(folder) {
                self.empty(&folder);
            }
        }
        for path in &changes.gone {
            let path = self.through(path);
            self.remove(&path);
        }
        for (path, made) in changes.made {
            let path = self.through(&path);
            let node = match made {
                Made::Node(Node::File(file)) => Node::File(File { layer, ..file }),
                Made::Node(node) => node,
                Made::Same(target) => match self.nodes.get(&self.through(&target)) {
                    Some(node) => node.clone(),
                    None => continue,
                },
            };
            // A folder need not have an entry of its own.
            if !matches!(node, Node::Folder) {
                self.empty(&path);
            }
            self.nodes.insert(path, node);
        }
    }

    fn remove(&mut self, path: &str) {
        self.empty(path);
        self.nodes.remove(path);
    }

    /// Takes away what is below a folder.
    fn empty(&mut self, folder: &str) {
        let below: Vec<String> = self
            .below(folder)
            .map(|(path, _)| path.to_owned())
            .collect();
        for path in below {
            self.nodes.remove(&path);
        }
    }

    /// What is below a folder, however deep.
    pub(super) fn below<'a>(&'a self, folder: &str) -> impl Iterator<Item = (&'a str, &'a Node)> {
        let start = if folder.is_empty() {
            String::new()
        } else {
            format!("{folder}/")
        };
        let range = (Bound::Included(start.clone()), Bound::Unbounded);
        self.nodes
            .range(range)
            .take_while(move |(path, _)| path.starts_with(&start))
            .map(|(path, node)| (path.as_str(), node))
    }

    /// All files.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// A path with the links of its folders followed.
    fn through(&self, path: &str) -> String {
        match path.rsplit_once('/') {
            Some((folder, name)) => {
                let folder = self.resolved(folder).unwrap_or_else(|| folder.to_owned());
                joined(&folder, name)
            }
            None => path.to_owned(),
        }
    }

    /// The path that a path leads to, all links followed: none leads out of the image.
    pub(super) fn resolved(&self, path: &str) -> Option<String> {
        let mut left: Vec<String> = parts(path).rev().map(str::to_owned).collect();
        let mut done: Vec<String> = Vec::new();
        let mut hops = 0;
        while let Some(part) = left.pop() {
            if part == ".." {
                done.pop();
                continue;
            }
            done.push(part);
            if let Some(Node::Link(target)) = self.nodes.get(&done.join("/")) {
                hops += 1;
                if hops > HOPS {
                    return None;
                }
                done.pop();
                if target.starts_with('/') {
                    done.clear();
                }
                left.extend(parts(target).rev().map(str::to_owned));
            }
        }
        Some(done.join("/"))
    }

    /// What a path leads to.
    pub(super) fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(&self.resolved(path)?)
    }

    /// The file that a path leads to.
    pub(super) fn file(&self, path: &str) -> Option<&File> {
        match self.get(path)? {
            Node::File(file) => Some(file),
            _ => None,
        }
    }

    /// The text of a file, as far as it was kept.
    pub(super) fn text(&self, path: &str) -> Option<&Arc<[u8]>> {
        self.file(path)?.text.as_ref()
    }
}

fn parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|part| !matches!(*part, "" | "."))
}

fn joined(folder: &str, name: &str) -> String {
    match folder.is_empty() {
        true => name.to_owned(),
        false => format!("{folder}/{name}"),
    }
}
