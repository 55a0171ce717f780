//! The shape of `images/*.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::data::{Date, Names, Pairs};
use super::super::terms::{Arch, Libc};
use super::{ImageRole, Preinstalled};

/// One file of images.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) image: Vec<Entry>,
    /// CPython series: which patch release was last built on which suite.
    #[serde(default)]
    pub(super) series: Vec<Series>,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    #[serde(default)]
    pub(super) series_source: String,
}

/// A family of images that share their facts.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Entry {
    /// Empty = the last part of the repository.
    pub(super) name: String,
    /// Repositories, under Docker Hub's name for its own; one `*` stands for a run without `/`.
    pub(super) at: Names,
    /// Only for tags with a word that begins with one of these.
    pub(super) only: Names,
    /// Where the facts come from.
    pub(super) source: String,

    /// The tag is a release of this distribution.
    pub(super) distro: Option<String>,
    /// Words of the tag whose release moves or cannot be read off: word to release or schedule.
    pub(super) moving: Pairs,
    /// Release or schedule by the tag's version: the last whose version is not above it.
    pub(super) versions: Pairs,
    /// Release or schedule of a tag that names none.
    pub(super) default: Option<String>,
    /// Release or schedule of the bare word `alpine`.
    pub(super) alpine: Option<String>,
    /// Fixed releases of `versions` and `default` are inferred, not stated by the publisher.
    pub(super) assumed: bool,
    /// The repository's own name states the release: `ubi9/python-311`.
    pub(super) path_names_release: bool,
    /// The day of the last publication under this name.
    pub(super) ended: Option<Date>,
    /// Tags follow the patch releases of CPython, see `series`.
    pub(super) cpython: bool,
    /// The C library of tags that name no release.
    pub(super) libc: Option<Libc>,
    /// The image brings that C library whatever its distribution has.
    pub(super) libc_is_fixed: bool,

    /// Where the Python version stands: `tag`, `dotted`, `word`, `path`; or `yes`, `no`,
    /// `unknown`, or a version; left out = `no`.
    pub(super) python: String,
    pub(super) prefix: Option<String>,
    pub(super) user: Option<String>,
    /// A manager's name, or `none`.
    pub(super) manager: Option<String>,
    pub(super) dirs: Vec<String>,
    pub(super) libraries: Vec<Preinstalled>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) overwrites_preload: Option<String>,
    /// It does so under a condition that `overwrites_preload` names.
    pub(super) overwrites_sometimes: bool,
    /// The commands whose start does it: nothing happens to an image with another command. Empty =
    /// its entrypoint does, whatever it starts.
    pub(super) overwrites_in: Vec<String>,
    /// How its own preload is chosen or turned off, in words for people.
    pub(super) switch: Option<String>,
    /// Variables that turn it off: name and the value that does, `*` for any, even an empty one.
    pub(super) switched_off_by: BTreeMap<String, String>,
    pub(super) lacks: Vec<String>,
    pub(super) lacks_verified: bool,
    pub(super) command: Option<Vec<String>>,
    /// `command` is an ENTRYPOINT: what a `CMD` says are its arguments.
    pub(super) takes_cmd: bool,
    pub(super) role: ImageRole,
    pub(super) service: bool,
    pub(super) windows: bool,
    /// The only architecture that it is built for.
    pub(super) arch: Option<Arch>,
    /// It brings more than any list names: what is not known to be there may be, settings included, so
    /// that nothing is called missing. For images with a preload of their own that cannot be told from the
    /// name, and for those with hundreds of packages.
    pub(super) crowded: bool,
    /// Nobody read all of its package list. It may bring an allocator that is not listed, so that none is
    /// called absent; but what is listed is there, and where it is known to lie. Weaker than `crowded`:
    /// settings that are missing or wrong are still told. Left out = the list is known to be complete for
    /// allocators: what neither `libraries` nor the Dockerfile brings is not there.
    pub(super) open: bool,
    /// What a word of the tag changes.
    pub(super) when: Vec<When>,
}

/// What differs for tags that have one of these words (or are one of these whole tags).
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct When {
    pub(super) word: Vec<String>,
    pub(super) user: Option<String>,
    pub(super) manager: Option<String>,
    pub(super) libc: Option<Libc>,
    pub(super) python: Option<String>,
    pub(super) role: Option<ImageRole>,
    pub(super) service: Option<bool>,
}

/// One CPython series as the official images built it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Series {
    /// `3.9`.
    pub(super) version: String,
    /// The day of the last rebuild; none while the series is alive.
    pub(super) ended: Option<Date>,
    /// First patch release whose last build has that Debian release.
    pub(super) debian: Pairs,
    /// The same for Alpine.
    pub(super) alpine: Pairs,
    /// The newest patch release known here.
    pub(super) newest: u32,
}
