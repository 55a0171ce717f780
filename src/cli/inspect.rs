//! What `inspect` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What `inspect` takes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  malloclint inspect 41
  malloclint inspect 41 --tree --map
  malloclint inspect 41 --tree --watch 10m --csv growth.csv --html growth.html
  malloclint inspect 41 --tree --suggest
  malloclint inspect 41 --tree --format patch --file Dockerfile

Everything is read from /proc: nothing is stopped, nothing is written, no code runs in the process.
Exit code 2: a process could not be read; what can be said of it is said.")]
pub struct Inspect {
    /// The processes; without one, every process here that runs Python and may be read
    #[arg(value_name = "PID")]
    pub pids: Vec<u32>,
    /// Those that descend from them, too: the workers of a server
    #[arg(long, requires = "pids", conflicts_with_all = ["all", "container"])]
    pub tree: bool,
    /// Every process that runs Python and may be read, as without a PID
    #[arg(long, conflicts_with = "pids")]
    pub all: bool,
    /// Those that run Python in the PID namespace of PID; without one, in that of this program
    #[arg(long, conflicts_with = "all")]
    pub container: bool,
    /// Look again and again for so long, and say what grows: `10m`
    #[arg(long, value_name = "TIME", help_heading = "Over time")]
    pub watch: Option<String>,
    /// How often; without it thirty times, and not more than once a second
    #[arg(
        long,
        value_name = "TIME",
        requires = "watch",
        help_heading = "Over time"
    )]
    pub every: Option<String>,
    /// Write each look as a line
    #[arg(
        long,
        value_name = "FILE",
        requires = "watch",
        help_heading = "Over time"
    )]
    pub csv: Option<PathBuf>,
    /// Show the heaps as a map: how much of each piece is in use
    #[arg(long, help_heading = "Output")]
    pub map: bool,
    /// Write one page with pictures
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub html: Option<PathBuf>,
    /// Print what to set instead, as `ENV` of a Dockerfile or `env:` of a manifest
    #[arg(
        long,
        value_enum,
        value_name = "FORM",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "dockerfile",
        conflicts_with_all = ["format", "map", "watch"],
        help_heading = "Output"
    )]
    pub suggest: Option<Suggest>,
    /// With `--format patch`: the Dockerfile or manifest that starts the processes
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub file: Option<PathBuf>,
    /// For people, for machines, or as a patch
    #[arg(long, value_enum, default_value_t = InspectFormat::Human, value_name = "FORMAT", help_heading = "Output")]
    pub format: InspectFormat,
}

/// How `inspect` reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InspectFormat {
    /// Text
    Human,
    /// JSON, version 1
    Json,
    /// What `malloclint fix` would change in `--file`, with what was seen as evidence
    Patch,
}

/// Where the settings go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Suggest {
    /// `ENV` lines
    Dockerfile,
    /// Entries of `env:`
    Kubernetes,
}
