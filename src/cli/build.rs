//! What `build` takes.

use std::ffi::OsString;

use clap::{Arg, Args};

use super::image::{ImageRules, Registry};
use crate::policy::FailOn;
use crate::templates::Goal;

/// What `build` takes.
#[derive(Debug, Args)]
pub struct Build {
    /// Arguments of the engine's `build` command, such as `-t NAME .`; malloclint's own options go before them
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ENGINE ARGS"
    )]
    pub arguments: Vec<OsString>,
    /// The engine [default: the first of docker, podman, buildah that is installed]
    #[arg(long, value_name = "ENGINE", value_parser = ["docker", "podman", "buildah"])]
    pub engine: Option<String>,
    /// Start the image once with this command (`''`: its own), and read from /proc which allocator its Python runs on (docker and podman,
    /// on this machine)
    #[arg(long, value_name = "COMMAND")]
    pub run: Option<String>,
    /// Apply fixes, too, that may change what the image does in ways that were not asked for
    #[arg(long = "unsafe")]
    pub unsafe_too: bool,
    /// Apply advice, too: add jemalloc to services with no sign that their memory grows
    #[arg(long)]
    pub advice: bool,
    /// What a new `MALLOC_CONF` is tuned for (default: what the configuration says, else `balanced`)
    #[arg(long, value_enum, value_name = "GOAL")]
    pub goal: Option<Goal>,
    /// The least severity of a finding in the image that makes the exit code 1 (`warning` where the configuration says nothing else)
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// How the registry is spoken to, where the image was pushed
    #[command(flatten)]
    pub registry: Registry,
    /// Which rules
    #[command(flatten)]
    pub rules: ImageRules,
}

impl Build {
    /// The names of its own options: no engine has one of them.
    #[must_use]
    pub fn options() -> Vec<String> {
        let command = Self::augment_args(clap::Command::default().name("build"));
        let long = command.get_arguments().filter_map(Arg::get_long);
        long.map(str::to_owned).collect()
    }
}
