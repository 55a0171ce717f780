//! A page that is asked for, as people write it: `http://localhost:8000/`, `3*http://localhost:8000/report?id={number}`, `/report`.

use std::borrow::Cow;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};

/// A page may be asked for so many times as often as another.
const MOST: u32 = 1000;
/// What stands for the number of the request.
const NUMBER: &str = "{number}";
/// The host of a port that is named alone.
const LOCAL: &str = "localhost";

/// A page, and how often it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// How often, beside the others.
    pub weight: u32,
    /// Whose page it is; `None` for that of the server that is found.
    pub origin: Option<Origin>,
    /// What the server is asked for, the query included; `{number}` is the number of the request.
    pub path: String,
}

/// Where a server is: `localhost:8000`. The port is always written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin(String);

impl Target {
    /// Reads `[WEIGHT*]http://HOST:PORT[/PATH]` or `[WEIGHT*]/PATH`.
    ///
    /// # Errors
    /// In words for people.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (weight, url) = weighed(text)?;
        let Some((scheme, rest)) = url.split_once("://").filter(|_| !url.starts_with('/')) else {
            if !url.starts_with('/') {
                return Err(format!(
                    "`{text}`: write `http://HOST:PORT/PATH`, or `/PATH` for a page of the server that CMD starts"
                ));
            }
            return Ok(Self {
                weight,
                origin: None,
                path: path(text, url)?,
            });
        };
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(format!(
                "`{text}`: only http is spoken here: let the server listen on http while it is measured"
            ));
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host, page) = rest.split_at(end);
        Ok(Self {
            weight,
            origin: Some(Origin::named(text, host)?),
            path: path(text, page)?,
        })
    }

    /// A page that is asked for as often as any other.
    #[must_use]
    pub(crate) const fn page(origin: Origin, path: String) -> Self {
        Self {
            weight: 1,
            origin: Some(origin),
            path,
        }
    }

    /// The same, of the server that is found.
    #[must_use]
    pub(crate) const fn unplaced(path: String) -> Self {
        Self {
            weight: 1,
            origin: None,
            path,
        }
    }

    /// What the server is asked for in the request of that number.
    #[must_use]
    pub(crate) fn path_of(&self, number: u64) -> Cow<'_, str> {
        if self.path.contains(NUMBER) {
            return self.path.replace(NUMBER, &number.to_string()).into();
        }
        self.path.as_str().into()
    }

    /// The page by its URL, without its weight.
    #[must_use]
    pub(crate) fn url(&self) -> String {
        match &self.origin {
            Some(origin) => format!("http://{origin}{}", self.path),
            None => self.path.clone(),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.weight != 1 {
            write!(f, "{}*", self.weight)?;
        }
        f.write_str(&self.url())
    }
}

/// What stands before a `*` in front of a URL.
fn weighed(text: &str) -> Result<(u32, &str), String> {
    let star = text.find('*');
    let Some(at) = star.filter(|at| text.find([':', '/']).is_none_or(|begin| *at < begin)) else {
        return Ok((1, text));
    };
    let (number, url) = text.split_at(at);
    let weight = number
        .parse()
        .ok()
        .filter(|weight| (1..=MOST).contains(weight));
    let weight = weight.ok_or_else(|| {
        format!("`{text}`: `{number}` is no weight: write a whole number from 1 to {MOST}, as in `3*http://HOST:PORT/PATH`")
    })?;
    Ok((weight, url.get(1..).unwrap_or_default()))
}

/// A path as it goes over the line.
fn path(text: &str, written: &str) -> Result<String, String> {
    let end = written.find('#').unwrap_or(written.len());
    let written = written.get(..end).unwrap_or_default();
    if let Some(other) = written.chars().find(|c| !c.is_ascii_graphic()) {
        return Err(format!(
            "`{text}`: {other:?} cannot stand in a URL: write it percent-encoded (`%20` for a blank)"
        ));
    }
    // What is meant for the number of the request would be asked for as it stands.
    if written.split(NUMBER).any(|part| part.contains(['{', '}'])) {
        return Err(format!(
            "`{text}`: braces are for `{NUMBER}` alone: write `%7B` and `%7D` for others"
        ));
    }
    if written.starts_with('/') {
        return Ok(written.to_owned());
    }
    Ok(format!("/{written}"))
}

