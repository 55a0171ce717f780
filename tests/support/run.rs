//! Runs the real program, with a limit on its time, and looks at what came out.

#![allow(dead_code, reason = "no test file needs all of it")]

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What a run gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: Option<i32>,
}

/// A guard against programs that hang, generous enough for a debug build on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// The program, run in `folder`, in an environment that says nothing about colours and languages.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_malloclint"));
    for name in ["NO_COLOR", "COLUMNS", "LC_ALL", "LC_CTYPE", "LANG", "TERM"] {
        command.env_remove(name);
    }
    command.env("COLUMNS", "100").current_dir(folder);
    // What the tests run in has a say in what is printed.
    command.env_remove("GITHUB_ACTIONS");
    command
}

/// Runs `malloclint ARGUMENTS` in `folder`.
pub(crate) fn run<A: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = A>) -> Run {
    finish(program(folder).args(arguments), b"")
}

/// The same with 4 GiB of memory at most: what grows without end must not take the machine.
pub(crate) fn run_limited<A: AsRef<OsStr>>(
    folder: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Run {
    run_in(4 << 20, folder, arguments)
}

/// The same with so many KiB of address space at most.
pub(crate) fn run_in<A: AsRef<OsStr>>(
    memory: usize,
    folder: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Run {
    if cfg!(not(unix)) {
        return run(folder, arguments);
    }
    let mut shell = Command::new("sh");
    let limited = format!("ulimit -v {memory}; exec \"$0\" \"$@\"");
    shell.args(["-c", &limited, env!("CARGO_BIN_EXE_malloclint")]);
    finish(shell.args(arguments).current_dir(folder), b"")
}

/// What a run gave, where it need be no text.
pub(crate) struct Raw {
    pub(crate) out: Vec<u8>,
    pub(crate) err: Vec<u8>,
    pub(crate) code: Option<i32>,
}

/// Runs a command with that standard input to its end.
///
/// # Panics
/// Where it takes longer than [`LIMIT`]: it is killed then. Where what it prints is no text.
pub(crate) fn finish(command: &mut Command, input: &[u8]) -> Run {
    finish_within(LIMIT, command, input)
}

/// The same with a limit of its own.
///
/// # Panics
/// Where it takes longer: it is killed then. Where what it prints is no text.
pub(crate) fn finish_within(limit: Duration, command: &mut Command, input: &[u8]) -> Run {
    let Raw { out, err, code } = finish_raw_within(limit, command, input);
    let text = |bytes| String::from_utf8(bytes).expect("the output is UTF-8");
    Run {
        out: text(out),
        err: text(err),
        code,
    }
}

/// The same for a command that may print anything.
///
/// # Panics
/// Where it takes longer than [`LIMIT`]: it is killed then.
pub(crate) fn finish_raw(command: &mut Command, input: &[u8]) -> Raw {
    finish_raw_within(LIMIT, command, input)
}

fn finish_raw_within(limit: Duration, command: &mut Command, input: &[u8]) -> Raw {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    // A program that does not read its input closes the pipe: that is its right.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let out = drain(child.stdout.take().expect("a pipe"));
    let err = drain(child.stderr.take().expect("a pipe"));
    let code = wait(&mut child, limit);
    writer.join().expect("the writer ends");
    Raw {
        out: out.join().expect("output"),
        err: err.join().expect("output"),
        code,
    }
}

fn drain(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("the pipe can be read");
        bytes
    })
}

fn wait(child: &mut Child, limit: Duration) -> Option<i32> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("the program can be waited for") {
            return status.code();
        }
        if start.elapsed() > limit {
            child.kill().expect("the program can be killed");
            child.wait().expect("the program ends");
            panic!("still running after {limit:?}");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// A folder with these files in it: paths with `/` and their texts.
pub(crate) fn folder<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        write(folder.path(), path, text);
    }
    folder
}

/// Writes a file and the folders above it.
pub(crate) fn write(folder: &Path, path: &str, text: impl AsRef<[u8]>) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders can be made");
    std::fs::write(path, text).expect("files can be written");
}

/// A Dockerfile with exactly one fault that no surroundings excuse: an error at 2:5.
pub(crate) const FAULTY: &str =
    "FROM python:3.12-slim\nENV MALLOC_ARENA_MAX_=2\nCMD [\"python\", \"-c\", \"0\"]\n";

/// What `--format concise` says about [`FAULTY`], behind the path.
pub(crate) const FAULT: &str =
    ":2:5: error[glibc-tunable-misspelt] nothing reads `MALLOC_ARENA_MAX_`";

/// A Dockerfile with nothing to report.
pub(crate) const CLEAN: &str = "FROM python:3.12-slim\nCMD [\"python\", \"-c\", \"0\"]\n";
