//! When a server is ready: an address answers, a page is there, or a line was printed.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use regex::Regex;

use crate::load::{self, Failure, Target};

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(2);
/// The host of a port that is named alone.
const LOCAL: &str = "localhost";

/// What is waited for.
#[derive(Clone, Debug)]
pub(crate) enum Ready {
    /// A page that answers with a status below 400.
    Http(Target),
    /// An address that takes connections.
    Tcp(String),
    /// A line of the server's output.
    Line(Regex),
}

impl Ready {
    /// Reads what the user gave: a URL, `host:port`, `:port`, or else a pattern.
    ///
    /// # Errors
    /// In words for people.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let word = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric());
        if let Some((scheme, rest)) = text.split_once("://").filter(|(scheme, _)| word(scheme)) {
            if scheme.eq_ignore_ascii_case("http") {
                return Self::page(rest);
            }
            return Err(format!(
                "`{text}`: only http is spoken here; use `host:port` instead"
            ));
        }
        let (address, path) = text.find('/').map_or((text, ""), |at| text.split_at(at));
        if let Some(address) = socket(address)? {
            return match path {
                "" => Ok(Self::Tcp(address)),
                _ => Self::page(text),
            };
        }
        if word(address) && address.parse::<u64>().is_ok() {
            return Err(format!(
                "`{text}` is no address: a port is written `:{address}`"
            ));
        }
        if address.parse::<std::net::Ipv6Addr>().is_ok() {
            return Err(format!("`{text}` names no port: write `[ADDRESS]:PORT`"));
        }
        if address.eq_ignore_ascii_case("localhost") || address.parse::<std::net::IpAddr>().is_ok()
        {
            return Err(format!(
                "`{text}` names no port: write `{address}:8000{path}`"
            ));
        }
        Regex::new(text)
            .map(Self::Line)
            .map_err(|error| error.to_string())
    }

    /// A page, by its URL without the scheme; without a port it is on that of HTTP.
    fn page(url: &str) -> Result<Self, String> {
        let end = url.find(['/', '?', '#']).unwrap_or(url.len());
        let (host, page) = url.split_at(end);
        let has_port = host.contains(':') && !host.ends_with(']');
        let port = if has_port || host.is_empty() {
            ""
        } else {
            ":80"
        };
        Target::parse(&format!("http://{host}{port}{page}")).map(Self::Http)
    }

    /// The pattern, where it is one.
    pub(super) fn line(&self) -> Option<&Regex> {
        match self {
            Self::Line(pattern) => Some(pattern),
            _ => None,
        }
    }

    /// Whether an address or page answers now; patterns are looked for elsewhere.
    pub(super) fn answers(&self) -> bool {
        match self {
            Self::Http(page) => load::ask(page, ATTEMPT).is_ok(),
            Self::Tcp(address) => connect(address).is_some(),
            Self::Line(_) => false,
        }
    }

    /// What is missing, in words: an address or page is looked at once more.
    pub(super) fn lack(&self) -> String {
        match self {
            Self::Http(page) => lack_of_page(page),
            Self::Tcp(address) if address.to_socket_addrs().is_err() => {
                format!("there is no host for `{address}`")
            }
            Self::Tcp(address) => format!("{address} takes no connection"),
            Self::Line(pattern) => format!("it printed no line that matches `{pattern}`"),
        }
    }
}

fn lack_of_page(page: &Target) -> String {
    let url = page.url();
    let address = page.origin.as_ref().map(ToString::to_string);
    let address = address.unwrap_or_default();
    match load::ask(page, ATTEMPT) {
        Ok(answer) => format!("{url} answers with status {}", answer.status),
        Err(failure @ Failure::Status(_)) => format!("{url} {failure}"),
        Err(_) if address.to_socket_addrs().is_err() => format!("there is no host for `{address}`"),
        Err(_) if connect(&address).is_some() => {
            format!("{address} takes connections, and {url} does not answer")
        }
        Err(_) => format!("{url} does not answer"),
    }
}

