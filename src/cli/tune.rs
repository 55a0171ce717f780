//! What `tune` takes.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::templates::Goal;

/// What `tune` takes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  malloclint tune -- python batch.py
  malloclint tune -- gunicorn --threads 8 app:app
  malloclint tune --url '3*/search?q={number}' --url /report -- uvicorn app:app
  malloclint tune --url http://localhost:8000/ --rate 200 --load-time 30s -- gunicorn app:app
  malloclint tune --docker acme/api:1.4 -- --env=DATABASE_URL=... --memory=512m
  malloclint tune --budget 30m --goal low-memory --html report.html -- python batch.py
  malloclint tune --server --ready http://localhost:8000/health \\
      --load 'wrk -d 20s http://localhost:8000/' --metric 'Requests/sec: +([0-9.]+)' \\
      -- gunicorn --threads 8 app:app

A command that listens on a TCP port is a server: it is found, loaded with requests, and stopped.
The command runs many times. Memory is that of all its processes (PSS), also of those that
outlive their parent. A setting counts only if /proc proves that its library was loaded and
jemalloc accepted every key. Exit code 2: nothing could be measured, or it was interrupted.")]
pub struct Tune {
    /// The command to run under each setting; with `--docker` the engine's own options for the container
    #[arg(last = true, required_unless_present = "docker", value_name = "CMD")]
    pub command: Vec<OsString>,

