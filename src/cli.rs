//! The command line, as clap reads it. Help texts are what users see first: keep them short.

pub(crate) mod build;
pub(crate) mod image;
pub(crate) mod inspect;
pub(crate) mod tune;
mod values;

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::finding::Confidence;
use crate::policy::{FailOn, RuleNames};
use crate::report::{Lines, Show, harmless};
use crate::templates::{Goal, PreloadStyle};
pub(crate) use values::{FormatParser, Output};

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

impl Cli {
    /// Reads the command line; what is wrong with it is told, and gives the exit code.
    ///
    /// # Errors
    /// The exit code, where there is nothing to run.
    pub fn read(
        arguments: impl IntoIterator<Item = OsString>,
        err: &mut dyn io::Write,
    ) -> Result<Self, ExitCode> {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let path = arguments.get(1).map(PathBuf::from);
        Self::try_parse_from(&arguments).map_err(|mut error| {
            if error.kind() == ErrorKind::InvalidSubcommand
                && let Some(path) = path.filter(|path| path.exists())
            {
                // The path of what is to be looked at stands where the command belongs.
                let shown = path.display();
                let tip = format!("to look at it: malloclint check {shown}");
                let tip = ContextValue::StyledStrs(vec![tip.into()]);
                error.insert(ContextKind::Suggested, tip);
                error.remove(ContextKind::SuggestedSubcommand);
            }
            let code = error.exit_code();
            let _ = print(&error, &arguments, err);
            ExitCode::from(u8::try_from(code).unwrap_or(2))
        })
    }
}

/// Prints what is wrong. The names of files may stand in it, and those may hold anything.
fn print(error: &clap::Error, arguments: &[OsString], err: &mut dyn io::Write) -> io::Result<()> {
    let mut texts = arguments.iter().map(|argument| argument.to_string_lossy());
    if texts.all(|text| matches!(harmless(&text), Cow::Borrowed(_)) && !text.contains('\n')) {
        return error.print();
    }
    let mut lines = Lines::to(err);
    write!(lines, "{}", error.render())?;
    lines.flush()
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
    /// Set a project up: a configuration, hooks for pre-commit, a workflow for GitHub Actions
    Init {
        /// Write nothing, print what would change
        #[arg(long)]
        diff: bool,
    },
    /// Show a rule's page, or say what a line of a log means
    Explain {
        /// The rule's id, as reports print it; or a line of a log; `-` reads a whole log
        #[arg(required = true, value_name = "RULE|LINE", allow_hyphen_values = true)]
        what: Vec<String>,
    },
    /// Say of live processes whether they leak, or their allocator keeps memory (Linux, from /proc alone)
    Inspect(inspect::Inspect),
    /// Reads one process for an `inspect` of another user
    #[command(hide = true)]
    InspectReading {
        /// The process
        pid: u32,
        /// Only say whether it runs Python
        #[arg(long)]
        whether_python: bool,
    },
    /// Look at built images, and bring jemalloc into them
    #[command(subcommand)]
    Image(image::Image),
    /// Fix the Dockerfile, build it with your container engine, and check the image: in place of `docker build`
    Build(Box<build::Build>),
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
    /// The format of the report, and where it goes; may be given several times
    ///
    /// Inside GitHub Actions it is `github` where nothing is said, else `human`.
    #[arg(long = "format", value_name = "FORMAT[=FILE]", value_parser = FormatParser)]
    pub formats: Vec<Output>,
    /// Write the report to this file, not to standard output
    #[arg(long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
    /// The least severity that makes the exit code 1 (`warning` where the configuration says nothing else)
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// The name under which standard input is reported (manifests that are given none: `stdin.yaml`)
    #[arg(long, value_name = "NAME", default_value = STDIN_FILENAME)]
    pub stdin_filename: String,
    /// Print how many findings each rule has, not the findings
    #[arg(long)]
    pub statistics: bool,
    /// Print the files that would be checked, and check none
    #[arg(long)]
    pub show_files: bool,
    /// List behind the report what was looked at and what came of it (format `human`)
    #[arg(long, value_enum, value_name = "WHAT")]
    pub show: Option<Show>,
    /// Report only what this file does not know
    #[arg(long, value_name = "FILE", conflicts_with = "write_baseline")]
    pub baseline: Option<PathBuf>,
    /// Write what is found to this file, for `--baseline`, and report nothing
    #[arg(long, value_name = "FILE")]
    pub write_baseline: Option<PathBuf>,
    /// Report only what this revision does not have (needs git)
    #[arg(long, value_name = "REVISION", conflicts_with = "write_baseline")]
    pub changed_since: Option<String>,
    /// Take a report of `inspect --format json` as evidence: with a path for the services of that file, without one for the only service
    /// that starts what the report saw; may be given several times
    #[arg(long, value_name = "[PATH=]REPORT", value_parser = evidence)]
    pub evidence: Vec<Evidence>,
    /// Findings never make the exit code 1
    #[arg(long)]
    pub exit_zero: bool,
    /// Do not show a progress bar
    #[arg(long)]
    pub no_progress: bool,
    /// Print findings only: no notes about skipped files
    #[arg(short, long)]
    pub quiet: bool,
    /// Which rules and files
    #[command(flatten)]
    pub selection: Selection,
    /// Said to write nothing: `malloclint fix` fixes
    #[arg(long, hide = true)]
    pub fix: bool,
    /// The same
    #[arg(long = "unsafe", hide = true)]
    pub unsafe_too: bool,
}

