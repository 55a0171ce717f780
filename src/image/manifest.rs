//! From what a reference leads to, to the images behind it: one for each platform of an index.

use std::fmt;

use oci_spec::image::{Arch, Descriptor, ImageIndex, ImageManifest, Os};
use serde::Deserialize;

use super::Refused;
use super::config::{Config, Configuration};
use super::digest::Digest;
use super::store::{self, Blob, Root, Store, small};

/// So many layers has no image (Docker's own limit is 127), and so many images no index.
const LAYERS: usize = 1024;
const IMAGES: usize = 256;
/// What a container is started with has no more bytes (no kernel takes four times that, execve(2)), and that of all images of an index together.
const STARTED: usize = 512 << 10;
const CONFIGURED: usize = 8 << 20;
/// So deep an index may stand in another.
const DEPTH: usize = 4;
/// What marks a child of an index that says something of another one, as BuildKit writes it.
const ATTESTATION: &str = "vnd.docker.reference.type";

/// An image for one platform.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) platform: Platform,
    /// The digest of its manifest; an archive of docker has none.
    pub(crate) digest: Option<Digest>,
    /// How many bytes that has.
    pub(super) size: u64,
    /// The digest of its configuration.
    pub(super) id: String,
    pub(super) config: Config,
    /// From below.
    pub(super) layers: Vec<Layer>,
}

/// Where a layer is, and what it has to come to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Layer {
    /// As it is stored.
    Blob(Blob),
    /// A file of the store; the digest is that of what it unpacks to.
    File { name: String, unpacked: Digest },
}

/// What it is made for: `linux/arm64/v8`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Platform {
    pub(crate) os: String,
    pub(crate) architecture: String,
    pub(crate) variant: Option<String>,
}

impl fmt::Display for Platform {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(out, "/{variant}"),
            None => Ok(()),
        }
    }
}

impl Platform {
    fn of(os: &Os, architecture: &Arch, variant: Option<&String>) -> Self {
        Self {
            os: os.to_string(),
            architecture: architecture.to_string(),
            variant: variant.cloned(),
        }
    }

    fn is_wanted(&self, platforms: &[String]) -> bool {
        platforms.is_empty() || platforms.iter().any(|wanted| self.is(wanted))
    }

