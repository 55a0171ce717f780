//! Host names, looked up as `/etc/hosts` and `/etc/resolv.conf` say, without the C library: a static program has none that could.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_resolver::config::{NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::{Resolver, TokioResolver};
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{self, ResolvedSocketAddrs};
use ureq::unversioned::transport::NextTimeout;

/// Looks names up.
#[derive(Debug)]
pub(super) struct Names {
    /// How long a server of names may be silent.
    pub(super) patience: Duration,
    /// Whether nothing within the network that this machine stands in is meant.
    pub(super) outside: bool,
}

/// Whether an address is one of this machine, or of a private network (RFC 1918, 4193, 6598, and those of a link).
pub(super) fn is_within(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(own) => {
            let [first, second, ..] = own.octets();
            let shared = first == 100 && second & 0xc0 == 64;
            own.is_loopback()
                || own.is_private()
                || own.is_link_local()
                || own.is_unspecified()
                || shared
        }
        IpAddr::V6(own) => match own.to_ipv4_mapped() {
            Some(mapped) => is_within(mapped.into()),
            None => {
                own.is_loopback()
                    || own.is_unique_local()
                    || own.is_unicast_link_local()
                    || own.is_unspecified()
            }
        },
    }
}

impl resolver::Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        _config: &Config,
        _timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().ok_or(Error::HostNotFound)?;
        let usual = if uri.scheme_str() == Some("https") {
            443
        } else {
            80
        };
        let port = uri.port_u16().unwrap_or(usual);
        let mut found = self.empty();
        let all = self.addresses(host)?;
        let wanted = all
            .iter()
            .filter(|address| !(self.outside && is_within(**address)));
        for address in wanted.take(FEW) {
            found.push(SocketAddr::new(*address, port));
        }
        if found.is_empty() && !all.is_empty() {
            return Err(Error::Io(std::io::Error::new(
                std::io::ErrorKind::PermissionDenied,
                "a server outside leads into a private network",
            )));
        }
        match found.is_empty() {
            true => Err(Error::HostNotFound),
            false => Ok(found),
        }
    }
}

/// Names that this machine knows by itself.
const HOSTS: &str = "/etc/hosts";
/// So many addresses of a host are tried.
const FEW: usize = 8;

impl Names {
    pub(super) fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Error> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse() {
            return Ok(vec![address]);
        }
        // A server of names is not asked for the other family of what stands there.
        let known = hosts(&std::fs::read_to_string(HOSTS).unwrap_or_default(), bare);
        if !known.is_empty() {
            return Ok(known);
        }
        // Of all names this one need not be looked up (RFC 6761, 6.3).
        let name = bare.trim_end_matches('.').to_ascii_lowercase();
        if name == "localhost" || name.ends_with(".localhost") {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let found = resolver(self.patience)?.lookup_ip(bare).await;
            match found {
                Ok(found) => Ok(found.iter().collect()),
                Err(error) if error.is_no_records_found() || error.is_nx_domain() => {
                    Err(Error::HostNotFound)
                }
                Err(error) => Err(Error::Io(std::io::Error::other(format!(
                    "its name is not looked up: {error}"
                )))),
            }
        })
    }
}

/// The addresses of a name in the text of a file of hosts (hosts(5)).
fn hosts(text: &str, name: &str) -> Vec<IpAddr> {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    let addresses = lines.filter_map(|line| {
        let mut words = line.split_whitespace();
        let address = words.next()?.parse().ok()?;
        words
            .any(|word| word.eq_ignore_ascii_case(name))
            .then_some(address)
    });
    addresses.collect()
}

fn resolver(patience: Duration) -> Result<TokioResolver, Error> {
    let wrong = |error| {
        Error::Io(std::io::Error::other(format!(
            "names are not looked up: {error}"
        )))
    };
    let provider = TokioRuntimeProvider::default();
    let mut builder = Resolver::builder(provider.clone()).unwrap_or_else(|_| {
        // Where nothing is said, the server is on this machine (resolv.conf(5)).
        let here = NameServerConfig::udp_and_tcp(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![here]);
        Resolver::builder_with_config(config, provider)
    });
    let options: &mut ResolverOpts = builder.options_mut();
    options.timeout = options.timeout.min(patience);
    builder.build().map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_known_by_all_their_names() {
        let text = "127.0.0.1 localhost\n# 10.0.0.1 reg\n10.0.0.2\tReg.example reg # one\n::2 reg\nbroken reg\n";
        let of = |name| {
            hosts(text, name)
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(of("reg"), ["10.0.0.2", "::2"]);
        assert_eq!(of("reg.EXAMPLE"), ["10.0.0.2"]);
        assert!(of("other").is_empty());
    }
}
