//! Kustomize: what becomes of a manifest when the kustomizations that name it are built.
//!
//! A manifest that a kustomization uses is never what runs: patches change it, `images` rename its
//! images, generators bring variables. [`builds`] puts the objects together as `kustomize build` does,
//! as far as containers are concerned, and keeps where every byte comes from.

mod generate;
mod images;
mod joined;
mod load;
mod merge;
mod ops;
mod roots;
mod select;
mod shared;
mod trees;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use roots::Kustomization;
pub(crate) use trees::Trees;

use super::Sheet;
use super::kubernetes;
use crate::model::{Change, Container, Unit};
use crate::purpose;
use crate::surroundings::Surroundings;
use crate::text::paths;
use crate::text::{Edit, Place, SourceFile};
use crate::yaml::Id;
use joined::Joined;
use load::Loader;
use trees::Texts;

/// What a kustomization is called (api/konfig, `RecognizedKustomizationFileNames`).
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Whether a file is a kustomization, by its name.
#[must_use]
pub(crate) fn is_kustomization(path: &str) -> bool {
    let name = paths::file_name(path);
    NAMES.contains(&name)
}

/// Whether a resource lies on another machine.
fn is_remote(path: &str) -> bool {
    path.contains("://")
        || path.contains("?ref=")
        || path.starts_with("git@")
        || path.starts_with("github.com/")
}

/// What one kustomization makes of a file.
#[derive(Debug)]
pub struct Build {
    /// The path of the kustomization that is built.
    pub root: String,
    /// The containers that the file has a part in, each with where in it that is.
    pub containers: Vec<(Container, Location)>,
    /// The file is one of the resources, not a patch or the kustomization itself.
    pub as_resource: bool,
    joined: Joined,
}

/// Where a container stands in the file that a build is made for.
#[derive(Clone, Debug)]
pub enum Location {
    /// It, or a patch for it, is a mapping of that text.
    Container(usize, Id),
    /// The file adds some of its variables by a JSON patch.
    Variables(usize, Vec<Id>),
    /// Nothing of it can be written there, and why.
    Nowhere(&'static str),
}

/// The other files of a manifest's project.
#[derive(Clone, Copy)]
pub(crate) struct Others<'a> {
    /// What stands around it.
    pub around: &'a dyn Surroundings,
    /// The kustomizations, sorted by path.
    pub kustomizations: &'a [Kustomization],
    /// The manifests that hold ConfigMaps, sorted by path.
    pub config_maps: &'a dyn Fn() -> Arc<[Arc<SourceFile>]>,
    /// What was read of them before.
    pub trees: &'a Trees,
}

/// What the kustomizations of the project make of `file`: one build for each that nothing stands on.
/// A file that none uses is put together with the ConfigMaps of other files that it refers to; where there
/// are none either, it stands for itself, and there is no build.
#[must_use]
pub(crate) fn builds(file: &Arc<SourceFile>, others: &Others<'_>) -> Vec<Build> {
    let roots = roots::of(file, others.kustomizations);
    let texts = Texts::of(file, others.trees);
    if roots.is_empty() {
        return shared::build(file, others.config_maps, &texts)
            .into_iter()
            .collect();
    }
    // What is for developers or tests says nothing about the others.
    let own = roots
        .iter()
        .filter(|root| purpose::of_path(&root.path).is_none());
    let own: Vec<_> = own.cloned().collect();
    let roots = if own.is_empty() { roots } else { own };
    roots
        .iter()
        .filter_map(|root| build(root, file, others, &texts))
        .collect()
}

fn build(
    root: &Arc<SourceFile>,
    focus: &Arc<SourceFile>,
    others: &Others<'_>,
    texts: &Texts<'_>,
) -> Option<Build> {
    let wanted = roots::wanted(focus, others.kustomizations);
    let mut loader = Loader::new(focus, others.around, &wanted, texts);
    let mut objects = Vec::new();
    loader.kustomization(root, &mut objects);
    let (as_resource, unseen) = (loader.as_resource, loader.unseen);
    let documents = objects.iter().map(|object| object.id).collect();
    let (joined, read) = loader.joined.read(documents);
    let purpose = purpose::of_path(&root.path);
    let mut containers = parts(&joined, read, focus);
    for (container, _) in &mut containers {
        container.not_production = container.not_production.take().or_else(|| purpose.clone());
        let unseen_there = container.gaps.unseen.take();
        container.gaps.unseen = unseen_there.or_else(|| unseen.clone());
    }
    (!containers.is_empty()).then(|| Build {
        root: root.path.clone(),
        containers,
        as_resource,
        joined,
    })
}