    /// Whether it is one that was asked for: `linux/arm64` holds all its variants.
    pub(crate) fn is(&self, wanted: &str) -> bool {
        let own = self.to_string();
        let begins = |whole: &str, part: &str| {
            whole
                .strip_prefix(part)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        // What says no variant is the usual one: `linux/arm64/v8`.
        own == wanted || begins(&own, wanted) || begins(wanted, &own)
    }
}

/// What is behind a reference.
#[derive(Debug, Default)]
pub(crate) struct Images {
    pub(crate) images: Vec<Image>,
    /// What is there and is no image, or is not stored here, each with what it is.
    pub(crate) others: Vec<String>,
    /// The platforms of images that nobody wanted.
    pub(crate) unwanted: Vec<Platform>,
    /// How many manifests and indexes were followed, and how many bytes their configurations have.
    followed: usize,
    configured: usize,
}

impl Images {
    /// Why there is none, where there is none.
    pub(crate) fn why_none(&self) -> Option<String> {
        if !self.images.is_empty() {
            return None;
        }
        let there: Vec<String> = self.unwanted.iter().map(ToString::to_string).collect();
        Some(match there.is_empty() {
            true => "no image is stored there".to_owned(),
            false => format!(
                "no image there is for that platform (there are: {})",
                there.join(", ")
            ),
        })
    }
}

/// Finds them all.
///
/// # Errors
/// Where something is missing, damaged, or not what it says.
pub(super) fn images(
    store: &dyn Store,
    root: &Root,
    platforms: &[String],
) -> Result<Images, Refused> {
    let mut found = Images::default();
    match root {
        Root::Saved { config, layers } => found.images.push(saved(store, config, layers.clone())?),
        Root::Blob(blob) => collect(store, blob, (0, platforms), &mut found)?,
    }
    let all = std::mem::take(&mut found.images).into_iter();
    let (wanted, unwanted): (Vec<_>, Vec<_>) =
        all.partition(|image| image.platform.is_wanted(platforms));
    found.images = wanted;
    let unwanted = unwanted.into_iter().map(|image| image.platform);
    found.unwanted.extend(unwanted);
    Ok(found)
}

/// Which of both a blob is; media types are not always said.
#[derive(Deserialize)]
struct Shape {
    manifests: Option<serde::de::IgnoredAny>,
    #[serde(rename = "fsLayers")]
    fs_layers: Option<serde::de::IgnoredAny>,
}

fn collect(
    store: &dyn Store,
    blob: &Blob,
    (depth, platforms): (usize, &[String]),
    found: &mut Images,
) -> Result<(), Refused> {
    let wrong = |error: &dyn fmt::Display| Refused::new(format!("{}: {error}", blob.digest));
    found.followed += 1;
    if found.followed > IMAGES {
        return Err(wrong(&format!("more than {IMAGES} images and indexes")));
    }
    let bytes = store::manifest(store, blob)?;
    let shape: Shape = serde_json::from_slice(&bytes).map_err(|error| wrong(&error))?;
    if shape.fs_layers.is_some() {
        return Err(wrong(
            &"a manifest of version 1, which registries no longer write: pull and push it with a current tool",
        ));
    }
    if shape.manifests.is_none() {
        match image(store, blob, &bytes)? {
            Ok(image) => {
                found.configured += image.config.bytes();
                if found.configured > CONFIGURED {
                    return Err(wrong(
                        &"the configurations of its images are larger than anybody starts",
                    ));
                }
                found.images.push(image);
            }
            // What stands alone was asked for.
            Err(kind) if depth == 0 => {
                return Err(wrong(&format!(
                    "no image: its configuration is of the type `{kind}`"
                )));
            }
            Err(kind) => found
                .others
                .push(format!("{} (of the type `{kind}`)", blob.digest)),
        }
        return Ok(());
    }
    if depth >= DEPTH {
        return Err(wrong(
            &"an index in an index in an index: it is not followed any further",
        ));
    }
    let index: ImageIndex =
        serde_json::from_slice(&bytes).map_err(|error| wrong(&misread(&error)))?;
    for child in index.manifests() {
        if found.images.len() + found.others.len() >= IMAGES {
            return Err(wrong(&format!("more than {IMAGES} images")));
        }
        if let Some(what) = no_image(child) {
            found.others.push(what);
            continue;
        }
        let platform = child.platform().as_ref();
        let platform = platform.map(|platform| {
            Platform::of(
                platform.os(),
                platform.architecture(),
                platform.variant().as_ref(),
            )
        });
        if let Some(platform) = platform.clone().filter(|own| !own.is_wanted(platforms)) {
            found.unwanted.push(platform);
            continue;
        }
        let blob = blob_of(child)?;
        // `docker save` may bring the index, and the image of this machine's platform alone.
        if platform.is_some() && !store.has(&blob) {
            let platform = platform
                .map(|platform| platform.to_string())
                .unwrap_or_default();
            found.others.push(format!(
                "{} ({platform}, which is not stored here)",
                blob.digest
            ));
            continue;
        }
        collect(store, &blob, (depth + 1, platforms), found)?;
    }
    Ok(())
}

fn misread(error: &serde_json::Error) -> String {
    format!("a digest, a size or a type in it is not what it must be: {error}")
}

/// What a child of an index is that is no image.
fn no_image(child: &Descriptor) -> Option<String> {
    let annotations = child.annotations().as_ref();
    let kind = annotations.and_then(|all| all.get(ATTESTATION));
    if let Some(kind) = kind {
        return Some(format!("{} ({kind})", child.digest()));
    }
    let platform = child.platform().as_ref()?;
    let unknown = platform.os().to_string() == "unknown";
    unknown.then(|| format!("{} (of no platform that is known)", child.digest()))
}

fn blob_of(descriptor: &Descriptor) -> Result<Blob, Refused> {
    let text = descriptor.digest().to_string();
    let digest = Digest::parse(&text)
        .ok_or_else(|| Refused::new(format!("`{text}` is no digest of SHA-256 or SHA-512")))?;
    let size = descriptor.size();
    Ok(Blob { digest, size })
}

/// Of what is no image the type of its configuration stands inside.
fn image(store: &dyn Store, blob: &Blob, bytes: &[u8]) -> Result<Result<Image, String>, Refused> {
    let wrong = |error: &dyn fmt::Display| Refused::new(format!("{}: {error}", blob.digest));
    let manifest: ImageManifest =
        serde_json::from_slice(bytes).map_err(|error| wrong(&misread(&error)))?;
    let kind = manifest.config().media_type().to_string();
    // What is no image has a configuration of its own kind: charts, signatures, models.
    if !kind.contains("image") && !kind.contains("container") {
        return Ok(Err(kind));
    }
    let config = store::config(store, &blob_of(manifest.config())?)?;
    let layers = manifest.layers().iter().map(|layer| {
        let kind = layer.media_type().to_string();
        if kind.contains("encrypted") {
            return Err(wrong(&"its layers are encrypted"));
        }
        blob_of(layer)
    });
    let blobs = layers.collect::<Result<Vec<_>, Refused>>()?;
    // What is stored as it is promised need not be checked twice.
    let layers = |_: Vec<Digest>| blobs.into_iter().map(Layer::Blob).collect();
    let image = configured(&config, manifest.layers().len(), layers)?;
    Ok(Ok(Image {
        digest: Some(blob.digest.clone()),
        size: blob.size,
        ..image
    }))
}

fn saved(store: &dyn Store, config: &str, names: Vec<String>) -> Result<Image, Refused> {
    let (mut reader, _) = store
        .file(config)
        .map_err(|_| Refused::new(format!("`{config}` is not there")))?;
    let bytes = small(&mut reader, config)?;
    let layers = names.len();
    configured(&bytes, layers, |unpacked| {
        let pairs = names.into_iter().zip(unpacked);
        pairs
            .map(|(name, unpacked)| Layer::File { name, unpacked })
            .collect()
    })
}

/// An image with another configuration, and perhaps one more layer on top.
///
/// # Errors
/// Where the configuration is not one of such an image.
pub(super) fn changed(image: &Image, config: &[u8], layer: Option<Blob>) -> Result<Image, Refused> {
    let own = image.layers.iter().cloned();
    let layers: Vec<Layer> = own.chain(layer.map(Layer::Blob)).collect();
    configured(config, layers.len(), |_| layers)
}

/// What a configuration says of an image with so many layers. `layers`: makes them from the digests that it promises.
fn configured(
    bytes: &[u8],
    number: usize,
    layers: impl FnOnce(Vec<Digest>) -> Vec<Layer>,
) -> Result<Image, Refused> {
    let told: Configuration = serde_json::from_slice(bytes)
        .map_err(|error| Refused::new(format!("the configuration: {error}")))?;
    let config = told.config.unwrap_or_default();
    if config.bytes() > STARTED {
        return Err(Refused::new(format!(
            "the configuration: its variables and commands have more than {STARTED} bytes: nothing starts with them"
        )));
    }
    let unpacked = told.rootfs.diff_ids.unwrap_or_default();
    if number > LAYERS {
        return Err(Refused::new(format!("it has more than {LAYERS} layers")));
    }
    if unpacked.len() != number {
        return Err(Refused::new(format!(
            "the configuration names {} layers, and {number} are there",
            unpacked.len(),
        )));
    }
    let unpacked = unpacked.into_iter().map(Digest::try_from);
    let unpacked = unpacked.collect::<Result<_, _>>().map_err(Refused::new)?;
    Ok(Image {
        platform: Platform {
            os: told.os,
            architecture: told.architecture,
            variant: told.variant.filter(|variant| !variant.is_empty()),
        },
        digest: None,
        size: 0,
        id: Digest::of(bytes).to_string(),
        config,
        layers: layers(unpacked),
    })
}
