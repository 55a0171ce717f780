//! Answers that may take their time as long as they come: who sends a byte now and then is not waited for.

use std::io::{self, Read};
use std::time::{Duration, Instant};

/// So many bytes have to come in a second, and it is looked at so often while somebody waits.
const SLOWEST: u64 = 16 << 10;
const WINDOW: Duration = Duration::from_secs(10);

/// Watches how fast bytes come. The time that the reader takes for itself does not count.
pub(super) struct Paced<R> {
    inner: R,
    waited: Duration,
    came: u64,
}

impl<R: Read> Paced<R> {
    pub(super) const fn new(inner: R) -> Self {
        Self {
            inner,
            waited: Duration::ZERO,
            came: 0,
        }
    }
}

impl<R: Read> Read for Paced<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let start = Instant::now();
        let read = self.inner.read(into)?;
        self.waited += start.elapsed();
        self.came += read as u64;
        if self.waited > WINDOW {
            if self.came < SLOWEST * self.waited.as_secs() {
                let why = "it comes more slowly than anybody waits for";
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
            (self.waited, self.came) = (Duration::ZERO, 0);
        }
        Ok(read)
    }
}
