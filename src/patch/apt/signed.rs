//! Texts that bear their own signature (RFC 9580, 7): what is signed of one, and nothing around it.

use std::io::{BufReader, Read as _};

use pgp::armor::Dearmor;
use pgp::packet::{Packet, PacketParser, Signature};

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const MIDDLE: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";
/// The signatures have no more bytes, and no text has more of them.
const BYTES: u64 = 256 << 10;
const SIGNATURES: usize = 32;

/// A text and its signatures, which nobody has looked at.
#[derive(Debug)]
pub(super) struct Signed {
    /// The lines that are signed, without blanks at their ends.
    pub(super) text: String,
    pub(super) signatures: Vec<Signature>,
}

impl Signed {
    /// What signatures are about: the same lines as they are sent.
    pub(super) fn canonical(&self) -> Vec<u8> {
        self.text.replace('\n', "\r\n").into_bytes()
    }
}

/// Reads one.
///
/// # Errors
/// Where there is no signature, or anything outside of what is signed.
pub(super) fn read(bytes: &[u8]) -> Result<Signed, String> {
    let text = str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
    let mut lines = text
        .lines()
        .map(|line| line.trim_end_matches([' ', '\t', '\r']));
    if lines.next() != Some(BEGIN) {
        return Err(match text.contains(BEGIN) {
            true => "there is text in front of what is signed".into(),
            false => "it is not signed".into(),
        });
    }
    for head in lines.by_ref().take_while(|line| !line.is_empty()) {
        if !head.starts_with("Hash: ") {
            return Err(format!("`{head}` stands where nothing but `Hash:` may"));
        }
    }
    let mut body = Vec::new();
    loop {
        let line = lines.next().ok_or("its signature is missing")?;
        match line.strip_prefix('-') {
            None => body.push(line),
            Some(_) if line == MIDDLE => break,
            Some(rest) => body.push(
                rest.strip_prefix(' ')
                    .ok_or("it holds more than one signed text")?,
            ),
        }
    }
    let mut armor = format!("{MIDDLE}\n");
    loop {
        let line = lines.next().ok_or("its signature has no end")?;
        armor += &format!("{line}\n");
        if line == END {
            break;
        }
    }
    if lines.any(|line| !line.is_empty()) {
        return Err("there is text behind what is signed".into());
    }
    Ok(Signed {
        text: body.join("\n"),
        signatures: signatures(&armor)?,
    })
}

fn signatures(armor: &str) -> Result<Vec<Signature>, String> {
    let wrong = |error: pgp::errors::Error| format!("its signature is damaged: {error}");
    let packets = BufReader::new(Dearmor::new(armor.as_bytes()).take(BYTES));
    let mut found = Vec::new();
    for packet in PacketParser::new(packets) {
        match packet.map_err(wrong)? {
            Packet::Signature(signature) => found.push(signature),
            _ => return Err("something else stands in place of its signature".into()),
        }
        if found.len() > SIGNATURES {
            return Err("it has more signatures than anybody makes".into());
        }
    }
    match found.is_empty() {
        true => Err("its signature is empty".into()),
        false => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_one_signed_text_is_read() {
        let text = |before: &str, head: &str, body: &str, after: &str| {
            format!("{before}{BEGIN}\n{head}\n\n{body}\n{MIDDLE}\n\n=\n{END}\n{after}")
        };
        let why = |text: String| read(text.as_bytes()).unwrap_err();
        assert!(why(String::new()).contains("not signed"));
        assert!(why("Suite: x\n".into()).contains("not signed"));
        let before = text("Suite: x\n", "Hash: SHA256", "a", "");
        assert!(why(before).contains("in front"));
        let after = text("", "Hash: SHA256", "a", "Suite: x\n");
        assert!(why(after).contains("behind"));
        let head = text("", "Suite: x", "a", "");
        assert!(why(head).contains("`Suite: x`"));
        let twice = text("", "Hash: SHA256", &format!("a\n{BEGIN}\n"), "");
        assert!(why(twice).contains("more than one"));
        assert!(why(text("", "Hash: SHA256", "- a", "")).contains("signature"));
        assert!(why(format!("{BEGIN}\n\na\n")).contains("missing"));
        assert!(why(format!("{BEGIN}\n\na\n{MIDDLE}\n")).contains("no end"));
    }
}
