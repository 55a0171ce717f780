//! jemalloc into an image that is built already: one layer and two variables, and all else as it was. Nothing is unpacked or run, and no
//! engine is asked.
//!
//! [`plan`] says what will be written, held against the rules; [`Plan::write`] writes it, whole or not at all.

mod apt;
mod archive;
mod deb;
mod destination;
mod dpkg;
mod edit;
mod hook;
mod json;
mod judge;
mod layer;
mod layout;
mod library;
mod push;
mod tree;

use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::check::images::Variable;
use crate::image::{Blob, Digest, Found, Image, Refused, Source};
use crate::templates::Style;
use crate::write::WriteError;
pub(crate) use apt::Apt;
pub(crate) use destination::{Destination, Open};
use judge::Text;
use layer::Layer;
pub(crate) use library::Supplied;
use tree::Tree;

/// What is wanted.
#[derive(Clone, Copy)]
pub(crate) struct Wish<'a> {
    /// Those that are named; where none is, the image's own apt has one.
    pub(crate) libraries: &'a [Supplied],
    pub(crate) apt: &'a Apt,
    pub(crate) style: Style,
    /// What would do harm is done all the same.
    pub(crate) unsafe_too: bool,
    /// When the change is said to be made, in seconds since 1970; else when the image was.
    pub(crate) epoch: Option<u64>,
    /// What the image is called on every machine.
    pub(crate) name: Option<&'a str>,
    /// Only the images that are there are wanted, of all that the reference leads to.
    pub(crate) chosen: bool,
}

/// What becomes of an image.
#[derive(Clone, Debug)]
pub(crate) struct Patched {
    pub(crate) platform: String,
    /// The digest of its manifest as it was.
    pub(crate) base: Digest,
    pub(crate) manifest: Vec<u8>,
    pub(crate) config: Vec<u8>,
    pub(crate) variables: Vec<Variable>,
    pub(crate) layer: Option<Layer>,
    /// What is to be known of it.
    pub(crate) notes: Vec<String>,
}

/// What will be written.
pub(crate) struct Plan<'a> {
    source: Source<'a>,
    pub(crate) images: Vec<Patched>,
    /// The platforms of images that need nothing.
    pub(crate) unchanged: Vec<String>,
    pub(crate) tree: Tree,
    epoch: Option<u64>,
}

impl Plan<'_> {
    /// The bytes of a blob, new or kept; of what is kept they are held against its digest.
    fn open(&self, blob: &Blob) -> io::Result<Box<dyn Read + Send + '_>> {
        if let Some(made) = self.tree.made.get(&blob.digest) {
            return Ok(Box::new(made.as_slice()));
        }
        // Registries keep manifests elsewhere.
        if self.tree.nodes.iter().any(|node| node.blob == *blob) {
            let bytes = self.source.manifest(blob);
            let bytes = bytes.map_err(|why| io::Error::other(why.to_string()))?;
            return Ok(Box::new(io::Cursor::new(bytes)));
        }
        self.source.open(blob)
    }

    /// The bytes of a manifest or an index, new or kept.
    fn manifest(&self, blob: &Blob) -> Result<Vec<u8>, Refused> {
        match self.tree.made.get(&blob.digest) {
            Some(made) => Ok(made.clone()),
            None => self.source.manifest(blob),
        }
    }

    /// All blobs, new and kept, in order.
    fn blobs(&self) -> impl Iterator<Item = Blob> {
        let made = self.tree.made.iter().map(|(digest, bytes)| Blob {
            digest: digest.clone(),
            size: bytes.len() as u64,
        });
        let mut blobs: Vec<Blob> = made.chain(self.tree.kept.iter().cloned()).collect();
        blobs.sort();
        blobs.into_iter()
    }
}

/// Why an image was not written.
#[derive(Debug, thiserror::Error)]
enum Unwritten {
    #[error("{0}; nothing was changed")]
    Io(#[from] io::Error),
    #[error("what it holds is not what it must be: {0}")]
    Text(#[from] serde_json::Error),
    #[error("other images are in it: name this one by a tag, `oci:DIR:TAG`")]
    Unnamed,
    #[error(
        "an archive of docker holds an image for one platform: choose it with `--platform`, or write `oci-archive:FILE`"
    )]
    Several,
    #[error("{0}")]
    Changed(#[from] WriteError),
}

/// Plans it for all images that were found, each judged by itself. `shown`: what people call them.
///
/// # Errors
/// Where one of them is damaged, or cannot be done; the reason says what to do.
pub(crate) fn plan<'a>(
    found: &'a Found,
    shown: &str,
    wish: &Wish<'_>,
) -> Result<Plan<'a>, Refused> {
    if let Some(why) = found.images.why_none() {
        return Err(Refused::new(why));
    }
    let source = found.source()?;
    let several = found.images.images.len() + found.images.unwanted.len() > 1;
    let mut images = BTreeMap::new();
    let mut unchanged = Vec::new();
    for image in &found.images.images {
        let platform = image.platform.to_string();
        let patched = one(found, &source, image, shown, wish).map_err(|why| match several {
            true => Refused::new(format!(
                "{platform}: {why} (`--platform` takes the others without it)"
            )),
            false => why,
        })?;
        if patched.is_none() {
            unchanged.push(platform);
        }
        images.insert(source.digest(image).clone(), patched);
    }
    let tree = tree::write(&source, &images, wish.name, wish.chosen)?;
    let in_order = found.images.images.iter();
    let in_order = in_order.filter_map(|image| images.remove(source.digest(image)).flatten());
    Ok(Plan {
        images: in_order.collect(),
        source,
        unchanged,
        tree,
        epoch: wish.epoch,
    })
}

fn one(
    found: &Found,
    source: &Source<'_>,
    image: &Image,
    shown: &str,
    wish: &Wish<'_>,
) -> Result<Option<Patched>, Refused> {
    let read = found.read(image, shown)?;
    let digest = source.digest(image);
    let texts = source.texts(image)?;
    let text = Text {
        manifest: &texts.manifest,
        config: &texts.config,
        digest,
    };
    judge::patched(&read, &image.platform.to_string(), text, wish)
}
