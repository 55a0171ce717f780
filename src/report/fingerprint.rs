//! What tells one finding from another from run to run: it stays where lines move, where other findings come and go, and where
//! the version of a base image does.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::finding::{Finding, Subject};

/// The fingerprints of findings, in their order: 32 hexadecimal digits each.
///
/// It is made of the rule, the path, the bytes at fault where the finding is about something written, and a number where that
/// is the same for several.
#[must_use]
pub(crate) fn fingerprints(findings: &[Finding]) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let one = |finding: &Finding| {
        let key = key(finding);
        let times = seen.entry(key.clone()).or_default();
        *times += 1;
        digest(&format!("{key}\0{times}"))
    };
    findings.iter().map(one).collect()
}

fn key(finding: &Finding) -> String {
    let place = &finding.place;
    let text = match finding.subject {
        // What an image lacks stands nowhere.
        Subject::Image | Subject::File => String::new(),
        Subject::Text => {
            let text = place.file.text(place.span);
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        }
    };
    format!("{}\0{}\0{text}", finding.rule, place.file.path)
}

fn digest(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
