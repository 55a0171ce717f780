//! What a run may use to get at images that are not here: a folder for blobs, logins, and how long it waits.

use std::path::PathBuf;
use std::time::Duration;

/// Where things are, as the environment and the command line say it.
#[derive(Clone, Debug, Default)]
#[cfg_attr(
    not(feature = "network"),
    expect(dead_code, reason = "nobody is asked")
)]
pub(crate) struct Access {
    /// Blobs are kept there by their digests, in the layout of OCI; without it for as long as an image is looked at.
    pub(crate) cache: Option<PathBuf>,
    /// A folder of this run, for what is kept for as long as an image is looked at.
    pub(crate) passing: Option<PathBuf>,
    /// Whether certificates are not looked at, and plain HTTP will do.
    pub(crate) insecure: bool,
    /// How long a server may be silent.
    pub(crate) patience: Duration,
    /// Files of the form of docker's `config.json`; the first that has a login for a host counts.
    pub(crate) logins: Vec<PathBuf>,
    /// Folders with further certificates, by the name of the host (docker's `certs.d`).
    pub(crate) certificates: Vec<PathBuf>,
    /// Where the engine's API is: `unix:///run/docker.sock` (the variable `DOCKER_HOST`).
    pub(crate) engine: Option<String>,
    /// The folder of docker's own settings, which names the engine where the variable does not.
    pub(crate) docker: Option<PathBuf>,
}
