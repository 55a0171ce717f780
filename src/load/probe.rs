//! One request: whether a server answers. It is waited for, or made beside everything else, while the server is being watched.

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
        let (addresses, request) = (addresses(target), Request::of(settings, target).bytes(0));
        let wanted = Arc::clone(&stop);
        thread::spawn(move || {
            let _ = send.send(exchange(&addresses, &request, patience, &wanted));
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

/// Asks for a page once, with no headers but the usual ones, and waits for the whole answer.
///
/// # Errors
/// Why there is none within `patience`, or none with a status below 400.
pub(crate) fn ask(target: &Target, patience: Duration) -> Result<Answer, Failure> {
    let request = Request::of(&Settings::once(target.clone()), target).bytes(0);
    exchange(
        &addresses(target),
        &request,
        patience,
        &AtomicBool::new(false),
    )
}

/// None of a page that names no server, or one that is unknown.
fn addresses(target: &Target) -> Vec<SocketAddr> {
    let addresses = target.origin.as_ref().map(|origin| origin.addresses());
    addresses.and_then(Result::ok).unwrap_or_default()
}

fn exchange(
    addresses: &[SocketAddr],
    request: &[u8],
    patience: Duration,
    stop: &AtomicBool,
) -> Result<Answer, Failure> {
    Client::new(1, false, patience, stop).ask(0, addresses, request)
}
