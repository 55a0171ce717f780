//! How a server in a container is reached from here: by the container's own address, or by a port that the engine publishes.

use std::net::{IpAddr, SocketAddr};

use super::listening::Listener;
use crate::engine::State;

/// What leads into the network of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// Its own addresses.
    addresses: Vec<IpAddr>,
    /// Ports in it, and where this machine takes connections for them.
    published: Vec<(u16, SocketAddr)>,
}

impl Reach {
    pub(super) fn of(state: State) -> Self {
        Self {
            addresses: state.addresses,
            published: state.published,
        }
    }

    /// The socket as it is reached from here; as it is where it cannot be.
    pub(super) fn seen_here(&self, listener: Listener) -> Listener {
        if listener.here {
            return listener;
        }
        match self.address(listener.address) {
            Some(address) => Listener {
                address,
                here: true,
                ..listener
            },
            None => listener,
        }
    }

    /// Where connections are taken for a socket in there. An engine without rights publishes ports, and its networks are out of reach.
    fn address(&self, inside: SocketAddr) -> Option<SocketAddr> {
        let ip = inside.ip();
        if ip.is_loopback() {
            return None;
        }
        let of_port = |(port, _): &&(u16, SocketAddr)| *port == inside.port();
        if let Some((_, address)) = self.published.iter().find(of_port) {
            return Some(*address);
        }
        let takes = |own: &&IpAddr| ip == **own || ip.is_unspecified();
        let own = self.addresses.iter().find(takes)?;
        Some(SocketAddr::new(*own, inside.port()))
    }

    /// Why a socket in there is out of reach, and what to do.
    pub(super) fn refusal(inside: SocketAddr) -> String {
        let port = inside.port();
        if inside.ip().is_loopback() {
            return format!(
                "the server takes connections on {inside} in its container, where nobody else comes: let it listen on 0.0.0.0:{port}"
            );
        }
        format!(
            "the server listens on port {port} in its container, whose network cannot be reached from here: publish it (`-- --publish=127.0.0.1:{port}:{port}`)"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(address: &str) -> Listener {
        let address: SocketAddr = address.parse().unwrap();
        Listener {
            address,
            port: address.port(),
            here: false,
            contested: false,
        }
    }

    #[test]
    fn a_published_port_comes_first_and_nobody_reaches_a_loopback() {
        let reach = Reach {
            addresses: vec!["172.17.0.2".parse().unwrap()],
            published: vec![(8000, "0.0.0.0:18000".parse().unwrap())],
        };
        let reached = |address: &str| {
            let found = reach.seen_here(listener(address));
            found.here.then(|| (found.address.to_string(), found.port))
        };
        let at = |address: &str, port| Some((address.to_owned(), port));
        assert_eq!(reached("0.0.0.0:8000"), at("0.0.0.0:18000", 8000));
        assert_eq!(reached("[::]:9000"), at("172.17.0.2:9000", 9000));
        assert_eq!(reached("172.17.0.2:9000"), at("172.17.0.2:9000", 9000));
        assert_eq!(reached("172.17.0.3:9000"), None);
        assert_eq!(reached("127.0.0.1:8000"), None);
        let refusal = |address: &str| Reach::refusal(address.parse().unwrap());
        assert!(refusal("127.0.0.1:8000").contains("listen on 0.0.0.0:8000"));
        let none = Reach::default();
        assert_eq!(
            none.seen_here(listener("0.0.0.0:80")),
            listener("0.0.0.0:80")
        );
        assert!(refusal("0.0.0.0:80").contains("publish it"));
    }
}
