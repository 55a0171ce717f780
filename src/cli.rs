//! The command line, as clap reads it. Help texts are what users see first: keep them short.

pub(crate) mod tune;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::finding::Severity;
use crate::report::Format;
use crate::templates::{Goal, PreloadStyle};

/// The name under which standard input is reported where none is given.
pub(crate) const STDIN_FILENAME: &str = "Dockerfile";

/// Find missing and wrong memory-allocator settings of Python services
#[derive(Debug, Parser)]
#[command(version, long_version = env!("MALLOCLINT_LONG_VERSION"), about, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub color: Colour,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look at files and report what is missing or wrong
    Check(Check),
    /// Fix what can be fixed, and say what is left and why
    Fix(Fix),
    /// Show a rule's page: what it finds, why it matters, examples
    Explain {
        /// The rule's id, as reports print it
        rule: String,
    },
    /// Show what was understood of files: what rules see, and what could not be told
    Units {
        /// Files and folders
        #[arg(default_value = ".", value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Measure allocator settings under your own load, and recommend the best (Linux)
    Tune(Box<tune::Tune>),
    /// Keeps a command of `tune`
    #[command(hide = true)]
    TuneKeeper(tune::Keeper),
    /// List all rules
    Rules {
        /// How to print the list
        #[arg(long, value_enum, default_value_t = List::Text)]
        format: List,
    },
}

/// How to print a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum List {
    /// A table
    Text,
    /// A Markdown table
    Markdown,
    /// JSON
    Json,
}

/// What `check` takes.
#[derive(Debug, Args)]
pub struct Check {
    /// Files and folders; `-` reads standard input
    #[arg(default_value = ".", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The format of the report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// The least severity that makes the exit code 1
    #[arg(long, value_enum, default_value_t = FailOn::Warning, value_name = "SEVERITY")]
    pub fail_on: FailOn,
    /// The name under which standard input is reported (manifests that are given none: `stdin.yaml`)
    #[arg(long, value_name = "NAME", default_value = STDIN_FILENAME)]
    pub stdin_filename: String,
    /// Do not show a progress bar
    #[arg(long)]
    pub no_progress: bool,
    /// Print findings only: no notes about skipped files
    #[arg(short, long)]
    pub quiet: bool,
}

/// What `fix` takes.
#[derive(Debug, Args)]
pub struct Fix {
    /// Files and folders; `-` fixes standard input to standard output
    #[arg(default_value = ".", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Write nothing, print what would change as `git apply` takes it
    #[arg(long)]
    pub diff: bool,
    /// Write nothing, exit with 1 if anything would change
    #[arg(long)]
    pub check: bool,
    /// Apply fixes, too, that may change what an image does in ways that were not asked for
    #[arg(long = "unsafe")]
    pub unsafe_too: bool,
    /// Fix findings of this rule only; may be given several times
    #[arg(long, value_name = "RULE")]
    pub only: Vec<String>,
    /// What `LD_PRELOAD` is set to (`soname` where the configuration says nothing else)
    #[arg(long, value_enum, value_name = "FORM")]
    pub preload: Option<PreloadStyle>,
    /// What `MALLOC_CONF` is to be good for where it is set anew (`balanced` where the configuration says nothing else)
    #[arg(long, value_enum, value_name = "GOAL")]
    pub goal: Option<Goal>,
    /// Start jemalloc's background thread again in forked workers: adds a start-up file to the
    /// image's own Python where its server forks and jemalloc is preloaded
    #[arg(long)]
    pub prefork_hook: bool,
    /// Bring jemalloc from this image of Debian or Ubuntu to containers of Kubernetes whose own image is not
    /// built here: by an init container that copies the library
    #[arg(long, value_name = "IMAGE", value_parser = image)]
    pub inject: Option<String>,
    /// The least severity of a finding that is left that makes the exit code 1
    #[arg(long, value_enum, default_value_t = FailOn::Warning, value_name = "SEVERITY")]
    pub fail_on: FailOn,
    /// The name under which standard input is reported (manifests that are given none: `stdin.yaml`)
    #[arg(long, value_name = "NAME", default_value = STDIN_FILENAME)]
    pub stdin_filename: String,
    /// Do not show a progress bar
    #[arg(long)]
    pub no_progress: bool,
    /// Print nothing but errors and the diff
    #[arg(short, long)]
    pub quiet: bool,
}

/// The least severity that makes a run fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Advice, too
    Info,
    /// What is wrong on some platform or clearly harmful
    Warning,
    /// What does not do what is written
    Error,
    /// Findings never do
    Never,
}

impl FailOn {
    /// Whether a finding of that severity makes the run fail.
    #[must_use]
    pub fn fails(self, severity: Severity) -> bool {
        match self {
            Self::Info => true,
            Self::Warning => severity >= Severity::Warning,
            Self::Error => severity >= Severity::Error,
            Self::Never => false,
        }
    }
}

/// A reference to an image.
fn image(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "./:@_-".contains(c);
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("it is no name of an image".into())
    }
}
