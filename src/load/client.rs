//! One request over a socket: connect, ask, read the answer to its end.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::answer::{Head, end_of_head};
use super::failure::Failure;

/// A head must fit in here; bodies go through it.
const BUFFER: usize = 64 << 10;
/// So often a request that waits looks whether it is still wanted.
const TICK: Duration = Duration::from_millis(100);

/// One of the connections of a load.
pub(super) struct Client<'a> {
    keep_alive: bool,
    /// A request that takes longer has failed.
    patience: Duration,
    stop: &'a AtomicBool,
    /// By server: the connection that is open, and which of its addresses was the last to take one.
    lines: Vec<Line>,
    buffer: Vec<u8>,
}

#[derive(Default)]
struct Line {
    open: Option<TcpStream>,
    address: usize,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub status: u16,
    /// Where else the page is, where the status says so.
    pub location: Option<String>,
}

/// An exchange that was cut short.
struct Cut {
    failure: Failure,
    /// Whether the server had said anything.
    answered: bool,
}

impl<'a> Client<'a> {
    pub(super) fn new(
        servers: usize,
        keep_alive: bool,
        patience: Duration,
        stop: &'a AtomicBool,
    ) -> Self {
        Self {
            keep_alive,
            patience,
            stop,
            lines: std::iter::repeat_with(Line::default)
                .take(servers)
                .collect(),
            buffer: vec![0; BUFFER],
        }
    }

    /// Asks a server, which is known by its number and its addresses.
    pub(super) fn ask(
        &mut self,
        server: usize,
        addresses: &[SocketAddr],
        request: &[u8],
    ) -> Result<Answer, Failure> {
        let deadline = Instant::now() + self.patience;
        let kept = self.lines.get_mut(server).and_then(|line| line.open.take());
        if let Some(stream) = kept {
            match self.exchange(server, stream, request, deadline) {
                // The server may have ended the connection before it could know of the request.
                Err(Cut {
                    failure: Failure::Broken(_),
                    answered: false,
                }) => {}
                Err(cut) => return Err(cut.failure),
                Ok(answer) => return Ok(answer),
            }
        }
        let stream = self.connect(server, addresses, deadline)?;
        self.exchange(server, stream, request, deadline)
            .map_err(|cut| cut.failure)
    }

