//! Containers that one image is started in again and again: what they would start with, how they are started and removed, and
//! where one is that runs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use serde::Deserialize;

use super::Engine;

/// What is started: an image, and the engine's own options for its containers.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    engine: Engine,
    /// The image, by its ID.
    image: String,
    options: Vec<OsString>,
}

/// What a container starts with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    /// The program and its arguments.
    pub(crate) command: Vec<OsString>,
    /// `NAME=VALUE`, those of the image and of the options.
    pub(crate) variables: Vec<(OsString, OsString)>,
}

/// A container as the engine sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// The number of its first process; nothing where none runs.
    pub(crate) pid: Option<u32>,
    /// Its own number, which the engine names its control group after.
    pub(crate) id: String,
    /// Whether the kernel ended a process of it for its memory.
    pub(crate) out_of_memory: bool,
    /// How much memory it may take, in bytes.
    pub(crate) limit: Option<u64>,
    /// Its addresses in the engine's networks.
    pub(crate) addresses: Vec<IpAddr>,
    /// Its ports that this machine takes connections for, and where.
    pub(crate) published: Vec<(u16, SocketAddr)>,
}

/// Our options come last, so that they count: what is measured stays in the foreground, without a terminal, whose lines are all one.
const OURS: [&str; 3] = ["--detach=false", "--interactive=false", "--tty=false"];
/// What is measured is here; a word that is taken for an image is not to be fetched.
const NEVER: &str = "--pull=never";

impl Container {
    /// An image, and how its containers are started.
    ///
    /// # Errors
    /// Where this engine starts none.
    pub(crate) fn new(
        engine: &Engine,
        image: String,
        options: Vec<OsString>,
    ) -> Result<Self, String> {
        engine.starts_containers()?;
        Ok(Self {
            engine: engine.clone(),
            image,
            options,
        })
    }

    /// A name that no other container has.
    #[must_use]
    pub(crate) fn name() -> String {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        // The first process of a container always has the same number.
        let millis = now.unwrap_or_default().as_millis();
        format!("malloclint-{}-{millis:x}-{number}", std::process::id())
    }

    /// The command that runs a container until it ends, with these variables.
    #[must_use]
    pub(crate) fn run(&self, name: &str, variables: &[(OsString, OsString)]) -> Vec<OsString> {
        let mut words = self.begin("run");
        words.extend(OURS.map(OsString::from));
        words.extend(named(name));
        for (variable, value) in variables {
            let mut pair = OsString::from("--env=");
            pair.push(variable);
            pair.push("=");
            pair.push(value);
            words.push(pair);
        }
        words.push(self.image.clone().into());
        words
    }

    /// The command that removes a container, whatever it does.
    #[must_use]
    pub(crate) fn removal(&self, name: &str) -> Vec<OsString> {
        let words = [self.engine.name(), "rm", "--force", "--volumes", name];
        words.map(OsString::from).to_vec()
    }

    /// What a container would start with. One is made for that, and goes.
    ///
    /// # Errors
    /// What the engine says against its options.
    pub(crate) fn start(&self) -> Result<Start, String> {
        let name = Self::name();
        let words = self.begin("create").into_iter().skip(1);
        let image = [OsString::from(self.image.clone())];
        let made = self
            .engine
            .quietly(words.chain(named(&name)).chain(image))
            .map_err(|why| {
                format!(
                    "{why} (behind `--` stand options of `{} run` alone)",
                    self.engine.name()
                )
            });
        let seen = made.and_then(|_| self.inspected(&name));
        let _ = self.engine.quietly(["rm", "--force", "--volumes", &name]);
        let seen = seen?;
        if !self.image.contains(seen.image_id()) {
            return Err(format!(
                "`{}` takes a word behind `--` for the image: only options of `{0} run` may stand there, those with a value as `--option=value`",
                self.engine.name()
            ));
        }
        Ok(seen.start())
    }

    /// How a container is.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub(crate) fn state(&self, name: &str) -> Result<State, String> {
        self.inspected(name).map(|seen| seen.state())
    }

    fn inspected(&self, name: &str) -> Result<Inspected, String> {
        let said = self.engine.quietly(["container", "inspect", name])?;
        read(&said)
            .map_err(|why| format!("`{} inspect` is not understood: {why}", self.engine.name()))
    }

    fn begin(&self, verb: &str) -> Vec<OsString> {
        let mut words: Vec<OsString> = [self.engine.name(), verb, NEVER]
            .map(OsString::from)
            .to_vec();
        words.extend(self.options.iter().cloned());
        words
    }
}

fn named(name: &str) -> [OsString; 1] {
    [OsString::from(format!("--name={name}"))]
}

