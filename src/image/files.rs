//! The files of an image, as its layers leave them: names, links and sizes of all, and the text of those that tell something.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Refused;
use super::digest::Verified;
use super::entries::{Entries, Entry, Kind};
use super::kept;
use super::layer::{self, Unpacked};
use super::library::{self, Library};
use super::manifest::Layer;
use super::store::{Blob, Store, verified};

/// So many files are told apart.
const MOST: u64 = 2 << 20;
/// And their names have no more bytes.
const NAMES: u64 = 256 << 20;
/// How often a link leads on to another, as on Linux.
const HOPS: usize = 40;
/// And so many bytes all of them have together.
const LINKS: usize = 16 << 10;
/// What takes files below away (image-spec, layer.md, "Whiteouts").
const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";
/// Of all scripts together no more text is kept, in bytes, and of none that is larger: others are read when they are asked for.
const KEPT: u64 = 8 << 20;
pub(super) const TEXT: u64 = 256 << 10;
/// Databases of packages may be larger; of those of all layers so much is kept at the same time.
const DATABASE: u64 = 16 << 20;
const DATABASES: u64 = 32 << 20;
/// Libraries that are larger are not read at the same time, in bytes.
const SMALL: u64 = 8 << 20;

/// A file of the image.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Node {
    Folder,
    File(File),
    Link(String),
    Other,
}

/// What is known of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct File {
    /// The layer that brought it, from below, and which of its entries it is.
    layer: usize,
    number: u64,
    /// In bytes.
    size: u64,
    pub(super) text: Option<Arc<[u8]>>,
    /// What it says of itself, where it is a library or program that matters.
    pub(super) library: Option<Arc<Library>>,
}

/// All files, by their paths without a `/` in front.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    nodes: BTreeMap<String, Node>,
}

/// What a layer does.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Changes {
    /// Folders of which nothing below stays, and files that are taken away.
    opaque: Vec<String>,
    gone: Vec<String>,
    made: Vec<(String, Made)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Made {
    Node(Node),
    /// Another name of what came before.
    Same(String),
}

/// Reads all layers, several at a time, and each once.
///
/// # Errors
/// Where one is missing, damaged, or refused.
pub(super) fn read(store: &dyn Store, layers: &[Layer], shared: &Shared) -> Result<Files, Refused> {
    let budget = Budget::default();
    let different: BTreeSet<&Layer> = layers.iter().collect();
    let number = |layer: &Layer| layers.iter().position(|one| one == layer).unwrap_or(0) + 1;
    let one = |layer: &Layer| {
        let read = shared
            .get(layer, &budget)
            .map_or_else(|| one(store, layer, &budget), Ok);
        let wrong = |why| {
            Refused::new(format!(
                "layer {} of {}: {why}",
                number(layer),
                layers.len()
            ))
        };
        read.map_err(wrong)
    };
    let changes = different
        .into_par_iter()
        .map(|layer| Ok((layer, one(layer)?)));
    let changes: BTreeMap<&Layer, Changes> = changes.collect::<Result<_, _>>()?;
    changes
        .iter()
        .for_each(|(layer, changes)| shared.keep(layer, changes));
    let mut files = Files::default();
    let mut lasting = changes;
    for (at, layer) in layers.iter().enumerate() {
        let comes_again = layers
            .get(at + 1..)
            .is_some_and(|rest| rest.contains(layer));
        let changes = match comes_again {
            true => lasting.get(layer).cloned(),
            false => lasting.remove(layer),
        };
        files.apply(at, changes.unwrap_or_default());
    }
    files.complete(store, layers, &budget.unpacked)?;
    Ok(files)
}

/// What small layers do that several images of an index may share.
#[derive(Debug, Default)]
pub(super) struct Shared(Mutex<(BTreeMap<Layer, Changes>, u64)>);

/// No more is kept of them, in bytes.
const SHARED: u64 = 16 << 20;

impl Shared {
    fn get(&self, layer: &Layer, budget: &Budget) -> Option<Changes> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changes = known.0.get(layer)?.clone();
        drop(known);
        budget.take(&mut changes).then_some(changes)
    }

    fn keep(&self, layer: &Layer, changes: &Changes) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let weight = changes.weight();
        if !known.0.contains_key(layer) && known.1 + weight <= SHARED {
            known.1 += weight;
            known.0.insert(layer.clone(), changes.clone());
        }
    }
}

impl Changes {
    /// About as many bytes as it takes.
    fn weight(&self) -> u64 {
        const EACH: usize = 128;
        let made = self.made.iter().map(|(path, made)| match made {
            Made::Node(Node::File(File {
                text: Some(text), ..
            })) => path.len() + text.len() + EACH,
            _ => path.len() + EACH,
        });
        let gone = self
            .gone
            .iter()
            .chain(&self.opaque)
            .map(|path| path.len() + EACH);
        made.chain(gone).sum::<usize>() as u64
    }
}