    fn connect(
        &mut self,
        server: usize,
        addresses: &[SocketAddr],
        deadline: Instant,
    ) -> Result<TcpStream, Failure> {
        let last = self.lines.get(server).map_or(0, |line| line.address);
        let mut failure = Failure::Refused("it has no address".into());
        for turn in 0..addresses.len() {
            let at = (last + turn).checked_rem(addresses.len()).unwrap_or(0);
            let Some(address) = addresses.get(at) else {
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Failure::Timeout(self.patience));
            }
            match TcpStream::connect_timeout(address, left) {
                Ok(stream) => {
                    if let Some(line) = self.lines.get_mut(server) {
                        line.address = at;
                    }
                    return prepared(stream);
                }
                Err(error) if error.kind() == ErrorKind::TimedOut => {
                    failure = Failure::Timeout(self.patience);
                }
                Err(error) => failure = Failure::refused(&error),
            }
        }
        Err(failure)
    }

    fn exchange(
        &mut self,
        server: usize,
        mut stream: TcpStream,
        request: &[u8],
        deadline: Instant,
    ) -> Result<Answer, Cut> {
        let silent = |failure| Cut {
            failure,
            answered: false,
        };
        self.send(&mut stream, request, deadline).map_err(silent)?;
        let (mut head, mut behind, mut filled) = self.head(&mut stream, 0, deadline)?;
        // A server may say several times that it goes on.
        while matches!(head.status, 100 | 102..200) {
            self.buffer.copy_within(behind..filled, 0);
            (head, behind, filled) = self.head(&mut stream, filled - behind, deadline)?;
        }
        let clean = self.body(&mut stream, &mut head, behind..filled, deadline);
        let clean = clean.map_err(|failure| Cut {
            failure,
            answered: true,
        })?;
        if self.keep_alive
            && clean
            && head.stays_open
            && let Some(line) = self.lines.get_mut(server)
        {
            line.open = Some(stream);
        }
        if head.status >= 400 || head.status < 200 {
            return Err(Cut {
                failure: Failure::Status(head.status),
                answered: true,
            });
        }
        Ok(Answer {
            status: head.status,
            location: head.location,
        })
    }

    fn send(
        &self,
        stream: &mut TcpStream,
        mut request: &[u8],
        deadline: Instant,
    ) -> Result<(), Failure> {
        while !request.is_empty() {
            let sent = self.patiently(deadline, || stream.write(request))?;
            if sent == 0 {
                return Err(Failure::Broken("it takes no more".into()));
            }
            request = request.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    /// Reads a head, of which so many bytes are in the buffer: what it says, where it ends, and how far the buffer is filled.
    fn head(
        &mut self,
        stream: &mut TcpStream,
        mut filled: usize,
        deadline: Instant,
    ) -> Result<(Head, usize, usize), Cut> {
        let mut looked = 0;
        loop {
            let known = self.buffer.get(..filled).unwrap_or_default();
            if let Some(end) = end_of_head(known, looked) {
                let head = Head::parse(known.get(..end).unwrap_or_default());
                let head = head.map_err(|why| Cut {
                    failure: Failure::Nonsense(why),
                    answered: true,
                })?;
                return Ok((head, end, filled));
            }
            looked = filled;
            let cut = |failure| Cut {
                failure,
                answered: filled > 0,
            };
            if filled == BUFFER {
                return Err(cut(Failure::Nonsense(format!(
                    "its head is longer than {} KiB",
                    BUFFER >> 10
                ))));
            }
            match self.read(stream, filled, deadline).map_err(cut)? {
                0 => return Err(cut(ended())),
                count => filled += count,
            }
        }
    }

    /// Reads a body to its end, of which so much is in the buffer. Whether nothing came behind it.
    fn body(
        &mut self,
        stream: &mut TcpStream,
        head: &mut Head,
        known: std::ops::Range<usize>,
        deadline: Instant,
    ) -> Result<bool, Failure> {
        let known = self.buffer.get(known).unwrap_or_default();
        let mut used = head.body.take(known).map_err(Failure::Nonsense)?;
        let mut came = known.len();
        while !head.body.is_over() {
            came = self.read(stream, 0, deadline)?;
            if came == 0 {
                return if head.body.may_end() {
                    Ok(false)
                } else {
                    Err(ended())
                };
            }
            let bytes = self.buffer.get(..came).unwrap_or_default();
            used = head.body.take(bytes).map_err(Failure::Nonsense)?;
        }
        Ok(used == came)
    }

    fn read(
        &mut self,
        stream: &mut TcpStream,
        from: usize,
        deadline: Instant,
    ) -> Result<usize, Failure> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let free = buffer.get_mut(from..).unwrap_or_default();
        let read = self.patiently(deadline, || stream.read(free));
        self.buffer = buffer;
        read
    }

    /// Does what waits for a tick at most, until it has done something or the time is up.
    fn patiently(
        &self,
        deadline: Instant,
        mut what: impl FnMut() -> std::io::Result<usize>,
    ) -> Result<usize, Failure> {
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Failure::Stopped);
            }
            if Instant::now() >= deadline {
                return Err(Failure::Timeout(self.patience));
            }
            match what() {
                Ok(count) => return Ok(count),
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                    _ => return Err(Failure::broken(&error)),
                },
            }
        }
    }
}

fn prepared(stream: TcpStream) -> Result<TcpStream, Failure> {
    let set = stream
        .set_nodelay(true)
        .and_then(|()| stream.set_read_timeout(Some(TICK)))
        .and_then(|()| stream.set_write_timeout(Some(TICK)));
    set.map_err(|error| Failure::broken(&error))?;
    Ok(stream)
}

