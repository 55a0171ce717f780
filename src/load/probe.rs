//! One request beside everything else: whether a server answers, while it is being watched.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::Settings;
use super::client::{Answer, Client};
use super::failure::Failure;
use super::request::Request;
use super::target::Target;

/// A request whose answer is waited for. It is given up when this is dropped.
pub(crate) struct Probe {
    stop: Arc<AtomicBool>,
    answer: Receiver<Result<Answer, Failure>>,
}

impl Probe {
    /// Asks for a page with the headers of these settings. A page that names no server is refused.
    #[must_use]
    pub(crate) fn start(settings: &Settings, target: &Target, patience: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (send, answer) = channel();
        let request = Request::of(settings, target).bytes(0);
        let addresses = target.origin.as_ref().map(|origin| origin.addresses());
        let addresses = addresses.and_then(Result::ok).unwrap_or_default();
        let wanted = Arc::clone(&stop);
        thread::spawn(move || {
            let _ = send.send(ask(&addresses, &request, patience, &wanted));
        });
        Self { stop, answer }
    }

    /// Waits so long, or until it has come.
    pub(crate) fn wait(&mut self, limit: Duration) -> Option<Result<Answer, Failure>> {
        match self.answer.recv_timeout(limit) {
            Ok(answer) => Some(answer),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(Failure::Stopped)),
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn ask(
    addresses: &[SocketAddr],
    request: &[u8],
    patience: Duration,
    stop: &AtomicBool,
) -> Result<Answer, Failure> {
    Client::new(1, false, patience, stop).ask(0, addresses, request)
}
