//! What `image` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{FormatParser, Output, Selection};
use crate::finding::Confidence;
use crate::policy::{FailOn, RuleNames};
use crate::report::Show;
use crate::templates::Goal;

/// What is done with built images.
#[derive(Debug, Subcommand)]
pub enum Image {
    /// Look at built images: the same rules, on the files and the configuration that are really there
    Check(ImageCheck),
    /// Bring jemalloc into a built image: one layer and two variables more, without a Dockerfile or an engine
    Patch(ImagePatch),
}

/// What `image check` takes.
#[derive(Debug, Args)]
pub struct ImageCheck {
    /// `docker://NAME` (a registry), `docker-daemon:NAME` (the engine here), `oci:DIR:TAG`, `oci-archive:FILE`,
    /// `docker-archive:FILE` (what `docker save` writes), as skopeo names them
    #[arg(required_unless_present = "from", value_name = "IMAGE")]
    pub images: Vec<String>,
    /// Check the images of this list, too: one name per line, as clusters print them (`acme/api:1.4`); `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Only the image for this platform: `linux/arm64`; may be given several times
    #[arg(long, value_name = "PLATFORM")]
    pub platform: Vec<String>,
    /// The format of the report, and where it goes; may be given several times
    #[arg(long = "format", value_name = "FORMAT[=FILE]", value_parser = FormatParser)]
    pub formats: Vec<Output>,
    /// The least severity that makes the exit code 1 (`warning` where the configuration says nothing else)
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// List behind the report what was looked at and what came of it (format `human`)
    #[arg(long, value_enum, value_name = "WHAT")]
    pub show: Option<Show>,
    /// Write no notes to standard error
    #[arg(short, long)]
    pub quiet: bool,
    /// How images that are elsewhere are fetched
    #[command(flatten)]
    pub fetch: Fetch,
    /// Which rules
    #[command(flatten)]
    pub rules: ImageRules,
}

/// What `image patch` takes.
#[derive(Debug, Args)]
pub struct ImagePatch {
    /// The image, as `image check` names it: `docker://NAME`, `docker-daemon:NAME`, `oci:DIR:TAG`, `oci-archive:FILE`, `docker-archive:FILE`
    pub image: String,
    /// Where the patched image goes: `docker://NAME:TAG` (a registry), `docker-daemon:NAME` (the engine here), `oci:DIR:TAG` (other images
    /// in that folder stay), `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:NAME]`
    #[arg(short, long, value_name = "DEST", required_unless_present = "dry_run")]
    pub output: Option<String>,
    /// The package of Debian or Ubuntu for an image that has no jemalloc (`libjemalloc2_….deb`), or a folder of them; once for each
    /// architecture. It is listed among the image's packages. Without it the image's own apt says where the package comes from, and who
    /// must have signed it
    #[arg(long, value_name = "FILE|DIR")]
    pub deb: Vec<PathBuf>,
    /// The same from a library alone (`libjemalloc.so.2`), for any image
    #[arg(long, value_name = "FILE")]
    pub library: Vec<PathBuf>,
    /// What `MALLOC_CONF` is to be good for where it is not set
    #[arg(long, value_enum, value_name = "GOAL", default_value_t = Goal::Balanced)]
    pub goal: Goal,
    /// Bring the thread hook, too: jemalloc's background thread in Python processes, as `fix --thread-hook` does it in a Dockerfile
    #[arg(long)]
    pub thread_hook: bool,
    /// Only the image for this platform: `linux/arm64`; may be given several times
    #[arg(long, value_name = "PLATFORM")]
    pub platform: Vec<String>,
    /// Write nothing, print what would change
    #[arg(long)]
    pub dry_run: bool,
    /// Do it although a program of the image may not live with it, or its start may undo it
    #[arg(long = "unsafe")]
    pub unsafe_too: bool,
    /// Write no notes to standard error
    #[arg(short, long)]
    pub quiet: bool,
    /// Keep what is fetched in this folder, by its digest
    #[arg(long, value_name = "FOLDER", help_heading = "Registries")]
    pub cache: Option<PathBuf>,
    /// How registries are spoken to
    #[command(flatten)]
    pub registry: Registry,
}

/// How images that are elsewhere are fetched.
#[derive(Debug, Args)]
#[command(next_help_heading = "Registries")]
pub struct Fetch {
    /// Keep what is fetched in this folder, by its digest: the next run fetches only what is new, and continues where this one stopped
    #[arg(long, value_name = "FOLDER")]
    pub cache: Option<PathBuf>,
    /// Number of images to check in parallel
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub jobs: u8,
    /// How they are spoken to
    #[command(flatten)]
    pub registry: Registry,
}

/// How registries are spoken to.
#[derive(Debug, Args)]
#[command(next_help_heading = "Registries")]
pub struct Registry {
    /// Give up when a server sends nothing for this many seconds (five attempts)
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub timeout: u16,
    /// Allow plain HTTP and untrusted certificates; registries on this machine may always use plain HTTP
    #[arg(long)]
    pub insecure: bool,
}

/// Which rules are asked of images.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rules")]
pub struct ImageRules {
    /// Only these rules, whatever the configuration says: names, patterns as `preload-*`, or `all`
    #[arg(long, value_name = "RULES", value_delimiter = ',', value_parser = RuleNames::read)]
    pub select: Vec<RuleNames>,
    /// Not these rules, beside those that the configuration leaves out
    #[arg(long, value_name = "RULES", value_delimiter = ',', value_parser = RuleNames::read)]
    pub ignore: Vec<RuleNames>,
    /// Take this configuration, whatever lies in this folder
    #[arg(long, value_name = "FILE", conflicts_with = "isolated")]
    pub config: Option<PathBuf>,
    /// Take no configuration
    #[arg(long)]
    pub isolated: bool,
    /// Report only findings with at least this confidence
    #[arg(long, value_enum, value_name = "CONFIDENCE")]
    pub min_confidence: Option<Confidence>,
    /// Report what the configuration ignores, too
    #[arg(long)]
    pub no_ignores: bool,
}

impl ImageRules {
    /// The same as other commands have it.
    #[must_use]
    pub fn selection(&self) -> Selection {
        Selection {
            select: self.select.clone(),
            ignore: self.ignore.clone(),
            config: self.config.clone(),
            isolated: self.isolated,
            min_confidence: self.min_confidence,
            no_ignores: self.no_ignores,
            ..Selection::default()
        }
    }

    /// Whether fewer findings are reported than there are.
    #[must_use]
    pub const fn narrows(&self) -> bool {
        !self.select.is_empty() || !self.ignore.is_empty() || self.min_confidence.is_some()
    }
}