fn ended() -> Failure {
    Failure::Broken("it ended before the answer did".into())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread::{self, JoinHandle};

    use super::*;

    /// What is said over one connection.
    #[derive(Clone, Debug)]
    struct Script {
        text: String,
        /// Bytes behind it.
        bytes: usize,
        /// What is said over and over behind it, and whether with pauses.
        again: Option<(String, bool)>,
        pieces: usize,
        waits: bool,
    }

    impl Script {
        fn says(text: &str) -> Self {
            Self {
                text: text.into(),
                bytes: 0,
                again: None,
                pieces: usize::MAX,
                waits: false,
            }
        }

        /// So many bytes at a time.
        fn in_pieces(self, pieces: usize) -> Self {
            Self { pieces, ..self }
        }

        fn and_then_bytes(self, bytes: usize) -> Self {
            Self { bytes, ..self }
        }

        fn and_repeats(self, text: &str, slowly: bool) -> Self {
            Self {
                again: Some((text.into(), slowly)),
                ..self
            }
        }

        /// The connection stays open until the client ends it.
        fn and_waits(self) -> Self {
            Self {
                waits: true,
                ..self
            }
        }

        fn play(&self, mut stream: TcpStream) -> std::io::Result<()> {
            stream.set_nodelay(true)?;
            let mut seen = [0; 4096];
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                match stream.read(&mut seen)? {
                    0 => return Ok(()),
                    count => request.extend_from_slice(&seen[..count]),
                }
            }
            for piece in self.text.as_bytes().chunks(self.pieces) {
                stream.write_all(piece)?;
            }
            for _ in 0..self.bytes / 4096 {
                stream.write_all(&seen)?;
            }
            while let Some((text, slowly)) = &self.again {
                stream.write_all(text.as_bytes())?;
                if *slowly {
                    thread::sleep(Duration::from_millis(5));
                }
            }
            while self.waits && stream.read(&mut seen)? > 0 {}
            Ok(())
        }
    }

    /// Plays a script for each connection, one after the other, and ends.
    fn serve(scripts: Vec<Script>) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = thread::spawn(move || {
            for script in scripts {
                // The client may go whenever it likes.
                let _ = script.play(listener.accept().unwrap().0);
            }
        });
        (address, thread)
    }

    /// Asks a server that says this to its first request; patience is 300 ms.
    fn ask(script: Script) -> (Result<u16, Failure>, Duration) {
        let (address, server) = serve(vec![script]);
        let stop = AtomicBool::new(false);
        let mut client = Client::new(1, true, Duration::from_millis(300), &stop);
        let began = Instant::now();
        let answer = client.ask(0, &[address], b"GET / HTTP/1.1\r\n\r\n");
        let took = began.elapsed();
        drop(client);
        server.join().unwrap();
        (answer.map(|answer| answer.status), took)
    }

    fn says(text: &str) -> Script {
        Script::says(text)
    }

    #[test]
    fn answers_are_read_whole_whatever_says_where_they_end() {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "HTTP/1.0 200 OK\r\n\r\nok",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        ] {
            assert_eq!(ask(says(text)).0, Ok(200), "{text:?}");
            assert_eq!(ask(says(text).in_pieces(1)).0, Ok(200), "{text:?}");
        }
        assert_eq!(ask(says("HTTP/1.1 204 No\r\n\r\n").and_waits()).0, Ok(204));
        assert_eq!(
            ask(says("HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n").and_waits()).0,
            Ok(304)
        );
        assert_eq!(
            ask(says("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")).0,
            Err(Failure::Status(500))
        );
        assert_eq!(
            ask(says("HTTP/1.1 101 Switching\r\n\r\n")).0,
            Err(Failure::Status(101))
        );
    }

    #[test]
    fn a_large_answer_goes_through_a_small_buffer() {
        let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 20 << 20);
        assert_eq!(ask(says(&text).and_then_bytes(20 << 20)).0, Ok(200));
    }

    #[test]
    fn hostile_answers_never_hang_beyond_the_patience() {
        let timeout = Failure::Timeout(Duration::from_millis(300));
        let broken = Failure::Broken("it ended before the answer did".into());
        let head = format!("HTTP/1.1 200 OK\r\nA: {}", "x".repeat(70 << 10));
        for (script, failure) in [
            (says("").and_waits(), timeout.clone()),
            (
                says("HTTP/1.1 200 OK\r\nContent-Le").and_waits(),
                timeout.clone(),
            ),
            (
                says("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nx")
                    .and_waits(),
                timeout.clone(),
            ),
            (
                says("HTTP/1.1 200 OK\r\n\r\nx").and_waits(),
                timeout.clone(),
            ),
            (
                says("HTTP/1.1 200 OK\r\n").and_repeats("A: b\r\n", true),
                timeout.clone(),
            ),
            (
                says("").and_repeats("HTTP/1.1 100 Continue\r\n\r\n", true),
                timeout.clone(),
            ),
            (
                says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    .and_repeats("1\r\nx\r\n", true),
                timeout.clone(),
            ),
            (
                says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;")
                    .and_repeats("x", true),
                timeout.clone(),
            ),
            (
                says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
                    .and_repeats("A: b\r\n", true),
                timeout,
            ),
            (says(""), broken.clone()),
            (says("HTTP/1.1 200 OK\r\n"), broken.clone()),
            (
                says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
                broken.clone(),
            ),
            (
                says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nx"),
                broken,
            ),
        ] {
            let (found, took) = ask(script.clone());
            assert_eq!(found, Err(failure), "{script:?}");
            assert!(took < Duration::from_secs(5), "{took:?} {script:?}");
        }
        for (script, said) in [
            (says(&head), "longer than 64 KiB"),
            (says("").and_repeats("x", false), "longer than 64 KiB"),
            (
                says("HTTP/1.1 200 OK\r\n").and_repeats("A: b\r\n", false),
                "longer than 64 KiB",
            ),
            (
                says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n"),
                "a size in its body",
            ),
            (
                says("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"),
                "no length that can be",
            ),
            (says("+OK POP3 ready\r\n\r\n"), "no HTTP"),
        ] {
            let (found, _) = ask(script.clone());
            assert!(
                matches!(&found, Err(Failure::Nonsense(why)) if why.contains(said)),
                "{found:?} {script:?}"
            );
        }
    }

    #[test]
    fn a_connection_that_the_server_ended_is_made_anew() {
        let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        // It promises to stay, and goes.
        let (address, server) = serve(vec![says(ok), says(ok), says("HTTP/1.1 200 OK\r\nCont")]);
        let stop = AtomicBool::new(false);
        let mut client = Client::new(1, true, Duration::from_secs(5), &stop);
        let mut ask = || client.ask(0, &[address], b"GET / HTTP/1.1\r\n\r\n");
        assert!(ask().is_ok());
        std::thread::sleep(Duration::from_millis(50));
        assert!(ask().is_ok(), "made anew");
        std::thread::sleep(Duration::from_millis(50));
        assert!(
            matches!(ask(), Err(Failure::Broken(_))),
            "it had begun to answer"
        );
        server.join().unwrap();
        assert!(matches!(ask(), Err(Failure::Refused(_))));
    }

    #[test]
    fn what_is_not_wanted_any_more_ends_soon() {
        let (address, server) = serve(vec![says("").and_waits()]);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(100));
                stop.store(true, Ordering::Relaxed);
            });
            let began = Instant::now();
            let mut client = Client::new(1, false, Duration::from_secs(60), &stop);
            assert_eq!(
                client.ask(0, &[address], b"GET / HTTP/1.1\r\n\r\n"),
                Err(Failure::Stopped)
            );
            assert!(began.elapsed() < Duration::from_secs(5));
        });
        server.join().unwrap();
    }
}