    /// Run the service in containers of this image, as its own command starts it. An image without jemalloc is measured as a copy, with
    /// what `fix` adds to a Dockerfile
    #[arg(
        long,
        value_name = "IMAGE",
        conflicts_with = "libs",
        help_heading = "Container"
    )]
    pub docker: Option<String>,
    /// The engine that runs containers [default: the first of docker and podman that is installed]
    #[arg(long, value_name = "ENGINE", value_parser = ["docker", "podman"], requires = "docker", help_heading = "Container")]
    pub engine: Option<String>,
    /// Options of the engine for the build of that copy, as a shell writes them: `'--network=host --build-arg=A=b'`
    #[arg(
        long,
        value_name = "OPTIONS",
        requires = "docker",
        allow_hyphen_values = true,
        help_heading = "Container"
    )]
    pub build: Option<String>,
    /// Say first what a report of `inspect --format json` says of the service: whether there is anything to gain
    #[arg(long, value_name = "REPORT", help_heading = "Workload")]
    pub evidence: Option<PathBuf>,
    /// CMD is a server, whatever it looks like: start it, wait until it is ready, load it, watch it rest, stop it
    #[arg(long, help_heading = "Workload")]
    pub server: bool,
    /// CMD ends by itself, whatever it listens on meanwhile
    #[arg(long, conflicts_with_all = ["server", "load", "ready", "url", "port", "connections", "rate", "keep_alive", "no_keep_alive", "headers", "requests", "load_time"], help_heading = "Workload")]
    pub batch: bool,
    /// What to run against the server instead of requests; the shell reads it
    #[arg(
        long,
        value_name = "CMD",
        requires = "server",
        requires = "ready",
        help_heading = "Workload"
    )]
    pub load: Option<String>,
    /// When the server is ready: http://URL, HOST:PORT, or a pattern that its output must match; without it, when its page answers
    #[arg(long, value_name = "CHECK", help_heading = "Workload")]
    pub ready: Option<String>,
    /// How long the server may take to get ready [default: 30s, and for later starts four times what the first took, if that is more]
    #[arg(long, value_name = "TIME", help_heading = "Workload")]
    pub ready_timeout: Option<String>,
    /// How long to watch the server after the load: what it gives back then counts, too
    #[arg(
        long,
        value_name = "TIME",
        default_value = "5s",
        help_heading = "Workload"
    )]
    pub settle: String,
    /// How long the command, or the load, may take; never longer than the budget, and under a setting
    /// not much longer than without
    #[arg(
        long,
        value_name = "TIME",
        default_value = "5m",
        help_heading = "Workload"
    )]
    pub timeout: String,

    /// A page of the server: http://HOST:PORT/PATH, or /PATH where it is found by itself; `3*URL` is asked for three times as
    /// often as another, and `{number}` in it is that of the request
    #[arg(
        long,
        value_name = "[N*]URL",
        conflicts_with = "load",
        help_heading = "Requests"
    )]
    pub url: Vec<String>,
    /// The port of the server, where it listens on several and another one is taken for it; in a container its own
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..), conflicts_with = "load", help_heading = "Requests")]
    pub port: Option<u16>,
    /// How many requests may be under way at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000), conflicts_with = "load", help_heading = "Requests")]
    pub connections: u16,
    /// Requests per second, by a schedule that does not wait for the server; the p99 then counts, and not how many are answered
    #[arg(
        long,
        value_name = "R",
        conflicts_with = "load",
        help_heading = "Requests"
    )]
    pub rate: Option<f64>,
    /// Use a connection for many requests
    #[arg(
        long,
        overrides_with = "no_keep_alive",
        conflicts_with = "load",
        help_heading = "Requests"
    )]
    pub keep_alive: bool,
    /// Make a connection for each request (the default): only so they spread evenly over forked workers
    #[arg(
        long,
        overrides_with = "keep_alive",
        conflicts_with = "load",
        help_heading = "Requests"
    )]
    pub no_keep_alive: bool,
    /// What each request says besides; several times
    #[arg(
        long = "header",
        value_name = "NAME: VALUE",
        conflicts_with = "load",
        help_heading = "Requests"
    )]
    pub headers: Vec<String>,
    /// How many requests a run makes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000), conflicts_with_all = ["load", "load_time"], help_heading = "Requests")]
    pub requests: Option<u64>,
    /// How long the warm-up makes requests; every other run then makes as many
    #[arg(
        long,
        value_name = "TIME",
        default_value = "10s",
        conflicts_with = "load",
        help_heading = "Requests"
    )]
    pub load_time: String,

    /// What counts how much
    #[arg(long, value_enum, default_value_t = Goal::Balanced, help_heading = "Judging")]
    pub goal: Goal,
    /// Which memory counts
    #[arg(long, value_enum, default_value_t = Memory::Mean, help_heading = "Judging")]
    pub memory: Memory,
    /// A figure of your own in the output of the load (or of CMD): its first group, the last match;
    /// without it the time counts
    #[arg(long, value_name = "REGEX", conflicts_with_all = ["url", "connections", "rate", "keep_alive", "no_keep_alive", "headers", "requests", "load_time"], help_heading = "Judging")]
    pub metric: Option<String>,
    /// Whether more of that figure is better, or less
    #[arg(long, value_enum, default_value_t = Better::Higher, requires = "metric", help_heading = "Judging")]
    pub better: Better,

    /// How long it may take in all
    #[arg(
        long,
        value_name = "TIME",
        default_value = "10m",
        help_heading = "Search"
    )]
    pub budget: String,
    /// Runs before any that counts
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..), help_heading = "Search")]
    pub warmup: u8,
    /// The most rounds, each of one run of every setting that is left; it ends sooner where the best is told apart
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(3..=1000), help_heading = "Search")]
    pub rounds: u16,
    /// The most settings to try besides glibc, what `fix` sets and MALLOC_ARENA_MAX=2; the budget may allow fewer
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(..=1000), help_heading = "Search")]
    pub candidates: u16,
    /// Try this setting, too; several times, several variables separated by blanks
    #[arg(long = "try", value_name = "NAME=VALUE", help_heading = "Search")]
    pub tries: Vec<String>,
    /// Which allocators to try; if not given, jemalloc, glibc, and others that are installed
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        value_name = "NAME",
        help_heading = "Search"
    )]
    pub allocators: Vec<Allocator>,
    /// Allocator libraries by path, where the loader does not find them (or others are meant)
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "PATH",
        help_heading = "Search"
    )]
    pub libs: Vec<PathBuf>,
    /// What the choice of combinations starts from
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Search")]
    pub seed: u64,

    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Human, help_heading = "Output")]
    pub format: Format,
    /// Write one line per run
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub csv: Option<PathBuf>,
    /// Write a page with charts; it needs no network
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub html: Option<PathBuf>,
    /// Put the best setting into the malloclint.toml (or pyproject.toml) from which `fix` takes it, and print how the files here that
    /// start CMD would get it, as a diff
    #[arg(long, help_heading = "Output")]
    pub write: bool,
    /// Do not show a progress bar
    #[arg(long, help_heading = "Output")]
    pub no_progress: bool,
}

/// Which memory counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Memory {
    /// The mean over time
    Mean,
    /// The highest
    Peak,
    /// What is left at the end
    End,
}

/// Which way a figure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Better {
    /// More
    Higher,
    /// Less
    Lower,
}

/// An allocator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Allocator {
    /// That of the C library
    Glibc,
    /// jemalloc
    Jemalloc,
    /// mimalloc
    Mimalloc,
    /// tcmalloc (gperftools)
    Tcmalloc,
}

/// How to print the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table, a chart and the lines for the Dockerfile
    Human,
    /// Everything that was measured
    Json,
}

/// What the process that keeps a command takes; nobody calls it by hand.
#[derive(Debug, Args)]
pub struct Keeper {
    /// Variables to set
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<OsString>,
    /// Variables to leave out
    #[arg(long, value_name = "NAME")]
    pub unset: Vec<OsString>,
    /// The words of the command that removes what it leaves behind
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    pub cleanup: Vec<OsString>,
    /// The command
    #[arg(last = true, required = true)]
    pub command: Vec<OsString>,
}