/// The containers that `focus` has a part in.
fn parts(
    joined: &Joined,
    read: Vec<(Container, kubernetes::Site)>,
    focus: &Arc<SourceFile>,
) -> Vec<(Container, Location)> {
    let mut found = Vec::new();
    for (container, site) in read {
        let mut container = joined.homed(container);
        let location = location(joined, site.container, focus);
        let sets = |place: &Place| Arc::ptr_eq(&place.file, focus);
        let mut settings = container.env.iter();
        if matches!(location, Location::Nowhere(_))
            && !settings.any(|(_, setting)| sets(&setting.place))
        {
            continue;
        }
        let purpose = purpose::of_path(&container.place.file.path);
        container.not_production = container.not_production.or(purpose);
        found.push((container, location));
    }
    found
}

/// Where in `focus` the container that was put together at `id` can be written.
fn location(joined: &Joined, id: Id, focus: &SourceFile) -> Location {
    const LOOSE: &str = "it stands in a quoted or folded text";
    let mut location = Location::Nowhere("this file has no part in it but the values of variables");
    let origins = joined.origins(id);
    let items = joined
        .tree
        .get(id, "env")
        .map(|list| joined.tree.items(list).to_vec());
    let items: Vec<Id> = items.unwrap_or_default();
    for (index, part) in joined.parts_of(&focus.path) {
        let own = |id: Id| part.own(id).filter(|id| part.tree.is_mapping(*id));
        if let Some(found) = origins.iter().rev().find_map(|id| own(*id)) {
            location = if part.is_exact() {
                Location::Container(index, found)
            } else {
                Location::Nowhere(LOOSE)
            };
            continue;
        }
        let found: Vec<Id> = items.iter().filter_map(|item| own(*item)).collect();
        if !found.is_empty() && !matches!(location, Location::Container(..)) {
            location = if part.is_exact() {
                Location::Variables(index, found)
            } else {
                Location::Nowhere(LOOSE)
            };
        }
    }
    location
}

impl Build {
    /// Whether a place lies in a file that is judged by itself, and is not `focus`.
    #[must_use]
    pub fn is_said_elsewhere(&self, place: &Place, focus: &SourceFile) -> bool {
        if place.file.path == focus.path {
            return false;
        }
        let mut parts = self.joined.parts_of(&place.file.path);
        parts.next().is_some_and(|(_, part)| {
            let describes = memchr::memmem::find(&part.file.bytes, b"ontainers").is_some();
            describes || is_kustomization(&part.file.path)
        })
    }

    /// What writes into its files.
    #[must_use]
    pub fn writer(&self) -> Writer<'_> {
        Writer {
            joined: &self.joined,
            texts: RefCell::default(),
        }
    }
}

/// Writes into the files of a build.
#[derive(Debug)]
pub struct Writer<'a> {
    joined: &'a Joined,
    /// The texts that were written into before: each is decoded once, however much is written.
    texts: RefCell<BTreeMap<usize, &'a str>>,
}

impl<'a> Writer<'a> {
    /// The edits that make all of `changes` true of the container at `location`.
    ///
    /// # Errors
    /// Where the text does not allow one of them; the reason is for people.
    pub fn spell(
        &self,
        unit: &Unit,
        location: &Location,
        changes: &[Change],
    ) -> Result<Vec<Edit>, String> {
        let (Location::Container(part, _) | Location::Variables(part, _)) = location else {
            let Location::Nowhere(why) = location else {
                return Ok(Vec::new());
            };
            return Err((*why).to_owned());
        };
        let text = self.text(*part)?;
        let part = self.joined.part(*part).ok_or("it is not there")?;
        let sheet = Sheet {
            file: &part.text,
            text,
            tree: &part.tree,
        };
        match location {
            Location::Container(_, container) => {
                let site = kubernetes::Site {
                    container: *container,
                };
                kubernetes::spell(sheet, unit, site, changes)
            }
            Location::Variables(_, items) => kubernetes::respell(sheet, unit, items, changes),
            Location::Nowhere(why) => Err((*why).to_owned()),
        }
    }

    /// One of the texts.
    fn text(&self, part: usize) -> Result<&'a str, String> {
        if let Some(text) = self.texts.borrow().get(&part) {
            return Ok(text);
        }
        let bytes = &self.joined.part(part).ok_or("it is not there")?.text.bytes;
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
        self.texts.borrow_mut().insert(part, text);
        Ok(text)
    }
}
