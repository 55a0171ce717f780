//! Where a list names a package.

use std::sync::Arc;

use crate::text::{Place, SourceFile, Span};

/// The first line of a list that names a package.
pub(super) fn line_of(file: &Arc<SourceFile>, package: &str) -> Place {
    let names = |line: &str| {
        let lower = line.to_ascii_lowercase().replace('_', "-");
        !lower.trim_start().starts_with('#') && has_word(&lower, package)
    };
    let mut at = 0;
    if super::is_wide(&file.bytes) {
        // Each character has two bytes, and a mark stands before the first.
        let length = |line: &str| 2 * line.encode_utf16().count();
        at = 2;
        for line in super::whole(file).split_inclusive('\n') {
            if names(line) {
                return Place::new(file, Span::new(at, at + length(line.trim_end())));
            }
            at += length(line);
        }
        return Place::new(file, Span::empty(0));
    }
    for line in file.bytes.split_inclusive(|byte| *byte == b'\n') {
        if names(&String::from_utf8_lossy(line)) {
            let length = line.trim_ascii_end().len();
            return Place::new(file, Span::new(at, at + length));
        }
        at += line.len();
    }
    Place::new(file, Span::empty(0))
}

/// Whether a package stands in a line by itself: `torch`, not `torchvision`.
fn has_word(line: &str, package: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '-';
    line.match_indices(package).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let behind = line
            .get(at + package.len()..)
            .and_then(|text| text.chars().next());
        !before.is_some_and(part) && !behind.is_some_and(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_found_in_its_line() {
        let text = b"# torch\ntorchvision==1\nTorch>=2\n".to_vec();
        let file = SourceFile::new("requirements.txt", text);
        assert_eq!(line_of(&file, "torch").line(), 3);
        let file = SourceFile::new("r.txt", b"# \xe9\xe9\xe9\nnumpy\n".to_vec());
        assert_eq!(line_of(&file, "numpy").line(), 2);
        let file = SourceFile::new("pyproject.toml", b"x = 1\nscikit_learn = \"1\"\n".to_vec());
        assert_eq!(line_of(&file, "scikit-learn").line(), 2);
    }
}
