//! How the bytes of an answer are read: its head, and where its body ends. Bodies are counted, never kept.

use httparse::{EMPTY_HEADER, Response, Status};

/// An answer with more lines in its head is refused.
const LINES: usize = 256;

/// What the head of an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) body: Body,
    /// Whether the server takes another request over the same connection.
    pub(super) stays_open: bool,
    /// Where else the page is.
    pub(super) location: Option<String>,
}

/// What is left of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// So many bytes.
    Length(u64),
    /// Chunks, each with its size before it.
    Chunks(Chunk),
    /// Whatever comes until the connection ends.
    UntilClose,
}

/// Where in a chunked body the next byte is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// In the size: what it is so far, and how many digits it has.
    Size(u64, u32),
    /// Behind it, in what need not be understood.
    Extension(u64),
    /// In the data: so many bytes are left.
    Data(u64),
    /// Between the data and the next size.
    End,
    /// In the lines behind the last chunk; whether this one is empty so far.
    Trailer(bool),
    /// Behind all of it.
    Over,
}

/// Where the head ends that begins these bytes, if it does; what lies before `from` was looked at already.
pub(super) fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
    // The end may begin among what was looked at.
    let from = from.saturating_sub(3);
    let rest = bytes.get(from..).unwrap_or_default();
    let ends = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let mut ends = ends.filter_map(|(at, _)| {
        let behind = rest.get(at + 1..).unwrap_or_default();
        let empty = [b"\r\n".as_slice(), b"\n"].into_iter();
        let line = empty
            .map(|line| (line, behind.starts_with(line)))
            .find(|(_, is)| *is);
        line.map(|(line, _)| from + at + 1 + line.len())
    });
    ends.next()
}

impl Head {
    /// Understands a whole head.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut headers = [EMPTY_HEADER; LINES];
        let mut answer = Response::new(&mut headers);
        match answer.parse(bytes) {
            Ok(Status::Complete(_)) => {}
            Ok(Status::Partial) => return Err("its head is cut off".into()),
            Err(httparse::Error::TooManyHeaders) => {
                return Err(format!("its head has more than {LINES} lines"));
            }
            Err(httparse::Error::Version | httparse::Error::Status) => {
                return Err("that is no HTTP".into());
            }
            Err(error) => return Err(format!("its head cannot be read ({error})")),
        }
        let status = answer.code.unwrap_or_default();
        let fields = Fields(answer.headers);
        let body = body(status, &fields)?;
        let persistent = answer.version == Some(1);
        let stays_open = if persistent {
            !fields.list("connection", "close")
        } else {
            fields.list("connection", "keep-alive")
        };
        let location = fields
            .all("location")
            .next()
            .filter(|_| (300..400).contains(&status));
        Ok(Self {
            status,
            stays_open: stays_open && body != Body::UntilClose,
            body,
            location: location.map(|text| String::from_utf8_lossy(text).into_owned()),
        })
    }
}

struct Fields<'h, 'b>(&'h [httparse::Header<'b>]);

impl<'b> Fields<'_, 'b> {
    fn all(&self, name: &str) -> impl Iterator<Item = &'b [u8]> {
        let named = self
            .0
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name));
        named.map(|field| field.value)
    }

    /// Whether the word is among the values, which commas separate.
    fn list(&self, name: &str, word: &str) -> bool {
        let mut values = self
            .all(name)
            .flat_map(|value| value.split(|byte| *byte == b','));
        values.any(|value| value.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
    }
}

/// Where the body ends (RFC 9112, 6.3).
fn body(status: u16, fields: &Fields<'_, '_>) -> Result<Body, String> {
    if matches!(status, 100..200 | 204 | 304) {
        return Ok(Body::Length(0));
    }
    if let Some(coding) = fields.all("transfer-encoding").last() {
        let last = coding
            .rsplit(|byte| *byte == b',')
            .next()
            .unwrap_or_default();
        return Ok(if last.trim_ascii().eq_ignore_ascii_case(b"chunked") {
            Body::Chunks(Chunk::Size(0, 0))
        } else {
            Body::UntilClose
        });
    }
    let mut length = None;
    for value in fields
        .all("content-length")
        .flat_map(|value| value.split(|byte| *byte == b','))
    {
        let number = number(value.trim_ascii());
        if number.is_none() || length.is_some_and(|known| Some(known) != number) {
            return Err("it gives no length that can be (`Content-Length`)".into());
        }
        length = number;
    }
    Ok(length.map_or(Body::UntilClose, Body::Length))
}

/// Digits alone: no sign, nothing else that Rust would take for a number.
fn number(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text)
        .ok()
        .filter(|_| digits)?
        .parse()
        .ok()
}

impl Body {
    /// Goes over what has come. Returns how many of the bytes belong to it.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize, String> {
        match self {
            Self::UntilClose => Ok(bytes.len()),
            Self::Length(left) => Ok(skip(left, bytes)),
            Self::Chunks(chunk) => {
                let mut used = 0;
                while let Some(rest) = bytes.get(used..).filter(|rest| !rest.is_empty()) {
                    if *chunk == Chunk::Over {
                        break;
                    }
                    used += chunk.take(rest)?;
                }
                Ok(used)
            }
        }
    }

    /// Whether nothing is left of it.
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunks(Chunk::Over))
    }

    /// Whether it is whole if the connection ends now.
    pub(super) fn may_end(&self) -> bool {
        self.is_over() || *self == Self::UntilClose
    }
}

fn skip(left: &mut u64, bytes: &[u8]) -> usize {
    let some = usize::try_from(*left)
        .unwrap_or(usize::MAX)
        .min(bytes.len());
    *left -= some as u64;
    some
}

