//! Digests: what a part of an image is called by, and what it has to come to.

use std::fmt;
use std::io::{self, Read};

use serde::Deserialize;
use sha2::{Digest as _, Sha256, Sha512};

/// `sha256:` or `sha512:`, and lower-case hexadecimal digits (image-spec, descriptor.md, "Digests").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Digest(String);

impl Digest {
    /// Reads one; it is part of a path afterwards, so nothing else is let through.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (algorithm, hex) = text.split_once(':')?;
        let length = match algorithm {
            "sha256" => 64,
            "sha512" => 128,
            _ => return None,
        };
        let digits = hex
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (hex.len() == length && digits).then(|| Self(text.to_owned()))
    }

    /// What some bytes come to.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut state = Sha256::new();
        state.update(bytes);
        Self(format!("sha256:{}", State::Short(state).hex()))
    }

    /// What all bytes of a reader come to, and how many they are.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(crate) fn of_all(mut bytes: impl Read) -> io::Result<(Self, u64)> {
        let mut state = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        let mut size = 0;
        loop {
            let read = bytes.read(&mut buffer)?;
            if read == 0 {
                return Ok((Self(format!("sha256:{}", State::Short(state).hex())), size));
            }
            state.update(buffer.get(..read).unwrap_or_default());
            size += read as u64;
        }
    }

    /// The algorithm, and the digits.
    pub(crate) fn parts(&self) -> (&str, &str) {
        self.0.split_once(':').unwrap_or((&self.0, ""))
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("`{text}` is no digest of SHA-256 or SHA-512"))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

enum State {
    Short(Sha256),
    Long(Sha512),
}

impl State {
    fn of(digest: &Digest) -> Self {
        match digest.parts().0 {
            "sha512" => Self::Long(Sha512::new()),
            _ => Self::Short(Sha256::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Short(state) => state.update(bytes),
            Self::Long(state) => state.update(bytes),
        }
    }

    fn hex(self) -> String {
        let bytes = match self {
            Self::Short(state) => state.finalize().to_vec(),
            Self::Long(state) => state.finalize().to_vec(),
        };
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Hands bytes through, and says at their end whether they are those that were promised.
pub(super) struct Verified<R> {
    inner: R,
    /// What is still to come, in bytes, where that was promised, too.
    left: Option<u64>,
    wanted: Digest,
    state: Option<State>,
}

impl<R: Read> Verified<R> {
    /// `size`: what was promised, in bytes.
    pub(super) fn new(inner: R, wanted: &Digest, size: Option<u64>) -> Self {
        Self {
            inner,
            left: size,
            state: Some(State::of(wanted)),
            wanted: wanted.clone(),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        let Some(state) = self.state.take() else {
            return Ok(());
        };
        let wrong = |text: String| io::Error::new(io::ErrorKind::InvalidData, text);
        if self.left.is_some_and(|left| left > 0) || self.inner.read(&mut [0])? > 0 {
            return Err(wrong(format!(
                "{} has not the size that is said",
                self.wanted
            )));
        }
        if state.hex() != self.wanted.parts().1 {
            return Err(wrong(format!(
                "what is stored as {} comes to another digest: it was changed or damaged",
                self.wanted
            )));
        }
        Ok(())
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.left.unwrap_or(u64::MAX);
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(into.len());
        let part = into.get_mut(..most).unwrap_or_default();
        let read = match part.is_empty() {
            true => 0,
            false => self.inner.read(part)?,
        };
        if let Some(bytes) = part.get(..read)
            && let Some(state) = &mut self.state
        {
            state.update(bytes);
        }
        self.left = self.left.map(|left| left - read as u64);
        if read == 0 && !into.is_empty() || self.left == Some(0) {
            self.end()?;
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn only_digests_are_digests() {
        assert_eq!(Digest::parse(EMPTY).unwrap().to_string(), EMPTY);
        let hex = EMPTY.strip_prefix("sha256:").unwrap();
        for wrong in [
            "sha256:../../etc/passwd".to_owned(),
            EMPTY.to_uppercase(),
            format!("md5:{hex}"),
            format!("sha512:{hex}"),
            format!("{EMPTY}0"),
        ] {
            assert_eq!(Digest::parse(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_comes_to_something_else_is_an_error() {
        let hello = Digest::parse(
            "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        )
        .unwrap();
        let read = |bytes: &[u8], size: u64| {
            let mut text = String::new();
            Verified::new(bytes, &hello, Some(size))
                .read_to_string(&mut text)
                .map(|_| text)
                .map_err(|error| error.to_string())
        };
        assert_eq!(read(b"hello", 5).unwrap(), "hello");
        assert!(read(b"hellO", 5).unwrap_err().contains("another digest"));
        assert!(read(b"hell", 5).unwrap_err().contains("the size"));
        assert!(read(b"hello!", 5).unwrap_err().contains("the size"));
    }
}
