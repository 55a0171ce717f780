//! Where logins, certificates and the engine are, as docker and podman have it.

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::image::Registry;
use crate::facts;
use crate::image::Access;

/// What the environment and the command line say of it.
pub(in crate::commands) fn access(registry: &Registry, cache: Option<PathBuf>) -> Access {
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
        cache,
        passing: None,
        insecure: registry.insecure,
        patience: Duration::from_secs(registry.timeout.into()),
        logins: logins.into_iter().flatten().collect(),
        certificates: facts::certificate_folders().map(PathBuf::from).collect(),
        engine: std::env::var("DOCKER_HOST").ok(),
        docker,
    }
}
