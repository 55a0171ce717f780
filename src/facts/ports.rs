//! On which ports servers listen (`ports.toml`).

use serde::Deserialize;

use super::data::{Names, Table};
use super::options::given;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    server: Vec<Server>,
    dashboard: Vec<Dashboard>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Server {
    names: Names,
    port: Option<u16>,
    #[serde(default)]
    options: Names,
    #[serde(default)]
    behind: Names,
    tcp: Option<String>,
    files: Option<String>,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Dashboard {
    port: u16,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader; the tests demand it")
    )]
    of: String,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

static FILE: Table<File> = Table::new(include_str!("ports.toml"));

fn server(name: &str) -> Option<&'static Server> {
    let mut all = FILE.get().server.iter();
    all.find(|server| server.names.iter().any(|own| own == name))
}

/// The port on which a server listens: that of its arguments, else the one that it takes by itself.
#[must_use]
pub(crate) fn port(name: &str, arguments: &[String]) -> Option<u16> {
    let server = server(name)?;
    let behind = |word: &&String| server.behind.iter().any(|own| own == word.as_str());
    let mut rest = arguments.iter().skip_while(|word| !behind(word)).skip(1);
    let argued = rest.find_map(|word| port_of(word));
    let option = given(arguments, server.options.iter()).and_then(|given| port_of(given.value?));
    option.or(argued).or(server.port)
}

/// The port that an address ends with, or is: `0.0.0.0:80`, `:80`, `80`.
fn port_of(address: &str) -> Option<u16> {
    let port = address.rsplit(':').next()?;
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|port| digits && *port > 0)
}

/// The argument with which a server listens on a port and not on a Unix socket.
#[must_use]
pub(crate) fn tcp_argument(name: &str) -> Option<&'static str> {
    server(name)?.tcp.as_deref()
}

/// Why the pages of a server run nothing of the application, where they are files of its own.
#[must_use]
pub(crate) fn pages_are_files(name: &str) -> Option<&'static str> {
    server(name)?.files.as_deref()
}

/// Whether what listens there shows how far a program is that works and ends.
#[must_use]
pub(crate) fn is_of_a_dashboard(port: u16) -> bool {
    FILE.get().dashboard.iter().any(|one| one.port == port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_parses_and_says_where_it_was_read() {
        FILE.check().unwrap();
        let servers = FILE.get().server.iter().map(|server| &server.source);
        let dashboards = FILE.get().dashboard.iter().map(|one| &one.source);
        assert!(
            servers
                .chain(dashboards)
                .all(|source| source.starts_with("https://"))
        );
        assert!(FILE.get().dashboard.iter().all(|one| !one.of.is_empty()));
        for server in &FILE.get().server {
            let known = |name| {
                crate::facts::programs::behaviour(name, &["run".into(), "runserver".into()])
                    .is_some()
            };
            assert!(server.names.iter().all(known), "{:?}", server.names);
        }
    }

    #[test]
    fn arguments_say_more_than_what_is_usual() {
        for (command, expected) in [
            ("gunicorn app:app", Some(8000)),
            ("gunicorn -b 0.0.0.0:9000 app:app", Some(9000)),
            ("gunicorn -b:9000 app:app", Some(9000)),
            ("gunicorn --bind=[::]:9000 app:app", Some(9000)),
            ("gunicorn -b unix:/run/app.sock app:app", Some(8000)),
            ("uvicorn app:app --port 9000", Some(9000)),
            ("uvicorn app:app --port $PORT", Some(8000)),
            ("waitress-serve --listen=*:9000 app:app", Some(9000)),
            ("waitress-serve app:app", Some(8080)),
            ("flask run -p 9000", Some(9000)),
            ("manage.py runserver", Some(8000)),
            ("manage.py runserver --noreload 0.0.0.0:9000", Some(9000)),
            ("manage.py runserver 9000", Some(9000)),
            ("uwsgi --http-socket :9000 --module app", Some(9000)),
            ("uwsgi --module app", None),
            ("nginx", None),
        ] {
            let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
            assert_eq!(port(&words[0], &words[1..]), expected, "{command}");
        }
        assert_eq!(tcp_argument("gunicorn"), Some("--bind 127.0.0.1:8000"));
        assert!(is_of_a_dashboard(8787) && !is_of_a_dashboard(8000));
    }
}
