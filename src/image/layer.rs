//! A layer: an archive of tar, compressed or not, read as a stream.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// What the layers of an image unpack to is not believed beyond so many bytes, and not beyond so many times their size where that is much.
const LARGEST: u64 = 64 << 30;
const RATIO: u64 = 200;
const MUCH: u64 = 1 << 30;

/// How much the layers of an image unpacked to, and how much they may, in bytes.
#[derive(Debug, Default)]
pub(super) struct Unpacked {
    stored: AtomicU64,
    read: AtomicU64,
}

impl Unpacked {
    /// Another layer, which has so many bytes as it is stored.
    pub(super) fn allow(&self, stored: u64) {
        self.stored.fetch_add(stored, Ordering::Relaxed);
    }

    fn take(&self, bytes: u64) -> io::Result<()> {
        let stored = self.stored.load(Ordering::Relaxed);
        let most = LARGEST.min(MUCH.max(stored.saturating_mul(RATIO)));
        if self.read.fetch_add(bytes, Ordering::Relaxed) + bytes <= most {
            return Ok(());
        }
        let why = "it unpacks to far more than a layer holds: it is not read any further";
        Err(io::Error::new(io::ErrorKind::InvalidData, why))
    }
}

/// Gives the archive of a layer, however it is compressed, by how it begins.
///
/// # Errors
/// Where it begins in a way that is not known.
pub(super) fn unpacked<'a>(
    bytes: impl Read + Send + 'a,
    budget: &'a Unpacked,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut bytes = BufReader::with_capacity(1 << 16, bytes);
    let head = bytes.fill_buf()?;
    let inner: Box<dyn Read + Send + 'a> = if head.starts_with(b"\x1f\x8b") {
        Box::new(MultiGzDecoder::new(bytes))
    } else if head.starts_with(b"\x28\xb5\x2f\xfd") || is_skipped(head) {
        Box::new(Zstd::of(bytes))
    } else if head.starts_with(b"BZh") || head.starts_with(b"\xfd7zX") {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is compressed as no layer is (gzip, zstd or nothing)",
        ));
    } else {
        Box::new(bytes)
    };
    Ok(Box::new(Bounded { inner, budget }))
}

/// Whether zstd's reader is told to pass over what begins here (RFC 8878, 3.1.2).
fn is_skipped(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// Ends with an error where more comes than anybody packs.
struct Bounded<'a, R> {
    inner: R,
    budget: &'a Unpacked,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.budget.take(read as u64)?;
        Ok(read)
    }
}

/// Frames of zstd, one after the other, and what lies between them.
struct Zstd<R> {
    source: R,
    decoder: FrameDecoder,
    /// The source has ended where a frame may begin.
    ended: bool,
    /// What the frame came to so far, in bytes.
    given: u64,
}

impl<R: Read> Zstd<R> {
    fn of(source: R) -> Self {
        Self {
            source,
            decoder: FrameDecoder::new(),
            ended: false,
            given: 0,
        }
    }

    /// Begins the next frame, if one is left; what is to be passed over is.
    fn next_frame(&mut self) -> io::Result<()> {
        let mut head = [0; 4];
        loop {
            let first = self.source.read(head.get_mut(..1).unwrap_or_default())?;
            if first == 0 {
                self.ended = true;
                return Ok(());
            }
            self.source
                .read_exact(head.get_mut(1..).unwrap_or_default())?;
            if !is_skipped(&head) {
                let frame = head.chain(&mut self.source);
                return self.decoder.init(frame).map_err(|error| damaged(&error));
            }
            self.source.read_exact(&mut head)?;
            let length = u64::from(u32::from_le_bytes(head));
            let passed = io::copy(&mut (&mut self.source).take(length), &mut io::sink())?;
            if passed < length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

impl<R: Read> Zstd<R> {
    /// Whether a frame came to what it says of itself (RFC 8878, 3.1.1).
    fn held(&mut self) -> io::Result<()> {
        let said = self.decoder.content_size();
        let given = std::mem::take(&mut self.given);
        if said != 0 && said != given {
            return Err(damaged(&"it has another size than it says"));
        }
        match (
            self.decoder.get_checksum_from_data(),
            self.decoder.get_calculated_checksum(),
        ) {
            (Some(said), Some(own)) if said != own => {
                Err(damaged(&"it has another sum than it says"))
            }
            _ => Ok(()),
        }
    }
}

fn damaged(why: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("its zstd is damaged: {why}"),
    )
}

impl<R: Read> Read for Zstd<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.decoder.can_collect() > 0 {
                let read = self.decoder.read(into)?;
                self.given += read as u64;
                return Ok(read);
            }
            if self.ended || into.is_empty() {
                return Ok(0);
            }
            if self.decoder.is_finished() {
                self.held()?;
                self.next_frame()?;
            } else {
                let blocks = BlockDecodingStrategy::UptoBlocks(1);
                let decoded = self.decoder.decode_blocks(&mut self.source, blocks);
                decoded.map_err(|error| damaged(&error))?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn all(bytes: &[u8], taken: u64) -> Result<Vec<u8>, String> {
        let mut found = Vec::new();
        let budget = Unpacked::default();
        budget.take(taken).unwrap();
        let inner = unpacked(bytes, &budget).map_err(|error| error.to_string());
        let read = inner?.read_to_end(&mut found);
        read.map(|_| found).map_err(|error| error.to_string())
    }

    #[test]
    fn layers_are_unpacked_however_they_are_packed() {
        let text = b"a layer".repeat(1000);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text).unwrap();
        let gzip = gzip.finish().unwrap();
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        let zstd = ruzstd::encoding::compress_to_vec(text.as_slice(), level);
        // As zstd:chunked has it: frames one after the other, and what is passed over.
        let skipped = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
        let frames = [&skipped[..], &zstd, &zstd, &skipped].concat();
        for packed in [&text, &gzip, &zstd] {
            assert_eq!(all(packed, 0).as_ref(), Ok(&text));
        }
        let twice = text.repeat(2);
        assert_eq!(all(&frames, 0).as_ref(), Ok(&twice));
        assert_eq!(all(&[gzip.as_slice(); 2].concat(), 0), Ok(twice));
        assert!(all(&zstd[..zstd.len() - 3], 0).is_err());
    }

    #[test]
    fn what_unpacks_without_an_end_is_not_read_to_it() {
        let text = vec![0; 1 << 20];
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text).unwrap();
        let gzip = gzip.finish().unwrap();
        assert!(
            all(&gzip, MUCH - (1 << 19))
                .unwrap_err()
                .contains("far more than a layer holds")
        );
    }
}
