//! What `image` takes.

use clap::{Args, Subcommand};

use super::{FormatParser, Output, Selection};
use crate::policy::FailOn;
use crate::report::Show;

/// What is done with built images.
#[derive(Debug, Subcommand)]
pub enum Image {
    /// Look at built images: the same rules, on the files and the configuration that are really there
    Check(ImageCheck),
}

/// What `image check` takes.
#[derive(Debug, Args)]
pub struct ImageCheck {
    /// `oci:DIR:TAG`, `oci-archive:FILE`, `docker-archive:FILE` (what `docker save` writes), as skopeo names them
    #[arg(required = true, value_name = "IMAGE")]
    pub images: Vec<String>,
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
    /// Which rules
    #[command(flatten)]
    pub selection: Selection,
}
