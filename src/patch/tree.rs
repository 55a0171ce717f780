//! What is written of all that stands behind a reference: the parts that changed, and those that stay as they are.

use std::collections::{BTreeMap, BTreeSet};

use super::Patched;
use super::edit::{self, Base};
use super::json::{List, Object};
use crate::image::{Blob, Digest, Refused, Source};

/// So deep an index may stand in another.
const DEPTH: usize = 4;
/// What marks a child of an index that says something of another one, and of which, as BuildKit writes it.
const ATTESTATION: &str = "vnd.docker.reference.type";
const ATTESTED: &str = "vnd.docker.reference.digest";

/// What something is that has no type of its own in its text.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A manifest or an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) kind: String,
    pub(crate) blob: Blob,
}

/// All blobs of the new image, or of all images of a new index.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) root: Node,
    /// All manifests and indexes, each after those that it names.
    pub(crate) nodes: Vec<Node>,
    /// Those that are new.
    pub(crate) made: BTreeMap<Digest, Vec<u8>>,
    /// Those that are there already.
    pub(crate) kept: BTreeSet<Blob>,
    /// What the new index no longer holds, each with the reason.
    pub(crate) dropped: Vec<String>,
}

/// What is to become of the images, by the digests of their manifests: nothing of one that stays as it is.
pub(super) type Images = BTreeMap<Digest, Option<Patched>>;

/// Writes all that stands behind a source anew. `chosen`: only the images that are named are wanted, and one alone needs no index.
///
/// # Errors
/// Where something is missing or damaged.
pub(super) fn write(
    source: &Source<'_>,
    images: &Images,
    name: Option<&str>,
    chosen: bool,
) -> Result<Tree, Refused> {
    let whole = Writing::of(source, images, name, chosen).tree(&source.root)?;
    match whole.alone {
        Some(only) if chosen => {
            let alone = Writing::of(source, images, name, chosen).tree(&only)?;
            Ok(alone.tree)
        }
        _ => Ok(whole.tree),
    }
}

/// A tree, and the only image in it.
struct Whole {
    tree: Tree,
    alone: Option<Blob>,
}

struct Writing<'a> {
    source: &'a Source<'a>,
    images: &'a Images,
    name: Option<&'a str>,
    chosen: bool,
    nodes: Vec<Node>,
    made: BTreeMap<Digest, Vec<u8>>,
    kept: BTreeSet<Blob>,
    dropped: Vec<String>,
    /// The images that were asked for.
    found: Vec<Blob>,
}

impl<'a> Writing<'a> {
    const fn of(
        source: &'a Source<'a>,
        images: &'a Images,
        name: Option<&'a str>,
        chosen: bool,
    ) -> Self {
        Self {
            source,
            images,
            name,
            chosen,
            nodes: Vec::new(),
            made: BTreeMap::new(),
            kept: BTreeSet::new(),
            dropped: Vec::new(),
            found: Vec::new(),
        }
    }

