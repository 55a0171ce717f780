//! The reader, case by case. (`tests/malloc_conf_oracle.rs` asks jemalloc itself, of the versions that
//! Debian has.)

use super::*;
use crate::facts::{Arch, jemalloc_build};

fn debian(version: &str, arch: Arch) -> Jemalloc {
    Jemalloc {
        version: JemallocVersion::parse(version).unwrap(),
        build: jemalloc_build(Some("debian"), arch).unwrap(),
        arch,
    }
}

/// Each setting with a word on what becomes of it.
fn reads(text: &str, version: &str) -> Vec<String> {
    let reading = read(text, debian(version, Arch::Amd64));
    let word = |setting: &Setting| match &setting.verdict {
        Verdict::Taken(_, Effect::Number(number)) => format!("{number}"),
        Verdict::Taken(_, Effect::Clipped(number)) => format!("clipped to {number}"),
        Verdict::Taken(_, Effect::Word(word)) => (*word).to_owned(),
        Verdict::Taken(_, Effect::Text) => "text".into(),
        verdict => verdict.message().unwrap(),
    };
    let settings = reading
        .settings
        .iter()
        .map(|setting| format!("{} = {}", &text[setting.key.clone()], word(setting)));
    let broken = reading
        .broken
        .iter()
        .map(|broken| format!("broken at {} from {}", broken.at, broken.from));
    settings.chain(broken).collect()
}

#[test]
fn numbers_words_and_ranges() {
    for (text, version, expected) in [
        ("narenas:010", "5.3.0", "narenas = 8"),
        ("narenas:0x10", "5.3.0", "narenas = 16"),
        ("narenas:08", "5.3.0", "narenas = Invalid conf value"),
        ("narenas: 3", "5.3.0", "narenas = 3"),
        ("narenas:0", "5.3.0", "narenas = Out-of-range conf value"),
        ("narenas:-1", "5.3.0", "narenas = 4294967295"),
        ("narenas:4294967297", "5.3.0", "narenas = 1"),
        ("narenas:4294967296", "5.2.1", "narenas = 0"),
        ("narenas:default", "5.2.1", "narenas = Invalid conf value"),
        ("narenas:default", "5.3.0", "narenas = default"),
        ("dirty_decay_ms:", "5.2.1", "dirty_decay_ms = 0"),
        (
            "dirty_decay_ms:",
            "5.3.0",
            "dirty_decay_ms = Invalid conf value",
        ),
        (
            "dirty_decay_ms:10s",
            "5.3.0",
            "dirty_decay_ms = Invalid conf value",
        ),
        (
            "dirty_decay_ms:-2",
            "5.3.0",
            "dirty_decay_ms = Out-of-range conf value",
        ),
        ("tcache_max:4096", "5.2.1", "tcache_max = Invalid conf pair"),
        ("tcache_max:1048576", "5.3.0", "tcache_max = 1048576"),
        (
            "tcache_max:1048576",
            "5.3.1",
            "tcache_max = clipped to 32768",
        ),
        (
            "background_thread:1",
            "5.3.0",
            "background_thread = Invalid conf value",
        ),
        ("metadata:a", "5.3.0", "metadata = auto"),
        ("thp:al", "5.3.0", "thp = always"),
        ("th:always", "5.3.0", "th = Invalid conf pair"),
        ("junk:alloc", "3.6.0", "junk = Invalid conf value"),
        ("lg_dirty_mult:3", "4.5.0", "lg_dirty_mult = 3"),
        (
            "lg_dirty_mult:3",
            "5.0.1",
            "lg_dirty_mult = Invalid conf pair",
        ),
        ("bin_shards:1-64:4|65-128:2", "5.2.1", "bin_shards = text"),
        (
            "bin_shards:1-64:65",
            "5.2.1",
            "bin_shards = Invalid settings for bin_shards",
        ),
        ("xmalloc:true", "5.3.0", "xmalloc = Invalid conf pair"),
    ] {
        assert_eq!(reads(text, version), [expected], "{text} in {version}");
    }
}

