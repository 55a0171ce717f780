//! `shapes.md`, `thread-hook.md`: files before and after, written as people write them.

use std::path::Path;

use malloclint::internals::fix::{self, Options};
use malloclint::internals::pages::fences;
use malloclint::internals::project::Project;
use malloclint::internals::surroundings::Nowhere;
use malloclint::internals::templates::Style;
use malloclint::internals::text::SourceFile;

/// The file after the fix, and what is left: none of it where nothing is.
fn after(before: &str, thread_hook: bool) -> String {
    let options = Options {
        advice: true,
        unsafe_too: true,
        style: Style {
            thread_hook,
            ..Style::default()
        },
        ..Options::default()
    };
    let file = SourceFile::new("Dockerfile", before.as_bytes().to_vec());
    let fixed = fix::fix(&file, &Project::of(&Nowhere), &options);
    if fixed.changes() {
        return String::from_utf8(fixed.after.bytes.clone()).unwrap();
    }
    let left = fixed.left.iter();
    left.map(|left| format!("left: {}: {}\n", left.finding.rule, left.reason))
        .collect()
}

#[test]
fn shapes_of_public_files() {
    assert!(all_of("shapes.md", false) >= 20);
}

#[test]
fn the_thread_hook() {
    assert!(all_of("thread-hook.md", true) >= 10);
}

#[test]
fn the_thread_hook_is_installed_once() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fix/thread-hook.md");
    let text = std::fs::read_to_string(path).unwrap();
    let shown = fences(&text).into_iter().skip(1).step_by(2);
    let fixed = shown.filter(|shown| shown.text.contains("jemalloc_thread"));
    let mut count = 0;
    for shown in fixed {
        assert_eq!(after(shown.text, true), "", "line {}", shown.line);
        count += 1;
    }
    assert!(count >= 6);
}

/// Goes through all pairs of a page, and counts them.
fn all_of(page: &str, thread_hook: bool) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fix")
        .join(page);
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
        updated.push_str(&after(before.text, thread_hook));
        done = start + shown.text.len();
        count += 1;
    }
    updated.push_str(&text[done..]);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, updated).unwrap();
        return count;
    }
    assert_eq!(
        updated, text,
        "left: what comes out (UPDATE=1 takes it over)"
    );
    count
}
