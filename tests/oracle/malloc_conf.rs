//! Our reading of `MALLOC_CONF` against jemalloc's own: the libraries of four suites of Debian, and two
//! for arm64 under qemu, each asked about thousands of strings.
//!
//! `make oracle` unpacks the libraries. Without them the test says that it was skipped; with
//! `MALLOCLINT_REQUIRE_JEMALLOC=1` it fails instead.

mod generate;
mod oracle;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use malloclint::internals::facts::{Arch, jemalloc_build, jemalloc_versions};
use malloclint::internals::model::malloc_conf::{
    BreakKind, Effect, Jemalloc, Reading, Setting, Verdict, read,
};

use generate::Random;
use oracle::Library;

const SEED: u64 = 0x6a65_6d61_6c6c_6f63;

/// With this before a string jemalloc names each setting that it takes.
const CONFIRM: &str = "confirm_conf:true,";

/// What jemalloc says about a string begins so; what it says besides is about the machine.
const CLASSES: [&str; 11] = [
    "Invalid conf",
    "Out-of-range conf",
    "Invalid settings for",
    "Malformed conf string",
    "Conf string ends with",
    "-- Set conf value: ",
    "Abort (abort_conf:true)",
    "Error setting",
    "No getcpu support",
    "No THP support",
    "No high resolution",
];

/// So many strings a library is asked about. An emulated process takes fifteen times as long.
fn strings_for(arch: Arch) -> usize {
    match arch {
        Arch::Amd64 => 5_000 / crate::share(),
        _ => 1_000 / crate::share(),
    }
}

#[test]
fn strings_are_read_as_jemalloc_reads_them() {
    let mut random = Random::new(SEED);
    let strings: Vec<String> = (0..strings_for(Arch::Amd64))
        .map(|_| CONFIRM.to_owned() + &generate::string(&mut random))
        .collect();
    let mut report = String::new();
    for library in oracle::libraries() {
        if !jemalloc_versions().any(|version| version == library.version) {
            println!(
                "{}: left out, jemalloc {} is newer than what we know",
                library.name, library.version
            );
            continue;
        }
        let strings = &strings[..strings_for(library.arch)];
        compare(&library, strings, &mut report);
    }
    assert!(report.is_empty(), "{report}");
}

fn compare(library: &Library, strings: &[String], report: &mut String) {
    let build = jemalloc_build(Some("debian"), library.arch).unwrap();
    let jemalloc = Jemalloc {
        version: library.version,
        build,
        arch: library.arch,
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut different, mut besides) = (0, BTreeMap::<String, usize>::new());
    for (string, said) in strings.iter().zip(ask(library, strings)) {
        let expected = expected(string, jemalloc);
        let (said, others) = about_the_string(&said);
        for other in others {
            *besides.entry(other).or_default() += 1;
        }
        for line in &expected {
            *counts
                .entry(
                    CLASSES
                        .iter()
                        .find(|class| line.starts_with(**class))
                        .unwrap(),
                )
                .or_default() += 1;
        }
        let same = expected.len() == said.len()
            && expected
                .iter()
                .zip(&said)
                .all(|(ours, theirs)| is_same(ours, theirs));
        if same {
            continue;
        }
        different += 1;
        if different <= 10 {
            writeln!(
                report,
                "{} reads {string:?} otherwise\n  ours:   {expected:?}\n  theirs: {said:?}",
                library.name
            )
            .unwrap();
        }
    }
    println!(
        "{} (jemalloc {}): {} strings, {different} read otherwise; {counts:?}",
        library.name,
        library.version,
        strings.len()
    );
    println!("  said besides: {besides:?}");
    if different > 10 {
        writeln!(report, "{}: {different} differences in all", library.name).unwrap();
    }
}

/// What a library says of each string; all processors share the work.
fn ask(library: &Library, strings: &[String]) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(string) = strings.get(at) else {
                return done;
            };
            done.push((at, library.says(string).expect("it ran before")));
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, Into::into);
    let mut all: Vec<(usize, String)> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        running
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, said)| said).collect()
}

/// What jemalloc prints, after our reading. From 5.2.1 on it reads twice: first for `confirm_conf` alone.
fn expected(string: &str, jemalloc: Jemalloc) -> Vec<String> {
    let reading = read(string, jemalloc);
    let mut lines: Vec<String> = syntax(&reading).into_iter().collect();
    let mut confirms = false;
    for (at, setting) in reading.settings.iter().enumerate() {
        if reading.final_comma && at + 1 == reading.settings.len() {
            lines.extend(syntax(&reading));
        }
        let pair = &string[setting.all()];
        lines.extend(verdict(setting, pair, &mut confirms));
    }
    if reading.broken.is_some() {
        lines.extend(syntax(&reading));
    }
    if reading.aborts() {
        lines.push("Abort (abort_conf:true) on invalid conf value (see above).".into());
    }
    lines
}

fn syntax(reading: &Reading) -> Option<String> {
    match reading.broken.as_ref().map(|broken| broken.kind) {
        Some(BreakKind::Character(_)) => Some("Malformed conf string".into()),
        Some(BreakKind::NoValue) => Some("Conf string ends with key".into()),
        None => reading
            .final_comma
            .then(|| "Conf string ends with comma".into()),
    }
}

fn verdict(setting: &Setting, pair: &str, confirms: &mut bool) -> Option<String> {
    if let Verdict::Taken(option, Effect::Word(word)) = &setting.verdict
        && option.name == "confirm_conf"
    {
        *confirms = *word == "true";
    }
    match setting.verdict.message() {
        Some(message) => Some(format!("{message}: {pair}")),
        None => confirms.then(|| format!("-- Set conf value: {pair}")),
    }
}

/// What was said about the string, and the beginnings of what was said besides.
fn about_the_string(text: &str) -> (Vec<String>, Vec<String>) {
    let all = text.split("<jemalloc>: ").skip(1).map(str::to_owned);
    let (said, others): (Vec<_>, Vec<_>) =
        all.partition(|line| CLASSES.iter().any(|class| line.starts_with(class)));
    let short = |line: String| {
        line.split_whitespace()
            .take(3)
            .collect::<Vec<_>>()
            .join(" ")
    };
    (said, others.into_iter().map(short).collect())
}

/// Behind a line there may follow what was read (5.3.1), or the statistics that the string asks for.
fn is_same(ours: &str, theirs: &str) -> bool {
    theirs
        .strip_prefix(ours)
        .is_some_and(|rest| rest.starts_with('\n') || rest.starts_with(" -- "))
}