/// What one layer does; why it cannot be told, for people.
fn one(store: &dyn Store, layer: &Layer, budget: &Budget) -> Result<Changes, String> {
    if let Some(known) = noted(store, layer, budget) {
        return Ok(known);
    }
    let read = changes(store, layer, budget).or_else(|error| match layer {
        // What was kept of it may be damaged, and what it comes from may not.
        Layer::Blob(blob) if store.forget(blob) => changes(store, layer, budget),
        _ => Err(error),
    });
    if let (Ok(read), Some((folder, blob))) = (&read, notes(store, layer)) {
        kept::save(folder, &blob.digest, read);
    }
    read.map_err(|error| match (error.kind(), layer) {
        (io::ErrorKind::NotFound, Layer::Blob(blob)) => {
            format!("the blob {} is not there", blob.digest)
        }
        _ => error.to_string(),
    })
}

/// Where it is kept what a layer does, if anywhere.
fn notes<'a>(store: &'a dyn Store, layer: &'a Layer) -> Option<(&'a Path, &'a Blob)> {
    match layer {
        Layer::Blob(blob) => Some((store.notes()?, blob)),
        Layer::File { .. } => None,
    }
}

/// What a layer does, where that was kept: neither read nor fetched again.
fn noted(store: &dyn Store, layer: &Layer, budget: &Budget) -> Option<Changes> {
    let (folder, blob) = notes(store, layer)?;
    let mut changes: Changes = kept::load(folder, &blob.digest)?;
    budget.take(&mut changes).then_some(changes)
}

/// Reads the text of a file that was not kept, from the layer that brought it. `budget`: what may be unpacked for that.
pub(super) fn fetch(
    store: &dyn Store,
    layers: &[Layer],
    file: &File,
    (most, budget): (u64, &Unpacked),
) -> Option<Vec<u8>> {
    if file.size > most {
        return None;
    }
    let (stored, _) = opened(store, layers.get(file.layer)?).ok()?;
    let mut entries = Entries::reading(layer::unpacked(stored, budget).ok()?);
    for _ in 0..file.number {
        entries.next().ok()??;
    }
    // Digests were held when all of it was read.
    let entry = entries.next().ok()??;
    (entry.kind == Kind::File && entry.size == file.size).then(|| entries.data(most).ok())?
}

impl Files {
    /// Reads what the system says of itself, where there was no room to keep it of every layer.
    ///
    /// # Errors
    /// Where there is more of it than any system has.
    pub(super) fn complete(
        &mut self,
        store: &dyn Store,
        layers: &[Layer],
        budget: &Unpacked,
    ) -> Result<(), Refused> {
        let lacks = |(path, node): (&str, &Node)| match node {
            Node::File(file) if file.text.is_none() && file.size <= DATABASE && of_system(path) => {
                Some((path.to_owned(), file.clone()))
            }
            _ => None,
        };
        let lacking: Vec<(String, File)> = self.all().filter_map(lacks).collect();
        let mut room = DATABASES;
        for (path, mut file) in lacking {
            room = room.checked_sub(file.size).ok_or_else(|| {
                Refused::new("it says more of its packages than any system does".into())
            })?;
            file.text = fetch(store, layers, &file, (DATABASE, budget)).map(Arc::from);
            self.nodes.insert(path, Node::File(file));
        }
        Ok(())
    }
}

impl Files {
    /// Lays one more layer over them, an archive that is not compressed; `at`: how many are below it.
    ///
    /// # Errors
    /// Where it is no layer.
    pub(super) fn lay(&mut self, at: usize, layer: &[u8]) -> io::Result<()> {
        self.apply(at, listed(layer, &Budget::default())?);
        Ok(())
    }
}

/// How many files one layer has, whatever its bytes are.
///
/// # Errors
/// Where they are no layer.
pub(super) fn count(layer: &[u8]) -> io::Result<usize> {
    let budget = Budget::default();
    budget.unpacked.allow(layer.len() as u64);
    let unpacked = layer::unpacked(layer, &budget.unpacked)?;
    let mut files = Files::default();
    files.apply(0, listed(unpacked, &budget)?);
    let resolved = files.nodes.keys().filter(|path| files.get(path).is_some());
    Ok(resolved.count())
}

/// What all layers have of an image together.
#[derive(Default)]
struct Budget {
    files: AtomicU64,
    names: AtomicU64,
    text: AtomicU64,
    databases: AtomicU64,
    unpacked: Unpacked,
    /// Held by who reads a large library: not all at the same time.
    large: Mutex<()>,
}

