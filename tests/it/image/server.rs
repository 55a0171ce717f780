//! A registry that answers as a test wants it, on this machine.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What was asked.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    /// By their names in lower case.
    pub(super) heads: BTreeMap<String, String>,
    /// What was sent.
    pub(super) body: Vec<u8>,
    /// How often this path was asked for before.
    pub(super) before: usize,
}

/// What is answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) heads: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// The length that is said, where it is not the right one.
    pub(super) length: Option<usize>,
    /// So long nothing more comes after the body, and then the end.
    pub(super) silence: Duration,
}

impl Answer {
    pub(super) fn of(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.heads.push((name, value.into()));
        self
    }

    pub(super) fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: body.into(),
            ..self
        }
    }
}

/// It runs until the tests end.
pub(super) struct Server {
    /// `127.0.0.1:40123`
    pub(super) host: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub(super) fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                thread::spawn(move || while serve(&stream, &log, answer.as_ref()).is_some() {});
            }
        });
        Self { host, asked }
    }

    /// All that was asked, but for the first look at what it speaks.
    pub(super) fn asked(&self) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .filter(|asked| asked.path != "/v2/")
            .cloned()
            .collect()
    }

    pub(super) fn paths(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.path).collect()
    }
}

/// Answers once; nothing where the other side is gone, speaks something else, or is to go.
fn serve(
    stream: &TcpStream,
    log: &Mutex<Vec<Asked>>,
    answer: &dyn Fn(&Asked) -> Answer,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).ok()?;
    let first = String::from_utf8(line).ok()?;
    let mut words = first.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    words.next()?.starts_with("HTTP/1").then_some(())?;
    let mut heads = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        heads.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = heads.get("content-length");
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let asked = {
        let mut log = log.lock().unwrap();
        let before = log.iter().filter(|other| other.path == path).count();
        let asked = Asked {
            method,
            path,
            heads,
            body,
            before,
        };
        log.push(asked.clone());
        asked
    };
    let answer = answer(&asked);
    let mut text = format!("HTTP/1.1 {} X\r\n", answer.status);
    for (name, value) in &answer.heads {
        text += &format!("{name}: {value}\r\n");
    }
    let length = answer.length.unwrap_or(answer.body.len());
    text += &format!("Content-Length: {length}\r\n\r\n");
    let mut writer = stream;
    writer.write_all(text.as_bytes()).ok()?;
    if asked.method != "HEAD" {
        writer.write_all(&answer.body).ok()?;
    }
    thread::sleep(answer.silence);
    (length == answer.body.len()).then_some(())
}
