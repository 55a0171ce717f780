//! Base images: what a reference such as `python:3.12-slim` says about the image it names.
//!
//! The data is `images/*.toml`. This module never asks a registry: what a moving tag pointed at is
//! derived from the history of the tag's publisher and marked as assumed. A reference that the
//! data does not know is `None`, never a guess; `myorg/python` is not the official image.

mod reference;
mod resolve;
mod schema;
mod tag;

use super::data::{Date, Table};
use super::distros::Release;
use super::terms::{Arch, Family, Libc, Manager};

use reference::Reference;
use schema::{Entry, File};

/// What is known of an image from its name alone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state"
)]
pub(crate) struct Image {
    /// The family of images that matched: `python`, `uv`, `ubi`...
    pub name: String,
    /// The distribution's release.
    pub release: Option<&'static Release>,
    /// Whether `release` follows from a moving tag, not from the name itself.
    pub release_is_assumed: bool,
    /// The architecture, where repository or tag pin one: `arm64v8/python`.
    pub arch: Option<Arch>,
    /// The C library; may be known where the release is not.
    pub libc: Option<Libc>,
    /// The Python that the image brings.
    pub python: Python,
    /// Where that Python is installed: `/usr/local`, `/opt/conda`, `/usr`.
    pub python_prefix: Option<String>,
    /// The default user when it is not root.
    pub user: Option<String>,
    /// The package manager; see `bare` for what `None` means.
    pub manager: Option<Manager>,
    /// Known to have no package manager, mostly no shell either.
    pub bare: bool,
    /// Directories that the loader searches here beyond the release's own.
    pub extra_dirs: Vec<String>,
    /// Allocators that the image brings.
    pub libraries: Vec<Preinstalled>,
    /// Allocator settings that the image itself makes.
    pub env: Vec<(String, String)>,
    /// How its entrypoint replaces `LD_PRELOAD`, where it does.
    pub overwrites_preload: Option<String>,
    /// It does so under a condition that `overwrites_preload` names.
    pub overwrites_sometimes: bool,
    /// The commands whose start does it; where there are none, its entrypoint does, whatever it starts.
    pub overwrites_in: Vec<String>,
    /// How its own preload is chosen or turned off, for people.
    pub switch: Option<String>,
    /// Variables that turn it off: name and the value that does, `*` for any.
    pub switched_off_by: Vec<(String, String)>,
    /// Libraries that a C++ built `.so` needs and this image lacks.
    pub lacks: Vec<String>,
    /// Whether `lacks` was checked on an image, not inferred from how it is built.
    pub lacks_is_verified: bool,
    /// The default command or entrypoint, where it tells something.
    pub command: Option<Vec<String>>,
    /// It is an entrypoint that runs a program: what a `CMD` of others says are its arguments.
    pub takes_cmd: bool,
    /// What the image is for.
    pub role: ImageRole,
    /// Whether the default command is a server that runs for long.
    pub service: bool,
    /// A Windows image: nothing of this tool applies.
    pub windows: bool,
    /// It brings more libraries and settings than any list names: what is not known to be there
    /// may be there all the same.
    pub crowded: bool,
    /// Nobody read all of its package list: it may bring an allocator that is not listed.
    pub open: bool,
    /// The source of these facts.
    pub source: String,
}

/// Whether an image brings Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Python {
    /// It does; the version where the name tells it, `(3, 12)`.
    Yes {
        /// Major and minor version.
        version: Option<(u8, u8)>,
    },
    /// It is made for something else. A Python that its distribution needs for itself or that
    /// a Dockerfile installs later does not count.
    No,
    /// Both occur.
    Unknown,
}

/// What an image is made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ImageRole {
    /// To run programs in.
    #[default]
    Runtime,
    /// To build in or to copy tools from: compilers, SDKs, the bare uv image.
    BuildTool,
    /// Interactive notebooks and development containers.
    Notebook,
    /// A command that does one thing and ends.
    OneShot,
}

/// An allocator that an image brings.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Preinstalled {
    /// What it is.
    pub family: Family,
    /// The package that brought it.
    pub package: Option<String>,
    /// Where it lies; may contain `{triplet}`.
    pub path: String,
}

/// The files in the order they are searched; the commonest bases first.
static FILES: [Table<File>; 7] = [
    Table::new(include_str!("images/python.toml")),
    Table::new(include_str!("images/systems.toml")),
    Table::new(include_str!("images/conda.toml")),
    Table::new(include_str!("images/learning.toml")),
    Table::new(include_str!("images/platforms.toml")),
    Table::new(include_str!("images/servers.toml")),
    Table::new(include_str!("images/others.toml")),
];

/// What the image reference of a `FROM`, `image:` or `--from=` says. `today` is the day on which
/// moving tags are read; without it they are read as of the newest data.
///
/// Variables may be left in the tag: `python:${V}-slim-bookworm` still names Debian 12.
#[must_use]
pub(crate) fn image(reference: &str, today: Option<Date>) -> Option<Image> {
    let reference = Reference::parse(reference)?;
    let hit = |file: &'static Table<File>| {
        let file = file.get();
        let entry = file
            .image
            .iter()
            .find(|entry| entry.describes(&reference))?;
        Some(resolve::resolve(file, entry, &reference, today))
    };
    FILES.iter().find_map(hit)
}

impl Entry {
    /// Whether the entry is about the image of `reference`.
    fn describes(&self, reference: &Reference<'_>) -> bool {
        let tag = reference.tag.unwrap_or_default();
        let has = |prefix: &str| tag::split(tag).iter().any(|word| word.starts_with(prefix));
        self.at
            .iter()
            .any(|pattern| matches(pattern, &reference.repository))
            && (self.only.is_empty() || self.only.iter().any(has))
    }
}

/// Whether `pattern`, in which each `*` stands for any run of characters but `/`, is `text`.
fn matches(pattern: &str, text: &str) -> bool {
    // Hundreds of patterns are asked for each image: most begin otherwise.
    let first = |text: &str| text.as_bytes().first().copied();
    if first(pattern) != first(text) && first(pattern) != Some(b'*') {
        return false;
    }
    let mut parts = text.split('/');
    pattern
        .split('/')
        .all(|pattern| parts.next().is_some_and(|part| part_matches(pattern, part)))
        && parts.next().is_none()
}

/// Whether the image of `reference` is in one of the repositories.
#[must_use]
pub(super) fn is_at<'p>(reference: &str, mut repositories: impl Iterator<Item = &'p str>) -> bool {
    Reference::parse(reference).is_some_and(|reference| {
        repositories.any(|pattern| matches(pattern, &reference.repository))
    })
}

/// Whether `pattern`, in which one `*` stands for any run of characters, is `part`.
#[must_use]
pub(super) fn part_matches(pattern: &str, part: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == part;
    };
    part.len() >= head.len() + tail.len() && part.starts_with(head) && part.ends_with(tail)
}

#[cfg(test)]
mod tests;
