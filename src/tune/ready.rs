//! When a server is ready: an address answers, a page is there, or a line was printed.

use std::fmt;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use regex::Regex;

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(2);

/// What is waited for.
#[derive(Clone, Debug)]
pub enum Ready {
    /// A page that answers with a status below 400.
    Http {
        /// `host:port` to connect to.
        address: String,
        /// What the server is called.
        host: String,
        /// The page.
        path: String,
    },
    /// An address that takes connections.
    Tcp(String),
    /// A line of the server's output.
    Line(Regex),
}

impl Ready {
    /// Reads what the user gave: a URL, `host:port`, or else a pattern.
    ///
    /// # Errors
    /// In words for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with("https://") {
            return Err(format!(
                "`{text}`: only http is spoken here; use `host:port` instead"
            ));
        }
        if let Some(rest) = text.strip_prefix("http://") {
            let (host, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
            if host.is_empty() {
                return Err(format!("`{text}` names no host"));
            }
            let has_port = host
                .rsplit_once(':')
                .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
            let address = if has_port {
                host.to_owned()
            } else {
                format!("{host}:80")
            };
            return Ok(Self::Http {
                address,
                host: host.into(),
                path: path.into(),
            });
        }
        if let Some((host, port)) = text.rsplit_once(':')
            && port.parse::<u16>().is_ok()
            && !host.is_empty()
            && !host.contains(|c: char| c.is_whitespace() || "\\^$*+?()|{}".contains(c))
        {
            return Ok(Self::Tcp(text.to_owned()));
        }
        Regex::new(text)
            .map(Self::Line)
            .map_err(|error| error.to_string())
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
            Self::Http {
                address,
                host,
                path,
            } => status(address, host, path).is_some_and(|code| code < 400),
            Self::Tcp(address) => connect(address).is_some(),
            Self::Line(_) => false,
        }
    }
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { host, path, .. } => write!(f, "http://{host}{path} does not answer"),
            Self::Tcp(address) => write!(f, "{address} takes no connection"),
            Self::Line(pattern) => write!(f, "it printed no line that matches `{pattern}`"),
        }
    }
}

fn connect(address: &str) -> Option<TcpStream> {
    let mut addresses = address.to_socket_addrs().ok()?;
    addresses.find_map(|address| TcpStream::connect_timeout(&address, ATTEMPT).ok())
}

/// The status of a page.
fn status(address: &str, host: &str, path: &str) -> Option<u16> {
    let mut stream = connect(address)?;
    stream.set_read_timeout(Some(ATTEMPT)).ok()?;
    stream.set_write_timeout(Some(ATTEMPT)).ok()?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: malloclint\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).ok()?;
    drain(&mut stream);
    let head = std::str::from_utf8(&head).ok()?;
    head.strip_prefix("HTTP/1.")?.get(2..)?.trim().parse().ok()
}

/// Reads the rest of an answer, within reason: a server that is cut off may log a failure, and do
/// so in each run.
fn drain(stream: &mut TcpStream) {
    let start = Instant::now();
    let mut rest = [0; 4096];
    while start.elapsed() < ATTEMPT && stream.read(&mut rest).is_ok_and(|count| count > 0) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_told_apart() {
        let kind = |text| match Ready::parse(text) {
            Ok(Ready::Http { address, path, .. }) => format!("page {path} at {address}"),
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
        assert!(kind("https://localhost").starts_with("error"));
        assert!(kind("http:///x").starts_with("error"));
        assert!(kind("(").starts_with("error"));
    }

    #[test]
    fn an_answer_counts_by_its_status() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = std::thread::spawn(move || {
            for answer in ["200 OK", "503 Busy", "301 Moved"] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 1024];
                assert!(stream.read(&mut request).unwrap() > 0);
                write!(stream, "HTTP/1.1 {answer}\r\n\r\n").unwrap();
            }
        });
        let ready = Ready::parse(&format!("http://{address}/")).unwrap();
        assert_eq!([(); 3].map(|()| ready.answers()), [true, false, true]);
        server.join().unwrap();
        assert!(!ready.answers());
    }
}
