//! A server for tests that says what it is told to, byte for byte.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What is said over one connection.
#[derive(Clone, Debug)]
pub(super) struct Script {
    text: String,
    /// Bytes behind it.
    bytes: usize,
    /// What is said over and over behind it, and whether with pauses.
    again: Option<(String, bool)>,
    pieces: usize,
    waits: bool,
}

impl Script {
    pub(super) fn says(text: &str) -> Self {
        Self {
            text: text.into(),
            bytes: 0,
            again: None,
            pieces: usize::MAX,
            waits: false,
        }
    }

    /// So many bytes at a time.
    pub(super) fn in_pieces(self, pieces: usize) -> Self {
        Self { pieces, ..self }
    }

    pub(super) fn and_then_bytes(self, bytes: usize) -> Self {
        Self { bytes, ..self }
    }

    pub(super) fn and_repeats(self, text: &str, slowly: bool) -> Self {
        Self {
            again: Some((text.into(), slowly)),
            ..self
        }
    }

    /// The connection stays open until the client ends it.
    pub(super) fn and_waits(self) -> Self {
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
pub(super) fn serve(scripts: Vec<Script>) -> (SocketAddr, JoinHandle<()>) {
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