    fn tree(mut self, root: &Blob) -> Result<Whole, Refused> {
        let root = self.node(root, 0)?;
        let alone = match self.found.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        };
        // What changed in one platform may be what another one keeps.
        let made = self.made;
        self.kept.retain(|blob| !made.contains_key(&blob.digest));
        Ok(Whole {
            tree: Tree {
                root,
                nodes: self.nodes,
                made,
                kept: self.kept,
                dropped: self.dropped,
            },
            alone,
        })
    }

    /// A manifest or an index, and all below it.
    fn node(&mut self, blob: &Blob, depth: usize) -> Result<Node, Refused> {
        let node = self.written(blob, depth)?;
        if !self.nodes.contains(&node) {
            self.nodes.push(node.clone());
        }
        Ok(node)
    }

    fn written(&mut self, blob: &Blob, depth: usize) -> Result<Node, Refused> {
        let text = text_of(self.source.manifest(blob)?, blob)?;
        let told = Object::read(&text).map_err(|error| misread(blob, &error))?;
        if told.get("manifests").is_none_or(|all| all == "null") {
            return self.manifest(blob, &told);
        }
        if depth >= DEPTH {
            let why = "an index in an index in an index: it is not followed any further";
            return Err(Refused::new(format!("{}: {why}", blob.digest)));
        }
        self.index(blob, told, depth)
    }

    fn manifest(&mut self, blob: &Blob, told: &Object) -> Result<Node, Refused> {
        let kind = told.text("mediaType").unwrap_or_else(|| MANIFEST.into());
        let wrong = |error: serde_json::Error| misread(blob, &error);
        for name in ["layers", "blobs"] {
            for named in told.list(name).map_err(wrong)?.0 {
                self.kept.insert(blob_of(&named).map_err(wrong)?);
            }
        }
        if self.images.contains_key(&blob.digest) {
            self.found.push(blob.clone());
        }
        let Some(Some(patched)) = self.images.get(&blob.digest) else {
            let config = told.get("config").map(blob_of).transpose();
            self.kept.extend(config.map_err(wrong)?);
            self.kept.insert(blob.clone());
            let blob = blob.clone();
            return Ok(Node { kind, blob });
        };
        if let Some(layer) = &patched.layer {
            self.make(layer.stored.clone());
        }
        self.make(patched.config.clone());
        let blob = self.make(patched.manifest.clone());
        Ok(Node { kind, blob })
    }

    fn make(&mut self, bytes: Vec<u8>) -> Blob {
        let blob = Blob::of(&bytes);
        self.made.insert(blob.digest.clone(), bytes);
        blob
    }

    fn index(&mut self, blob: &Blob, mut told: Object, depth: usize) -> Result<Node, Refused> {
        let kind = told.text("mediaType").unwrap_or_else(|| INDEX.into());
        let wrong = |error: serde_json::Error| misread(blob, &error);
        let children = told.list("manifests").map_err(wrong)?.0;
        let mut now = Vec::new();
        for child in &children {
            now.extend(self.child(child, blob, depth)?);
        }
        if now == children {
            self.kept.insert(blob.clone());
            let blob = blob.clone();
            return Ok(Node { kind, blob });
        }
        told.set("manifests", List(now));
        let blob = self.make(told.to_string().into_bytes());
        Ok(Node { kind, blob })
    }

    /// What names a child of an index, as it will be; nothing where it goes.
    fn child(&mut self, text: &str, index: &Blob, depth: usize) -> Result<Option<String>, Refused> {
        let wrong = |error: serde_json::Error| misread(index, &error);
        let child = Object::read(text).map_err(wrong)?;
        let blob = blob_of(text).map_err(wrong)?;
        if self.goes(&child, &blob).map_err(wrong)? {
            return Ok(None);
        }
        let (found, nodes) = (self.found.len(), self.nodes.len());
        let node = self.node(&blob, depth + 1)?;
        // Nothing that was asked for is in it.
        if self.chosen && self.found.len() == found && !self.attests(&child).map_err(wrong)? {
            self.kept.remove(&blob);
            self.made.remove(&node.blob.digest);
            self.nodes.truncate(nodes);
            return Ok(None);
        }
        if node.blob == blob {
            return Ok(Some(text.to_owned()));
        }
        let base = self.images.contains_key(&blob.digest).then_some(Base {
            digest: &blob.digest,
            name: self.name,
        });
        edit::descriptor(text, &node.blob, base)
            .map(Some)
            .map_err(wrong)
    }

    /// Whether a child goes, whatever is in it: nobody asked for it, it says something of an image that is another now, or it is not
    /// stored here.
    fn goes(&mut self, child: &Object, blob: &Blob) -> Result<bool, serde_json::Error> {
        let annotations = child.object("annotations")?;
        if let Some(kind) = annotations.text(ATTESTATION) {
            let about = annotations.text(ATTESTED);
            let about = about.and_then(|digest| Digest::parse(&digest));
            let image = about.as_ref().and_then(|digest| self.images.get(digest));
            if matches!(image, Some(Some(_))) {
                self.dropped.push(format!(
                    "{} ({kind}) is about an image that is another now: it is left out",
                    blob.digest
                ));
            }
            let stays = matches!(image, Some(None)) || image.is_none() && !self.chosen;
            return Ok(!stays);
        }
        if self.chosen {
            return Ok(self.is_an_image(child) && !self.images.contains_key(&blob.digest));
        }
        let is_here = self.images.contains_key(&blob.digest) || self.source.has(blob);
        if !is_here {
            self.dropped.push(format!(
                "{} is not stored here: it is left out",
                blob.digest
            ));
        }
        Ok(!is_here)
    }

    /// Whether it is no index, as far as its type says.
    fn is_an_image(&self, child: &Object) -> bool {
        let kind = child.text("mediaType").unwrap_or_default();
        !kind.contains("index") && !kind.contains("manifest.list")
    }

    fn attests(&self, child: &Object) -> Result<bool, serde_json::Error> {
        Ok(child.object("annotations")?.get(ATTESTATION).is_some())
    }
}

fn misread(blob: &Blob, error: &serde_json::Error) -> Refused {
    Refused::new(format!("{}: {error}", blob.digest))
}

fn text_of(bytes: Vec<u8>, blob: &Blob) -> Result<String, Refused> {
    let text = String::from_utf8(bytes);
    text.map_err(|_| Refused::new(format!("{}: it is not UTF-8", blob.digest)))
}

fn blob_of(named: &str) -> Result<Blob, serde_json::Error> {
    serde_json::from_str(named)
}