#[test]
fn what_stands_behind_a_break_is_lost() {
    for (text, expected) in [
        (
            "background_thread:true, narenas:2",
            vec!["background_thread = true", "broken at 23 from 23"],
        ),
        ("narenas=2,tcache:false", vec!["broken at 7 from 0"]),
        (
            "tcache:false,narenas",
            vec!["tcache = false", "broken at 20 from 13"],
        ),
        ("tcache:false,", vec!["tcache = false"]),
        ("\"narenas:2\"", vec!["broken at 0 from 0"]),
        (
            "narenas:2;tcache:false",
            vec!["narenas = Invalid conf value"],
        ),
    ] {
        assert_eq!(reads(text, "5.3.0"), expected, "{text}");
    }
}

#[test]
fn builds_know_different_options() {
    let verdict = |arch| {
        read("prof:true", debian("5.3.0", arch)).settings[0]
            .verdict
            .clone()
    };
    assert!(matches!(verdict(Arch::Amd64), Verdict::Taken(..)));
    assert!(matches!(verdict(Arch::Arm64), Verdict::NotBuilt(_)));
    let elsewhere = Jemalloc {
        build: jemalloc_build(None, Arch::Amd64).unwrap(),
        ..debian("5.3.0", Arch::Amd64)
    };
    assert!(matches!(
        read("prof:true", elsewhere).settings[0].verdict,
        Verdict::Unclear(_)
    ));
    assert!(matches!(
        read("prof:1", elsewhere).settings[0].verdict,
        Verdict::NoValue(_)
    ));
}

#[test]
fn abort_conf_ends_the_process_for_what_counts() {
    let aborts = |text: &str, version| read(text, debian(version, Arch::Amd64)).aborts();
    assert!(aborts("abort_conf:true,narenas:x", "5.2.1"));
    assert!(aborts("narenas:x,abort_conf:true", "5.3.0"));
    assert!(!aborts("abort_conf:true,narenas:1", "5.3.0"));
    assert!(!aborts(
        "abort_conf:true,narenas:x,abort_conf:false",
        "5.3.0"
    ));
    assert!(!aborts("abort_conf:true,experimental_x:1", "5.3.0"));
    assert!(aborts("abort_conf:true,", "5.3.0") && !aborts("abort_conf:true,", "5.2.1"));
}

#[test]
fn what_was_meant() {
    let all = [debian("5.3.0", Arch::Amd64), debian("5.3.0", Arch::Arm64)];
    let fixed = |text: &str| fix(text, &all).map(|fixed| (fixed.text, fixed.guessed));
    for (text, expected, guessed) in [
        (
            "background_thread:true, narenas:2",
            "background_thread:true,narenas:2",
            false,
        ),
        (
            "\"background_thread:true,narenas:2\"",
            "background_thread:true,narenas:2",
            false,
        ),
        (
            "background_thread=true;narenas = 2",
            "background_thread:true,narenas:2",
            false,
        ),
        (
            "background_thread: true narenas:2,",
            "background_thread:true,narenas:2",
            false,
        ),
        (
            "background_thread:yes,dirty_decay_ms:10s",
            "background_thread:true,dirty_decay_ms:10000",
            false,
        ),
        ("background-thread:True", "background_thread:true", true),
        ("narena:2", "narenas:2", true),
        ("dirty_decay:5s", "dirty_decay_ms:5000", true),
        (
            "metadata_thp:Auto,thp:off",
            "metadata_thp:auto,thp:never",
            false,
        ),
        ("metadata_thp:Auto", "metadata_thp:auto", false),
        ("narenas:2,foo:1", "", false),
        ("narenas:2,prof:true", "", false),
        ("narenas:2,tcache", "", false),
    ] {
        let expected = (!expected.is_empty()).then(|| (expected.to_owned(), guessed));
        assert_eq!(fixed(text), expected, "{text}");
    }
}

#[test]
fn settings_are_separated_whatever_they_are() {
    for (text, expected) in [
        ("a=1; b:2", Some("a:1,b:2")),
        ("'narenas:2, foo:x'", Some("narenas:2,foo:x")),
        ("narenas:2,tcache", None),
        ("a b", None),
        ("", None),
    ] {
        assert_eq!(separate(text).as_deref(), expected, "{text}");
    }
}