impl Origin {
    fn named(text: &str, host: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}`: write `http://HOST:PORT/PATH`");
        let portless = || {
            let shown = if host.is_empty() { LOCAL } else { host };
            format!(
                "`{text}` names no port: write `http://{shown}:8000/` with the port of the server (`:80` where it is that)"
            )
        };
        if host.contains('@') {
            return Err(wrong());
        }
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => (name, port),
            _ => return Err(portless()),
        };
        let bracketed = name
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let known = match bracketed {
            Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
            None => name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)),
        };
        if !known || port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        if !port.parse::<u16>().is_ok_and(|port| port > 0) {
            return Err(format!("`{text}`: there is no port {port}"));
        }
        let name = if name.is_empty() { LOCAL } else { name };
        Ok(Self(format!("{name}:{port}")))
    }

    /// That of a socket that listens: what listens on all addresses is reached by this machine's own.
    #[must_use]
    pub(crate) fn listening(address: SocketAddr) -> Self {
        let host = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
            // It may take both kinds, and this machine may lack one.
            IpAddr::V6(ip) if ip.is_unspecified() => LOCAL.to_owned(),
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        Self(format!("{host}:{}", address.port()))
    }

    /// Its port.
    #[must_use]
    pub(crate) fn port(&self) -> u16 {
        let port = self.0.rsplit_once(':').map(|(_, port)| port.parse());
        port.and_then(Result::ok).unwrap_or_default()
    }

    /// The addresses to connect to.
    ///
    /// # Errors
    /// Where there is no such host.
    pub(crate) fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.0.to_socket_addrs().map(Iterator::collect)
    }

    /// Whether it is on this machine: only here an address can be bound.
    ///
    /// # Errors
    /// Where there is no such host.
    pub(crate) fn is_here(&self) -> io::Result<bool> {
        let here = |address: &SocketAddr| UdpSocket::bind((address.ip(), 0)).is_ok();
        Ok(self.addresses()?.iter().any(here))
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write() {
        for (text, shown) in [
            ("http://localhost:8000/", "http://localhost:8000/"),
            ("http://localhost:8000", "http://localhost:8000/"),
            ("HTTP://web:1?x=1#top", "http://web:1/?x=1"),
            ("3*http://[::1]:80/a*b", "3*http://[::1]:80/a*b"),
            ("http://:8000/a=3", "http://localhost:8000/a=3"),
            ("/report?id={number}", "/report?id={number}"),
            ("2*/a*b?u=http://x/", "2*/a*b?u=http://x/"),
        ] {
            assert_eq!(Target::parse(text).unwrap().to_string(), shown);
        }
        for (text, said) in [
            ("https://localhost:8000/", "only http is spoken here"),
            ("ftp://localhost:8000/", "only http is spoken here"),
            (
                "http://localhost/",
                "names no port: write `http://localhost:8000/`",
            ),
            ("http://[::1]/", "names no port"),
            ("http:///x", "names no port"),
            ("http://localhost:0/", "there is no port 0"),
            ("http://localhost:99999/", "there is no port 99999"),
            ("http://localhost:8O00/", "write `http://HOST:PORT/PATH`"),
            ("http://me:pw@web:1/", "write `http://HOST:PORT/PATH`"),
            (
                "localhost:8000/",
                "write `http://HOST:PORT/PATH`, or `/PATH`",
            ),
            ("", "write `http://HOST:PORT/PATH`"),
            ("0*http://localhost:1/", "`0` is no weight"),
            ("-1*http://localhost:1/", "`-1` is no weight"),
            ("1.5*/x", "`1.5` is no weight"),
            ("*/x", "`` is no weight"),
            ("1001*/x", "`1001` is no weight"),
            ("99999999999999999999*/x", "is no weight"),
            ("http://localhost:1/a b", "' ' cannot stand in a URL"),
            ("http://localhost:1/ä", "percent-encoded"),
            ("/a\r\nHost: x", "cannot stand in a URL"),
            ("/a?id={n}&x=1", "braces are for `{number}` alone"),
            ("/{number}/{", "braces are for"),
            ("/a/{{number}}", "braces are for"),
        ] {
            let error = Target::parse(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn the_number_of_a_request_stands_wherever_it_is_wanted() {
        let target = Target::parse("/a/{number}?b={number}&c=%7Bm%7D").unwrap();
        assert_eq!(target.path_of(7), "/a/7?b=7&c=%7Bm%7D");
        assert_eq!(Target::parse("/a").unwrap().path_of(7), "/a");
    }

    #[test]
    fn what_listens_everywhere_is_reached_here() {
        for (address, origin) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "localhost:80"),
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("127.0.0.5:80", "127.0.0.5:80"),
            ("10.0.0.7:80", "10.0.0.7:80"),
            ("[fd00::7]:80", "[fd00::7]:80"),
        ] {
            let found = Origin::listening(address.parse().unwrap());
            assert_eq!((found.to_string().as_str(), found.port()), (origin, 80));
        }
        assert!(Origin("localhost:80".into()).is_here().unwrap());
        // Of a network for documentation (RFC 5737): it is nobody's.
        assert!(!Origin("192.0.2.1:80".into()).is_here().unwrap());
    }
}
