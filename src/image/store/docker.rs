//! What `docker save` writes: `manifest.json` names configurations and layers (moby, image/tarexport). Newer ones hold a layout of OCI, too.

use std::io::{self, Read};

use serde::Deserialize;

use super::archive::Archive;
use super::{Blob, Refused, Root, Store, path_of, sized, small};

/// An archive of `docker save`.
pub(super) struct Saved(pub(super) Archive);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Image {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

impl Image {
    fn tags(&self) -> impl Iterator<Item = &str> {
        self.repo_tags.iter().flatten().map(String::as_str)
    }

    /// Whether it has that name, in full or as docker shortens it: without a tag the latest is meant.
    fn is_called(&self, name: &str) -> bool {
        let short = |name: &str| {
            let name = name.strip_prefix("docker.io/").unwrap_or(name);
            let name = name.strip_prefix("library/").unwrap_or(name);
            let last = name.rsplit('/').next().unwrap_or_default();
            let tag = if last.contains([':', '@']) {
                ""
            } else {
                ":latest"
            };
            format!("{name}{tag}")
        };
        self.tags().any(|tag| short(tag) == short(name))
    }
}

impl Store for Saved {
    fn root(&self, name: Option<&str>) -> Result<Root, Refused> {
        let shown = self.0.shown();
        let (mut reader, _) = self.0.file("manifest.json").map_err(|_| {
            Refused::new(format!(
                "{shown}: it has no manifest.json, so `docker save` did not write it"
            ))
        })?;
        let bytes = small(&mut reader, "manifest.json")?;
        let images: Vec<Image> = serde_json::from_slice(&bytes)
            .map_err(|error| Refused::new(format!("{shown}: manifest.json: {error}")))?;
        let found = match name {
            Some(name) => images.iter().find(|image| image.is_called(name)),
            None if images.len() == 1 => images.first(),
            None => None,
        };
        let Some(image) = found else {
            let tags = images.iter().flat_map(Image::tags);
            let tags: Vec<String> = tags.map(|tag| format!("`{tag}`")).collect();
            let what = match name {
                Some(name) => format!("no image there is called `{name}`"),
                None if images.is_empty() => {
                    return Err(Refused::new(format!("{shown}: no image is there")));
                }
                None => format!("{} images are there: name one", images.len()),
            };
            let tags = tags.join(", ");
            return Err(Refused::new(format!("{shown}: {what} (names: {tags})")));
        };
        Ok(Root::Saved {
            config: image.config.clone(),
            layers: image.layers.clone(),
        })
    }

    fn blob(&self, blob: &Blob) -> io::Result<Box<dyn Read + Send + '_>> {
        sized(blob, self.0.file(&path_of(&blob.digest))?)
    }

    fn has(&self, blob: &Blob) -> bool {
        self.0.file(&path_of(&blob.digest)).is_ok()
    }

    fn file(&self, name: &str) -> io::Result<(Box<dyn Read + Send + '_>, u64)> {
        let (reader, size) = self.0.file(name)?;
        Ok((reader, size))
    }
}
