//! What the commands do: arguments in, output and exit status out.

mod baseline;
mod build;
mod built;
mod check;
mod evidence;
mod explain;
mod fix;
mod image;
mod init;
#[cfg(target_os = "linux")]
mod inspect;
mod interrupted;
mod outputs;
mod progress;
#[cfg(target_os = "linux")]
mod proposal;
mod rules;
mod skipped;
mod tune;
mod units;
mod wanted;
mod witnesses;

use std::io::{self, IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::cli::{Cli, Colour, Command, STDIN_FILENAME};
use crate::disk;
use crate::project::{Failure, Format};
use crate::report::{Lines, harmless};

/// The exit codes, the same in every format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Nothing at or above the threshold.
    Clean,
    /// Findings.
    Findings,
    /// The tool could not do all of its work.
    Trouble,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        match status {
            Status::Clean => Self::SUCCESS,
            Status::Findings => Self::from(1),
            Status::Trouble => Self::from(2),
        }
    }
}

/// Runs a command. Trouble goes to `err`, everything else to `out`.
pub fn run(cli: &Cli, out: &mut dyn io::Write, err: &mut dyn io::Write) -> Status {
    let err = &mut Lines::to(err);
    let status = command(cli, out, err);
    // Where nothing can be told, nobody can be told that.
    let _ = err.flush();
    status
}

fn command(cli: &Cli, out: &mut dyn io::Write, err: &mut dyn io::Write) -> Status {
    let done = match &cli.command {
        Command::Check(arguments) => check::run(arguments, cli.color, out, err),
        Command::Fix(arguments) => fix::run(arguments, out, err),
        Command::Build(arguments) => build::run(arguments, cli.color, err),
        Command::Init { diff } => init::run(*diff, out, err),
        Command::Explain { what } => explain::run(what, out, err),
        Command::Rules { format } => rules::list(*format, out),
        Command::Tune(arguments) => tune::run(arguments, colours(cli.color), out, err),
        Command::TuneKeeper(arguments) => tune::keep(arguments, err),
        #[cfg(target_os = "linux")]
        Command::Inspect(arguments) => inspect::run(arguments, out, err),
        #[cfg(target_os = "linux")]
        Command::InspectReading {
            pid,
            whether_python,
        } => inspect::tell(*pid, *whether_python, out),
        #[cfg(not(target_os = "linux"))]
        Command::Inspect(_) | Command::InspectReading { .. } => {
            trouble("`inspect` reads /proc, which Linux alone has", err)
        }
        Command::Image(command) => image::run(command, cli.color, out, err),
        Command::Units { paths } => units::run(paths, out, err),
    };
    let flushed = out.flush();
    match done.and_then(|status| flushed.map(|()| status)) {
        Ok(status) => status,
        // The reader has seen enough: `malloclint check | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Status::Clean,
        Err(error) => {
            let _ = writeln!(err, "malloclint: cannot write the output: {error}");
            Status::Trouble
        }
    }
}

/// Tells of a file that could not be read.
fn failed(failure: &Failure, err: &mut dyn io::Write) -> io::Result<()> {
    let (path, reason) = (harmless(&failure.path), harmless(&failure.reason));
    writeln!(err, "malloclint: {path}: {reason}")
}

/// Tells why there is nothing to be done.
fn trouble(why: &str, err: &mut dyn io::Write) -> io::Result<Status> {
    writeln!(err, "malloclint: {}", harmless(why))?;
    Ok(Status::Trouble)
}

/// Files larger than this are looked at one at a time, in bytes: a tree of their text takes many times their room.
const LARGE: u64 = 256 << 10;

/// Lets nobody else look at a large file meanwhile.
fn alone(path: &Path) -> Option<MutexGuard<'static, ()>> {
    static LARGE_ONES: Mutex<()> = Mutex::new(());
    let large = disk::length(path).is_some_and(|length| length > LARGE);
    large.then(|| LARGE_ONES.lock().unwrap_or_else(PoisonError::into_inner))
}

/// What a user names: of standard input the folder of the file that it stands for.
fn with_stdin(paths: &[PathBuf], name: &str) -> Vec<PathBuf> {
    let folder = Path::new(name).parent();
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    let named = paths.iter().map(|path| match path.as_os_str() == "-" {
        true => folder.to_path_buf(),
        false => path.clone(),
    });
    named.collect()
}

/// The name of a text from standard input: as given, but manifests that were given none are no Dockerfile.
fn stdin_name(given: &str, bytes: &[u8]) -> String {
    if given == STDIN_FILENAME && Format::of(given, bytes) != Format::Dockerfile {
        return "stdin.yaml".into();
    }
    given.to_owned()
}

/// Whether to use colours on standard output.
fn colours(wanted: Colour) -> bool {
    match wanted {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => {
            let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            io::stdout().is_terminal()
                && !refused
                && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        }
    }
}
