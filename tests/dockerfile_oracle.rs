//! Our parser against BuildKit's own, on the fixtures and on thousands of mutants of them.
//!
//! BuildKit's parser comes as the Python package `dockerfile` 3.4.0. Without it the test says that
//! it was skipped; with `MALLOCLINT_REQUIRE_ORACLES=1` it fails instead.

// Helpers of a test are tests too, though clippy knows only functions that are marked as such.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(clippy::print_stdout)]

#[path = "dockerfile/fixtures.rs"]
mod fixtures;
#[path = "dockerfile/known.rs"]
mod known;
#[path = "dockerfile/mutate.rs"]
mod mutate;
#[path = "dockerfile/oracle.rs"]
mod oracle;
#[path = "dockerfile/view.rs"]
mod view;

use std::collections::BTreeMap;

use oracle::Verdict;

const SEED: u64 = 0x6d61_6c6c_6f63;
const MUTANTS: usize = 8_000;

/// A file under comparison.
struct Case {
    name: String,
    text: String,
}

#[test]
fn fixtures_and_mutants_parse_as_buildkit_parses_them() {
    let Some(python) = oracle::python() else {
        return;
    };
    let fixtures = fixture_cases();
    let mutants = mutants(&fixtures);
    let generated = generated();
    println!(
        "{} fixtures, {} generated files, {} mutants",
        fixtures.len(),
        generated.len(),
        mutants.len()
    );
    let cases: Vec<Case> = fixtures
        .into_iter()
        .chain(generated)
        .chain(mutants)
        .collect();
    let texts: Vec<&str> = cases.iter().map(|case| case.text.as_str()).collect();
    let verdicts = oracle::run(&python, &texts);
    compare(&cases, &verdicts);
}

fn compare(cases: &[Case], verdicts: &[Verdict]) {
    let mut absorbed: BTreeMap<&str, usize> = BTreeMap::new();
    let mut accepted = 0;
    let mut failures = Vec::new();
    for (case, theirs) in cases.iter().zip(verdicts) {
        accepted += usize::from(theirs.is_ok());
        match known::reconcile(&case.text, theirs) {
            Ok(reasons) => {
                for reason in reasons {
                    *absorbed.entry(reason).or_default() += 1;
                }
            }
            Err(what) => failures.push(format!("{}: {what}\n{:?}", case.name, case.text)),
        }
    }
    println!("{accepted} of {} accepted by BuildKit", cases.len());
    for (reason, count) in &absorbed {
        println!("known difference in {count} files: {reason}");
    }
    let shown = failures
        .iter()
        .take(10)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n\n");
    assert!(
        failures.is_empty(),
        "{} files differ, such as\n{shown}",
        failures.len()
    );
}

/// The fixtures that the package can take: it wants UTF-8, and ends every string at a NUL.
fn fixture_cases() -> Vec<Case> {
    let text = |bytes: Vec<u8>| {
        String::from_utf8(bytes)
            .ok()
            .filter(|text| !text.contains('\0'))
    };
    let fixtures = fixtures::all().into_iter();
    fixtures
        .filter_map(|f| {
            Some(Case {
                name: f.name,
                text: text(f.bytes)?,
            })
        })
        .collect()
}

fn mutants(fixtures: &[Case]) -> Vec<Case> {
    let mut random = mutate::Random::new(SEED);
    let mutant = |number: usize| {
        let base = &fixtures[number % fixtures.len()];
        let other = &fixtures[random.below(fixtures.len())];
        let text = mutate::mutant(&mut random, &base.text, &other.text);
        Case {
            name: format!("mutant {number} of {}", base.name),
            text,
        }
    };
    (0..MUTANTS).map(mutant).collect()
}

/// Files that are too large to lie about.
fn generated() -> Vec<Case> {
    let line = |length: usize| format!("RUN {}", "x".repeat(length - 4));
    let cases = [
        ("line of 65,535 bytes", line(65_535) + "\nCMD a\n"),
        ("line of 65,536 bytes", line(65_536) + "\nCMD a\n"),
        ("last line of 65,535 bytes", line(65_535)),
        ("last line of 65,536 bytes", line(65_536)),
        ("carriage return counts", line(65_535) + "\r\n"),
        (
            "comment of 65,536 bytes",
            format!("FROM a\n#{}\n", "c".repeat(65_535)),
        ),
        (
            "heredoc line of 65,536 bytes",
            format!("RUN <<E\n{}\nE\n", line(65_536)),
        ),
        (
            "20,000 comments in one RUN",
            format!("FROM a\nRUN b \\\n{} c\n", "# c\n".repeat(20_000)),
        ),
        (
            "20,000 continuations",
            format!("FROM a\nRUN b \\\n{} c\n", " && d \\\n".repeat(20_000)),
        ),
        (
            "5,000 instructions",
            format!("FROM a\n{}", "RUN b\nENV C=d\n".repeat(2_500)),
        ),
        (
            "500 heredocs",
            format!(
                "FROM a\nRUN{}\n{}",
                " <<E".repeat(500),
                "b\nE\n".repeat(500)
            ),
        ),
        (
            "1,000 ONBUILDs",
            format!("FROM a\n{}RUN b\n", "ONBUILD ".repeat(1_000)),
        ),
        (
            "9,999 arrays",
            format!("CMD {}{}\n", "[".repeat(9_999), "]".repeat(9_999)),
        ),
        (
            "10,001 arrays",
            format!("CMD {}{}\n", "[".repeat(10_001), "]".repeat(10_001)),
        ),
        (
            "1,000 substitutions",
            format!(
                "RUN {}{} <<E\nE\n",
                "${a:-".repeat(1_000),
                "}".repeat(1_000)
            ),
        ),
        (
            "40,000 words",
            format!("FROM a\nCOPY {}\n", "b \\\n".repeat(40_000)),
        ),
    ];
    cases
        .map(|(name, text)| Case {
            name: name.to_owned(),
            text,
        })
        .into()
}
