//! Two services as somebody looks at them for the first time, with little time: one that is too small for a change to be worth it,
//! and one whose memory grows because threads keep what they gave back.

use super::{budget, done, file, has_jemalloc, port, tune};
use crate::support::run::folder;

/// What `tune` prints of a service that builds so many rows for each answer, on one line.
fn told(test: &str, rows: &str) -> String {
    let (folder, port) = (folder([]), port());
    let run = done(
        tune(folder.path(), test)
            .args(["--budget", &budget(30), "--memory", "end"])
            .args(["--requests", "40", "--settle", "500ms"])
            .args(["--", "python3", &file("shop.py"), &port, rows]),
        test,
    );
    assert_eq!(run.code, Some(0), "{}", run.err);
    let found = format!("the server listens on 127.0.0.1:{port}; if the command ends by itself");
    assert!(run.err.contains(&found), "{}", run.err);
    let words: Vec<&str> = run.out.split_whitespace().collect();
    words.join(" ")
}

/// The number between two texts.
#[track_caller]
fn number(text: &str, before: &str, behind: &str) -> f64 {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{text}"));
    let (number, _) = rest.split_once(behind).unwrap_or_else(|| panic!("{text}"));
    number
        .parse()
        .unwrap_or_else(|_| panic!("{number}: {text}"))
}

/// What is said of a setting in words, up to the next one.
#[track_caller]
fn said<'a>(text: &'a str, title: &str) -> &'a str {
    let (_, rest) = text.split_once(title).unwrap_or_else(|| panic!("{text}"));
    let end = rest
        .find("requests/s is")
        .unwrap_or_else(|| panic!("{text}"));
    &rest[..end]
}

#[test]
fn a_small_service_keeps_glibc() {
    if !has_jemalloc() {
        return;
    }
    let text = told("short-small", "20");
    let grew = number(&text, "the service grew ", " MiB in 1 process");
    assert!(grew < 10.0, "{text}");
    let kept = text.starts_with("keep glibc: the service grew ")
        && text.contains(" in 1 process, too little to gain, and ");
    let simple = text.starts_with("set MALLOC_ARENA_MAX=2: ")
        && text.contains(" in 1 process, too little for another allocator to be worth it");
    assert!(kept || simple, "{text}");
    assert!(!text.contains("ENV LD_PRELOAD"), "{text}");
    // What would have been installed for nothing is shown, too, and what needs no library.
    let fix = said(&text, " fix: jemalloc narenas:1,");
    assert!(!fix.contains("memory is surely lower"), "{fix}");
    assert!(
        said(&text, " ARENA_MAX=2: ").contains("memory is "),
        "{text}"
    );
}

#[test]
fn a_service_that_keeps_what_threads_gave_back_gets_jemalloc() {
    if !has_jemalloc() {
        return;
    }
    let text = told("short-large", "6000");
    assert!(text.starts_with("use jemalloc "), "{text}");
    let (answer, _) = text.split_once(" MiB)").unwrap();
    let ratio = number(answer, ": ", " of the memory of glibc (");
    let now = number(answer, "glibc (", " instead of ");
    let before: f64 = answer.rsplit(' ').next().unwrap().parse().unwrap();
    // Python and its modules take some 15 MiB of both.
    assert!(before > 80.0 && (0.1..0.75).contains(&ratio), "{answer}");
    assert!((now / before - ratio).abs() < 0.1, "{answer}");
    let grew = number(&text, "with glibc the service grew ", " MiB in 1 process");
    assert!(grew > 50.0, "{text}");
    assert!(text.contains(" why: at rest "), "{text}");
    let fix = said(&text, "fix: jemalloc narenas:1,");
    assert!(fix.contains("memory is surely lower: 0."), "{fix}");
    assert!(
        said(&text, " ARENA_MAX=2: ").contains("memory is "),
        "{text}"
    );
    for line in [" ENV LD_PRELOAD=libjemalloc.so.2", " ENV MALLOC_CONF="] {
        assert!(text.contains(line), "{text}");
    }
}