impl Budget {
    fn has_room_for(&self, path: &str, text: u64) -> bool {
        let (kept, most) = match of_system(path) {
            true => (&self.databases, DATABASES),
            false => (&self.text, KEPT),
        };
        let room = kept.fetch_add(text, Ordering::Relaxed) + text <= most;
        if !room {
            kept.fetch_sub(text, Ordering::Relaxed);
        }
        room
    }

    /// The same of what a layer does that was read before; what has no room is dropped. Whether it may be had at all.
    fn take(&self, changes: &mut Changes) -> bool {
        let gone = changes.gone.iter().chain(&changes.opaque);
        let mut names: usize = gone.map(String::len).sum();
        for (path, made) in &mut changes.made {
            names += path.len();
            match made {
                Made::Same(target) | Made::Node(Node::Link(target)) => names += target.len(),
                Made::Node(Node::File(file)) => {
                    let text = file.text.take();
                    file.text = text.filter(|text| self.has_room_for(path, text.len() as u64));
                }
                Made::Node(_) => {}
            }
        }
        let files = self
            .files
            .fetch_add(changes.made.len() as u64, Ordering::Relaxed);
        let known = self.names.fetch_add(names as u64, Ordering::Relaxed);
        files + (changes.made.len() as u64) < MOST && known + (names as u64) < NAMES
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
    budget.unpacked.allow(size);
    let unpacked = layer::unpacked(stored, &budget.unpacked)?;
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
    let mut number = 0;
    while let Some(entry) = entries.next()? {
        budget.another_file(&entry)?;
        number += 1;
        // The top is a folder, whatever stands there.
        if entry.path.is_empty() {
            continue;
        }
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
            Kind::File => Made::Node(Node::File(File {
                number: number - 1,
                ..file(&mut entries, &entry, budget)?
            })),
        };
        changes.made.push((entry.path, made));
    }
    entries.finish()?;
    Ok(changes)
}

/// What is kept of a file.
fn file(entries: &mut Entries<impl io::Read>, entry: &Entry, budget: &Budget) -> io::Result<File> {
    let mut file = File {
        size: entry.size,
        ..File::default()
    };
    if library::matters(&entry.path) && entry.size <= library::LARGEST {
        let held = (entry.size > SMALL).then(|| budget.large.lock());
        let bytes = entries.data(entry.size)?;
        file.library = Some(Arc::new(library::read(&bytes)));
        drop(held);
        return Ok(file);
    }
    if of_system(&entry.path) {
        if entry.size <= DATABASE && budget.has_room_for(&entry.path, entry.size) {
            file.text = Some(entries.data(entry.size)?.into());
        }
        return Ok(file);
    }
    let mut bytes = entries.data(2)?;
    // What the loader is told may be anywhere below.
    let is_setting = entry.path.starts_with("etc/") && entry.path.ends_with(".conf");
    let is_kept = is_setting || bytes == b"#!" || of_apt(&entry.path);
    let is_kept = is_kept && entry.size <= TEXT;
    if is_kept && budget.has_room_for(&entry.path, entry.size) {
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

/// Whether apt reads there which archives it asks, and whom it trusts: `image patch` reads the same. Others of its files are read when
/// they are asked for.
fn of_apt(path: &str) -> bool {
    path.starts_with("etc/apt/") || path.starts_with("usr/share/keyrings/")
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
    pub(super) fn through(&self, path: &str) -> String {
        match path.rsplit_once('/') {
            Some((folder, name)) => {
                let folder = self.resolved(folder).unwrap_or_else(|| folder.to_owned());
                joined(&folder, name)
            }
            None => path.to_owned(),
        }
    }

    /// Whether there is a folder, with or without an entry of its own.
    pub(super) fn is_folder(&self, path: &str) -> bool {
        path.is_empty()
            || matches!(self.nodes.get(path), Some(Node::Folder))
            || self.below(path).next().is_some()
    }

    /// The path that a path leads to, all links followed: none leads out of the image.
    pub(super) fn resolved(&self, path: &str) -> Option<String> {
        let mut left: Vec<&str> = parts(path).rev().collect();
        let mut done = String::new();
        let (mut hops, mut room) = (HOPS, LINKS);
        while let Some(part) = left.pop() {
            let above = match part {
                ".." => done.rfind('/').unwrap_or(0),
                _ => done.len(),
            };
            if part == ".." {
                if !self.is_folder(&done) {
                    return None;
                }
                done.truncate(above);
                continue;
            }
            if !done.is_empty() {
                done.push('/');
            }
            done.push_str(part);
            if let Some(Node::Link(target)) = self.nodes.get(&done) {
                hops = hops.checked_sub(1)?;
                room = room.checked_sub(target.len())?;
                done.truncate(if target.starts_with('/') { 0 } else { above });
                left.extend(parts(target).rev());
            }
        }
        Some(done)
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
