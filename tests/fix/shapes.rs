//! `shapes.md`: files before and after, written as people write them.

use std::path::Path;

use malloclint::fix::{self, Options};
use malloclint::inputs::Nowhere;
use malloclint::pages::fences;
use malloclint::text::SourceFile;

/// The file after the fix, and what is left: none of it where nothing is.
fn after(before: &str) -> String {
    let options = Options {
        unsafe_too: true,
        ..Options::default()
    };
    let file = SourceFile::new("Dockerfile", before.as_bytes().to_vec());
    let fixed = fix::fix(&file, &Nowhere, &options);
    if fixed.changes() {
        return String::from_utf8(fixed.after.bytes.clone()).unwrap();
    }
    let left = fixed.left.iter();
    left.map(|left| format!("left: {}: {}\n", left.finding.rule, left.reason))
        .collect()
}

#[test]
fn shapes_of_public_files() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fix/shapes.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (mut updated, mut done, mut count) = (String::new(), 0, 0);
    let all = fences(&text);
    for pair in all.chunks(2) {
        let [before, shown] = pair else {
            panic!("a fence has no partner")
        };
        assert_eq!(
            (before.info, shown.info),
            ("dockerfile before", "dockerfile after"),
            "line {}",
            before.line
        );
        let start = shown.text.as_ptr() as usize - text.as_ptr() as usize;
        updated.push_str(&text[done..start]);
        updated.push_str(&after(before.text));
        done = start + shown.text.len();
        count += 1;
    }
    updated.push_str(&text[done..]);
    assert!(count >= 20);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, updated).unwrap();
        return;
    }
    assert_eq!(
        updated, text,
        "left: what comes out (UPDATE=1 takes it over)"
    );
}