/// `host:port`, where the text is that; a port alone is one of this machine.
fn socket(text: &str) -> Result<Option<String>, String> {
    let Some((host, port)) = text.rsplit_once(':') else {
        return Ok(None);
    };
    let named = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let bracketed = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let is_host = match bracketed {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.chars().all(named),
    };
    if !is_host || port.is_empty() || !port.chars().all(|c| c.is_ascii_digit()) {
        return Ok(None);
    }
    if port.parse::<u16>().is_err() {
        return Err(format!("`{text}`: there is no port {port}"));
    }
    let host = if host.is_empty() { LOCAL } else { host };
    Ok(Some(format!("{host}:{port}")))
}

fn connect(address: &str) -> Option<TcpStream> {
    let mut addresses = address.to_socket_addrs().ok()?;
    addresses.find_map(|address| TcpStream::connect_timeout(&address, ATTEMPT).ok())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn what_is_given_is_told_apart() {
        let kind = |text| match Ready::parse(text) {
            Ok(Ready::Http(page)) => format!("page {} at {}", page.path, page.origin.unwrap()),
            Ok(Ready::Tcp(address)) => format!("address {address}"),
            Ok(Ready::Line(pattern)) => format!("line {pattern}"),
            Err(error) => format!("error {error}"),
        };
        assert_eq!(
            kind("http://localhost:8000/health?x=1"),
            "page /health?x=1 at localhost:8000"
        );
        assert_eq!(kind("http://localhost"), "page / at localhost:80");
        assert_eq!(kind("127.0.0.1:8000"), "address 127.0.0.1:8000");
        assert_eq!(kind("[::1]:8000"), "address [::1]:8000");
        assert_eq!(kind("Listening at"), "line Listening at");
        assert_eq!(kind(r"started in \d+:80"), r"line started in \d+:80");
        assert_eq!(kind(":8000"), "address localhost:8000");
        assert_eq!(kind("localhost:8000/"), "page / at localhost:8000");
        assert_eq!(kind(":8000/up"), "page /up at localhost:8000");
        assert_eq!(kind("HTTP://web:1/x"), "page /x at web:1");
        assert_eq!(kind("http://web:1?x=1"), "page /?x=1 at web:1");
        assert_eq!(
            kind("Uvicorn running on http://.*:80"),
            "line Uvicorn running on http://.*:80"
        );
        assert_eq!(kind("at /tmp/x:80"), "line at /tmp/x:80");
        for (text, word) in [
            ("8000", "written `:8000`"),
            ("8765/health", "written `:8765`"),
            ("localhost/health", "write `localhost:8000/health`"),
            ("::1:8765", "write `[ADDRESS]:PORT`"),
            (":99999", "no port 99999"),
            ("http://web:99999/", "no port 99999"),
            ("http://me:pw@web/", "write `http://HOST:PORT/PATH`"),
            ("tcp://web:80", "only http"),
            ("http://web:8O00/", "write `http://HOST:PORT/PATH`"),
            ("localhost", "names no port"),
            ("127.0.0.1", "names no port"),
            ("HTTPS://localhost", "only http"),
        ] {
            assert!(kind(text).contains(word), "{text}: {}", kind(text));
        }
        assert!(kind("https://localhost").starts_with("error"));
        assert!(kind("http:///x").starts_with("error"));
        assert!(kind("(").starts_with("error"));
    }

    #[test]
    fn an_answer_counts_by_its_status() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = std::thread::spawn(move || {
            for answer in ["200 OK", "503 Busy", "301 Moved", "404 Not Found"] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 1024];
                assert!(stream.read(&mut request).unwrap() > 0);
                write!(stream, "HTTP/1.1 {answer}\r\n\r\n").unwrap();
            }
        });
        let ready = Ready::parse(&format!("http://{address}/")).unwrap();
        assert_eq!([(); 3].map(|()| ready.answers()), [true, false, true]);
        assert!(ready.lack().ends_with("answers with status 404"));
        server.join().unwrap();
        assert!(!ready.answers());
        assert!(
            ready.lack().ends_with("does not answer"),
            "{}",
            ready.lack()
        );
    }
}