/// Which rules and files, for every command that looks at some.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Rules and files")]
pub struct Selection {
    /// Only these rules, whatever the configuration says: names, patterns as `preload-*`, or `all`
    #[arg(long, value_name = "RULES", value_delimiter = ',', value_parser = RuleNames::read)]
    pub select: Vec<RuleNames>,
    /// Not these rules, beside those that the configuration leaves out
    #[arg(long, value_name = "RULES", value_delimiter = ',', value_parser = RuleNames::read)]
    pub ignore: Vec<RuleNames>,
    /// Pass over files and folders like this, as in `.gitignore`; may be given several times
    #[arg(long, value_name = "PATTERN")]
    pub exclude: Vec<String>,
    /// Of files that are named, too, take only those that a search would take: for hooks
    #[arg(long)]
    pub force_exclude: bool,
    /// Take this configuration, whatever lies beside the files
    #[arg(long, value_name = "FILE", conflicts_with = "isolated")]
    pub config: Option<PathBuf>,
    /// Take no configuration
    #[arg(long)]
    pub isolated: bool,
    /// Read nothing outside of this folder but what is named [default: the work tree around what is named]
    #[arg(long, value_name = "FOLDER")]
    pub root: Option<PathBuf>,
    /// Report only what is at least so sure
    #[arg(long, value_enum, value_name = "CONFIDENCE")]
    pub min_confidence: Option<Confidence>,
    /// Report what comments and the configuration ignore, too
    #[arg(long)]
    pub no_ignores: bool,
}

/// What `fix` takes.
#[derive(Debug, Args)]
pub struct Fix {
    /// Files and folders; `-` fixes standard input to standard output
    #[arg(default_value = ".", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Write nothing, print what would change as `git apply` takes it, exit with 1 if anything would
    #[arg(long)]
    pub diff: bool,
    /// Write nothing, exit with 1 if anything would change
    #[arg(long)]
    pub check: bool,
    /// Apply fixes, too, that may change what an image does in ways that were not asked for
    #[arg(long = "unsafe")]
    pub unsafe_too: bool,
    /// Take advice, too: bring jemalloc to services of which nothing says that their memory grows
    #[arg(long)]
    pub advice: bool,
    /// Fix findings of this rule only; may be given several times
    #[arg(long, value_name = "RULE")]
    pub only: Vec<String>,
    /// What `LD_PRELOAD` is set to (`soname` where the configuration says nothing else)
    #[arg(long, value_enum, value_name = "FORM")]
    pub preload: Option<PreloadStyle>,
    /// What `MALLOC_CONF` is to be good for where it is set anew (`balanced` where the configuration says nothing else)
    #[arg(long, value_enum, value_name = "GOAL")]
    pub goal: Option<Goal>,
    /// Run jemalloc's background thread in Python processes only: adds a start-up file to the image's own
    /// Python where jemalloc is preloaded
    #[arg(long)]
    pub thread_hook: bool,
    /// What `--thread-hook` was called when it served forked workers alone
    #[arg(long, hide = true)]
    pub prefork_hook: bool,
    /// Bring jemalloc from this image of Debian or Ubuntu to containers of Kubernetes whose own image is not
    /// built here: by an init container that copies the library
    #[arg(long, value_name = "IMAGE", value_parser = image)]
    pub inject: Option<String>,
    /// Take a report of `inspect --format json` as evidence: with a path for the services of that file, without one for the only service
    /// that starts what the report saw; may be given several times
    #[arg(long, value_name = "[PATH=]REPORT", value_parser = evidence)]
    pub evidence: Vec<Evidence>,
    /// The least severity of a finding that is left that makes the exit code 1 (`warning` where the
    /// configuration says nothing else)
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// The name under which standard input is reported (manifests that are given none: `stdin.yaml`)
    #[arg(long, value_name = "NAME", default_value = STDIN_FILENAME)]
    pub stdin_filename: String,
    /// Do not show a progress bar
    #[arg(long)]
    pub no_progress: bool,
    /// Print nothing but errors and the diff
    #[arg(short, long)]
    pub quiet: bool,
    /// Which rules and files
    #[command(flatten)]
    pub selection: Selection,
}

impl Fix {
    /// What `fix --diff` with this file takes.
    pub(crate) fn diff_of(file: &Path) -> Option<Self> {
        let words = ["malloclint", "fix", "--diff", "--no-progress", "--"].map(OsString::from);
        let words = words.into_iter().chain([file.as_os_str().to_owned()]);
        match Cli::try_parse_from(words).ok()?.command {
            Command::Fix(arguments) => Some(arguments),
            _ => None,
        }
    }
}

/// A report of `inspect`, and the file of the service that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// A Dockerfile or a manifest.
    pub path: Option<PathBuf>,
    /// The report.
    pub report: PathBuf,
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "clap wants a parser that may refuse"
)]
fn evidence(text: &str) -> Result<Evidence, std::convert::Infallible> {
    // A file may have such a name.
    let parts = text.split_once('=').filter(|_| !Path::new(text).exists());
    Ok(match parts {
        Some((path, report)) => Evidence {
            path: Some(path.into()),
            report: report.into(),
        },
        None => Evidence {
            path: None,
            report: text.into(),
        },
    })
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