/// What `inspect` prints, as far as it is used here (docs.docker.com/reference/api/engine, ContainerInspect; podman prints the same).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    id: String,
    image: String,
    path: String,
    args: Option<Vec<String>>,
    config: Config,
    state: Running,
    host_config: HostConfig,
    network_settings: Networks,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    env: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Running {
    pid: u32,
    #[serde(rename = "OOMKilled", default)]
    oom_killed: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HostConfig {
    #[serde(default)]
    memory: i64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Networks {
    #[serde(rename = "IPAddress")]
    address: Option<String>,
    networks: Option<BTreeMap<String, Network>>,
    ports: Option<BTreeMap<String, Option<Vec<Published>>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Network {
    #[serde(rename = "IPAddress")]
    address: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Published {
    host_ip: String,
    host_port: String,
}

fn read(text: &str) -> Result<Inspected, String> {
    let all: Vec<Inspected> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    all.into_iter()
        .next()
        .ok_or_else(|| "it is empty".to_owned())
}

impl Inspected {
    fn image_id(&self) -> &str {
        self.image.strip_prefix("sha256:").unwrap_or(&self.image)
    }

    fn start(self) -> Start {
        let command = [self.path].into_iter().chain(self.args.unwrap_or_default());
        let pairs = self.config.env.unwrap_or_default();
        let pair = |pair: &String| {
            let (name, value) = pair.split_once('=')?;
            Some((name.into(), value.into()))
        };
        Start {
            command: command.map(OsString::from).collect(),
            variables: pairs.iter().filter_map(pair).collect(),
        }
    }

    fn state(self) -> State {
        let networks = self.network_settings;
        let own = networks.networks.into_iter().flatten();
        let all = own
            .map(|(_, network)| network.address)
            .chain([networks.address]);
        let mut addresses: Vec<IpAddr> = Vec::new();
        for address in all.flatten().filter_map(|text| text.parse().ok()) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        let ports = networks.ports.into_iter().flatten();
        let published = ports.flat_map(|(port, places)| {
            let port = port.strip_suffix("/tcp").and_then(|port| port.parse().ok());
            let places = places.unwrap_or_default().into_iter();
            places.filter_map(move |place| Some((port?, place.address()?)))
        });
        State {
            pid: Some(self.state.pid).filter(|pid| *pid > 0),
            id: self.id,
            out_of_memory: self.state.oom_killed,
            limit: u64::try_from(self.host_config.memory)
                .ok()
                .filter(|limit| *limit > 0),
            addresses,
            published: published.collect(),
        }
    }
}

impl Published {
    /// Where this machine takes connections for it; podman leaves out the address of all networks.
    fn address(&self) -> Option<SocketAddr> {
        let ip = match self.host_ip.as_str() {
            "" => IpAddr::from([0, 0, 0, 0]),
            ip => ip.parse().ok()?,
        };
        Some(SocketAddr::new(ip, self.host_port.parse().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCKER: &str = r#"[{"Id": "4f", "Image": "sha256:ab12", "Path": "gunicorn", "Args": ["app:app"],
        "Config": {"Env": ["PATH=/bin", "A=b=c", "ODD"]}, "State": {"Pid": 77, "OOMKilled": true}, "HostConfig": {"Memory": 67108864},
        "NetworkSettings": {"IPAddress": "172.17.0.2", "Networks": {"bridge": {"IPAddress": "172.17.0.2"}, "other": {"IPAddress": ""}},
        "Ports": {"8000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "18000"}], "53/udp": [{"HostIp": "", "HostPort": "53"}], "9000/tcp": null}}}]"#;
    const PODMAN: &str = r#"[{"Id": "4f", "Image": "ab12", "Path": "/bin/sh", "Args": null, "Config": {"Env": null}, "State": {"Pid": 0},
        "HostConfig": {}, "NetworkSettings": {"Ports": {"8000/tcp": [{"HostIp": "", "HostPort": "8000"}]}}}]"#;

    #[test]
    fn what_engines_print_is_understood() {
        let seen = read(DOCKER).unwrap();
        assert_eq!(seen.image_id(), "ab12");
        let state = seen.state();
        assert_eq!(
            (state.pid, state.out_of_memory, state.limit),
            (Some(77), true, Some(64 << 20))
        );
        assert_eq!(state.addresses, ["172.17.0.2".parse::<IpAddr>().unwrap()]);
        assert_eq!(state.published, [(8000, "0.0.0.0:18000".parse().unwrap())]);
        let start = read(DOCKER).unwrap().start();
        assert_eq!(start.command, ["gunicorn", "app:app"]);
        assert_eq!(
            start.variables,
            [("PATH".into(), "/bin".into()), ("A".into(), "b=c".into())]
        );
        let state = read(PODMAN).unwrap().state();
        assert_eq!(
            (state.pid, state.out_of_memory, state.limit),
            (None, false, None)
        );
        assert_eq!(state.published, [(8000, "0.0.0.0:8000".parse().unwrap())]);
        assert_eq!(read(PODMAN).unwrap().start().command, ["/bin/sh"]);
        assert!(read("[]").is_err() && read("x").is_err());
    }

    #[test]
    fn names_are_never_the_same() {
        assert_ne!(Container::name(), Container::name());
    }
}
