//! How requests are made: whom is trusted, how long is waited, and what failures come to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ureq::config::Config;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Error, Proxy};

use super::super::{plain, small};
use super::again::Failure;
use super::names::Names;
use crate::image::Refused;
use crate::image::access::Access;

/// The head of an answer has no more bytes.
const HEAD: usize = 64 << 10;

/// An agent for a host.
///
/// # Errors
/// Where certificates that are meant for the host cannot be read.
pub(super) fn agent(host: &str, access: &Access) -> Result<Agent, Refused> {
    agent_of(host, access, false)
}

/// The same; `outside`: nothing within the network that this machine stands in is asked.
///
/// # Errors
/// As above.
pub(super) fn agent_of(host: &str, access: &Access, outside: bool) -> Result<Agent, Refused> {
    let tls = TlsConfig::builder()
        .root_certs(trusted(host, &access.certificates)?)
        .disable_verification(access.insecure)
        .build();
    let proxy = match is_loopback(host) {
        true => None,
        false => Proxy::try_from_env(),
    };
    let config = patient(access).tls_config(tls).proxy(proxy).build();
    let names = Names {
        patience: access.patience,
        outside,
    };
    Ok(Agent::with_parts(
        config,
        DefaultConnector::default(),
        names,
    ))
}

/// What holds for whomever is asked. Redirects are followed by hand: what is sent along depends on where they lead.
pub(super) fn patient(access: &Access) -> ureq::config::ConfigBuilder<ureq::typestate::AgentScope> {
    let patience = Some(access.patience);
    Config::builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_response_header_size(HEAD)
        .user_agent(concat!("malloclint/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(patience)
        .timeout_connect(patience)
        .timeout_recv_response(patience)
        .timeout_per_read(patience)
}

/// Whether a host, with its port or without, is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let bare = match host.rsplit_once(':') {
        Some((bare, port)) if !port.ends_with(']') => bare,
        _ => host,
    };
    let bare = bare.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<std::net::IpAddr>();
    bare.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Those whom the machine trusts (or Mozilla, where it trusts nobody), and those that are meant for the host.
fn trusted(host: &str, folders: &[PathBuf]) -> Result<RootCerts, Refused> {
    static MACHINE: OnceLock<Vec<Certificate<'static>>> = OnceLock::new();
    let machine = MACHINE.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs().certs;
        let owned = found
            .iter()
            .map(|certificate| Certificate::from_der(certificate).to_owned());
        owned.collect()
    });
    let mut own = Vec::new();
    for folder in folders {
        own.extend(certificates(&folder.join(host))?);
    }
    if machine.is_empty() && own.is_empty() {
        return Ok(RootCerts::WebPki);
    }
    own.extend(machine.iter().cloned());
    Ok(RootCerts::from(own))
}

/// The certificates of all files `*.crt` in a folder.
fn certificates(folder: &Path) -> Result<Vec<Certificate<'static>>, Refused> {
    let mut found = Vec::new();
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = files.map(|file| file.path());
    for path in files.filter(|path| path.extension().is_some_and(|ending| ending == "crt")) {
        let wrong = |why: String| Refused::new(format!("{}: {why}", path.display()));
        let (mut file, _) = plain(&path).map_err(|error| wrong(error.to_string()))?;
        let text = small(&mut file, "it").map_err(|why| wrong(why.to_string()))?;
        for item in parse_pem(&text) {
            let item = item.map_err(|error| wrong(error.to_string()))?;
            if let PemItem::Certificate(certificate) = item {
                found.push(certificate);
            }
        }
    }
    Ok(found)
}

/// What a failure comes to.
pub(super) fn failed(host: &str, error: &Error) -> Failure {
    let passing = |why: String| Failure::Passing(format!("{host} {why}"), None);
    let lasting = |why: String| Failure::Lasting(format!("{host} {why}"));
    match error {
        Error::HostNotFound => lasting("is not found: no name server knows it".into()),
        Error::Timeout(_) => {
            passing("does not respond: check the address, or raise `--timeout`".into())
        }
        Error::Rustls(_) | Error::Tls(_) => Failure::Lasting(untrusted(host, &error.to_string())),
        Error::Io(inner) if is_of_tls(inner) => {
            Failure::Lasting(untrusted(host, &inner.to_string()))
        }
        Error::Io(inner) if inner.kind() == io::ErrorKind::ConnectionRefused => {
            lasting("does not answer: nothing listens there".into())
        }
        Error::Io(inner) if inner.kind() == io::ErrorKind::PermissionDenied => {
            lasting(format!("is not asked: {inner}"))
        }
        Error::Io(inner) => passing(format!("does not answer: {inner}")),
        Error::ConnectProxyFailed(why) => lasting(format!(
            "is not reached: the proxy does not connect to it ({why}); name the host in `no_proxy`, or have the proxy allow it"
        )),
        _ => lasting(format!("gives no answer that is understood: {error}")),
    }
}

/// Whether it is the end of talking in secret.
pub(super) fn is_of_tls(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}

fn untrusted(host: &str, why: &str) -> String {
    if why.contains("InvalidContentType") {
        return format!("{host} does not speak HTTPS");
    }
    if why.contains("CaUsedAsEndEntity") {
        return format!(
            "the certificate of {host} is one of an authority, which no server may show: make it with `basicConstraints=CA:FALSE`"
        );
    }
    format!(
        "the certificate of {host} is not trusted: {why}. Put the certificate of its authority into /etc/docker/certs.d/{host}/ca.crt, or name it in SSL_CERT_FILE"
    )
}