impl Chunk {
    /// Goes over one byte, or over all that is data; never over nothing.
    fn take(&mut self, bytes: &[u8]) -> Result<usize, String> {
        let first = bytes.first().copied().unwrap_or_default();
        let next = match (&mut *self, first) {
            (Self::Data(left), _) => {
                let some = skip(left, bytes);
                if *left == 0 {
                    *self = Self::End;
                }
                return Ok(some);
            }
            (Self::Size(size, digits), b'\n') if *digits > 0 => Self::behind(*size),
            (Self::Size(size, digits), b'\r' | b';' | b' ' | b'\t') if *digits > 0 => {
                Self::Extension(*size)
            }
            (Self::Size(size, digits), digit) => {
                let digit = char::from(digit).to_digit(16).filter(|_| *digits < 16);
                let digit =
                    digit.ok_or("a size in its body is none (`Transfer-Encoding: chunked`)")?;
                Self::Size(*size * 16 + u64::from(digit), *digits + 1)
            }
            (Self::Extension(size), b'\n') => Self::behind(*size),
            (Self::End, b'\n') => Self::Size(0, 0),
            (Self::Trailer(true), b'\n') => Self::Over,
            (Self::Trailer(true), b'\r') => return Ok(1),
            (Self::Trailer(_), byte) => Self::Trailer(byte == b'\n'),
            (Self::Extension(_) | Self::Over, _) => return Ok(1),
            (Self::End, b'\r') => return Ok(1),
            (Self::End, _) => return Err("a part of its body is longer than it says".into()),
        };
        *self = next;
        Ok(1)
    }

    const fn behind(size: u64) -> Self {
        if size == 0 {
            Self::Trailer(true)
        } else {
            Self::Data(size)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Head, String> {
        Head::parse(text.as_bytes())
    }

    #[test]
    fn heads_end_at_an_empty_line() {
        for (text, end) in [
            ("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody\r\n\r\n", Some(25)),
            ("HTTP/1.1 200 OK\n\nbody", Some(17)),
            ("HTTP/1.1 200 OK\r\n", None),
            ("", None),
        ] {
            assert_eq!(end_of_head(text.as_bytes(), 0), end, "{text:?}");
            // However it comes in pieces.
            let whole = text.as_bytes();
            let found = (0..whole.len()).find_map(|known| end_of_head(&whole[..=known], known));
            assert_eq!(found, end, "{text:?}");
        }
    }

    #[test]
    fn bodies_end_as_the_standard_says() {
        for (text, body, stays) in [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
                Body::Length(5),
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\nConnection: x, Close\r\n\r\n",
                Body::Length(5),
                false,
            ),
            (
                "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n",
                Body::Length(5),
                false,
            ),
            (
                "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n",
                Body::Length(5),
                true,
            ),
            (
                "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n",
                Body::Length(0),
                true,
            ),
            ("HTTP/1.1 304 No\r\n\r\n", Body::Length(0), true),
            ("HTTP/1.1 200\r\n\r\n", Body::UntilClose, false),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\nContent-Length: 5\r\n\r\n",
                Body::Chunks(Chunk::Size(0, 0)),
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
                Body::UntilClose,
                false,
            ),
        ] {
            let head = head(text).unwrap();
            assert_eq!((head.body, head.stays_open), (body, stays), "{text:?}");
        }
        let moved = head("HTTP/1.1 302 Found\r\nLocation: /en/\r\n\r\n").unwrap();
        assert_eq!(moved.location.as_deref(), Some("/en/"));
    }

    #[test]
    fn heads_that_are_none() {
        for (text, said) in [
            ("SSH-2.0-OpenSSH_9.2\r\n\r\n", "no HTTP"),
            ("HTTP/2 200\r\n\r\n", "no HTTP"),
            ("HTTP/1.1 20x OK\r\n\r\n", "no HTTP"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                "no length that can be",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
                "no length that can be",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
                "no length that can be",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                "no length that can be",
            ),
            ("HTTP/1.1 200 OK\r\n no name\r\n\r\n", "cannot be read"),
        ] {
            let error = head(text).unwrap_err();
            assert!(error.contains(said), "{text:?}: {error}");
        }
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(300));
        assert!(head(&many).unwrap_err().contains("more than 256 lines"));
    }

    /// Whole, byte by byte, and followed by what belongs to nobody.
    fn chunks(text: &str) -> Result<Option<usize>, String> {
        let mut whole = Body::Chunks(Chunk::Size(0, 0));
        let used = whole.take(text.as_bytes());
        let mut single = Body::Chunks(Chunk::Size(0, 0));
        let mut sum = 0;
        for byte in text.as_bytes() {
            match single.take(&[*byte]) {
                Ok(used) => sum += used,
                Err(error) => {
                    assert_eq!(used, Err(error.clone()));
                    return Err(error);
                }
            }
        }
        assert_eq!((used.as_ref(), &whole), (Ok(&sum), &single), "{text:?}");
        Ok(whole.is_over().then_some(sum))
    }

    #[test]
    fn chunks_are_counted() {
        assert_eq!(chunks("5\r\nhello\r\n0\r\n\r\n"), Ok(Some(15)));
        assert_eq!(
            chunks("a;x=\"y\"\r\n0123456789\r\n00\r\nA: b\r\n\r\nHTTP"),
            Ok(Some(33))
        );
        assert_eq!(chunks("1\nx\n0\n\n"), Ok(Some(7)));
        assert_eq!(chunks("FFFFFFFFFFFFFFFF\r\nx"), Ok(None));
        for text in [
            "\r\n",
            "x\r\n",
            "-1\r\n",
            "0x5\r\n",
            "10000000000000000\r\n",
            "1\r\nxy",
            ";\r\n",
        ] {
            assert!(chunks(text).is_err(), "{text:?}");
        }
    }
}
