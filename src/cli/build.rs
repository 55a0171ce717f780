//! What `build` takes.

use std::ffi::OsString;

use clap::Args;

use super::image::ImageRules;
use crate::policy::FailOn;
use crate::templates::Goal;

/// What `build` takes.
#[derive(Debug, Args)]
pub struct Build {
    /// The options of the engine's own build, and what is built: `-t NAME .`; those of malloclint go before them
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
    /// Start the image once with this command (`''`: its own), and read from /proc what its Python runs on (docker and podman, on this machine)
    #[arg(long, value_name = "COMMAND")]
    pub run: Option<String>,
    /// Apply fixes, too, that may change what the image does in ways that were not asked for
    #[arg(long = "unsafe")]
    pub unsafe_too: bool,
    /// Take advice, too: bring jemalloc to services of which nothing says that their memory grows
    #[arg(long)]
    pub advice: bool,
    /// What `MALLOC_CONF` is to be good for where it is set anew (`balanced` where the configuration says nothing else)
    #[arg(long, value_enum, value_name = "GOAL")]
    pub goal: Option<Goal>,
    /// The least severity of a finding in the image that makes the exit code 1 (`warning` where the configuration says nothing else)
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// Which rules
    #[command(flatten)]
    pub rules: ImageRules,
}
