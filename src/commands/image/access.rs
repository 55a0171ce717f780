//! Where logins, certificates and the engine are, as docker and podman have it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::image::Fetch;
use crate::image::Access;

/// Folders with certificates of single registries (dockerd, "Use self-signed certificates"; containers-certs.d(5)).
const CERTIFICATES: [&str; 2] = ["/etc/docker/certs.d", "/etc/containers/certs.d"];

/// A server may be silent for so long, where nobody says how long.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the environment and the command line say of it.
pub(in crate::commands) fn access(fetch: Option<&Fetch>) -> Access {
    let folder = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let home = folder("HOME").or_else(|| folder("USERPROFILE"));
    let docker = folder("DOCKER_CONFIG").or_else(|| Some(home.as_ref()?.join(".docker")));
    let podman = |base: Option<PathBuf>| base.map(|base| base.join("containers/auth.json"));
    let logins = [
        folder("REGISTRY_AUTH_FILE"),
        docker.as_ref().map(|docker| docker.join("config.json")),
        podman(folder("XDG_RUNTIME_DIR")),
        podman(home.map(|home| home.join(".config"))),
    ];
    Access {
        cache: fetch.and_then(|fetch| fetch.cache.clone()),
        passing: None,
        insecure: fetch.is_some_and(|fetch| fetch.insecure),
        patience: fetch.map_or(PATIENCE, |fetch| Duration::from_secs(fetch.timeout.into())),
        logins: logins.into_iter().flatten().collect(),
        certificates: CERTIFICATES
            .iter()
            .map(Path::new)
            .map(Path::to_owned)
            .collect(),
        engine: std::env::var("DOCKER_HOST").ok(),
        docker,
    }
}
