//! Our parser against BuildKit's own, on the fixtures and on thousands of mutants of them.
//!
//! BuildKit's parser comes as the Python package `dockerfile` 3.4.0. Without it the test says that
//! it was skipped; with `MALLOCLINT_REQUIRE_ORACLES=1` it fails instead.

use crate::support::buildkit::oracle::Verdict;
use crate::support::buildkit::{known, oracle};
use crate::support::{dockerfile_mutants, fixtures};
use std::collections::BTreeMap;

use malloclint::internals::fix::{self, Options};
use malloclint::internals::project::Project;
use malloclint::internals::rules::RULES;
use malloclint::internals::surroundings::Nowhere;
use malloclint::internals::text::SourceFile;
use malloclint::internals::{pages, project};

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

/// BuildKit takes what `fix` makes of a file that it takes, and every instruction that was there is
/// there, in the same order, but for the few that a fix is about.
#[test]
fn fixed_files_are_files_that_buildkit_takes() {
    let Some(python) = oracle::python() else {
        return;
    };
    let options = Options {
        advice: true,
        unsafe_too: true,
        ..Options::default()
    };
    let mut pairs = Vec::new();
    for case in fixable() {
        let file = SourceFile::new("Dockerfile", case.text.clone().into_bytes());
        let fixed = fix::fix(&file, &Project::of(&Nowhere), &options);
        if fixed.changes() {
            let text = String::from_utf8(fixed.after.bytes.clone()).unwrap();
            pairs.push((case, text));
        }
    }
    let before: Vec<&str> = pairs.iter().map(|(case, _)| case.text.as_str()).collect();
    let after: Vec<&str> = pairs.iter().map(|(_, text)| text.as_str()).collect();
    let verdicts = oracle::run(&python, &before)
        .into_iter()
        .zip(oracle::run(&python, &after));
    let mut compared = 0;
    for ((case, text), (old, new)) in pairs.iter().zip(verdicts) {
        // The result is read as BuildKit reads it, but for the differences that are listed.
        let differs = known::reconcile(text, &new)
            .unwrap_or_else(|what| panic!("{}: {what}\n{text}", case.name));
        if !differs.is_empty() {
            continue;
        }
        assert_eq!(old.is_ok(), new.is_ok(), "{}: {new:?}\n{text}", case.name);
        let (Ok(Some(old)), Ok(Some(new))) = (old, new) else {
            continue;
        };
        compared += 1;
        let mut rest = new.iter();
        let lost = old.iter().filter(|command| {
            let mut ahead = rest.clone();
            let found = ahead.any(|other| {
                other.original == command.original && other.heredocs == command.heredocs
            });
            if found {
                rest = ahead;
            }
            !found
        });
        assert!(
            lost.count() <= 3,
            "{}: instructions are gone\n{text}",
            case.name
        );
    }
    println!("{compared} fixed files compared with BuildKit");
    assert!(compared > 150, "only {compared} files could be compared");
}

/// Fixtures, each with a service behind it, the examples of all pages, and the shapes of correct files.
fn fixable() -> Vec<Case> {
    let serve = |case: Case| {
        let line = if case.text.ends_with('\n') { "" } else { "\n" };
        let text = format!(
            "{}{line}FROM python:3.12-slim\nCMD [\"gunicorn\", \"a:a\"]\n",
            case.text
        );
        Case {
            name: case.name,
            text,
        }
    };
    let mut cases: Vec<Case> = fixture_cases().into_iter().map(serve).collect();
    for rule in &RULES {
        let examples = pages::fences(rule.page).into_iter();
        let examples = examples.filter(|fence| fence.info.starts_with("dockerfile "));
        cases.extend(examples.map(|fence| Case {
            name: format!("{}:{}", rule.id, fence.line),
            text: fence.text.to_owned(),
        }));
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/silent");
    for path in project::find(&[folder]).files {
        cases.push(Case {
            name: path.display().to_string(),
            text: std::fs::read_to_string(&path).unwrap(),
        });
    }
    cases
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
    let mut random = crate::support::random::Random::new(SEED);
    let mutant = |number: usize| {
        let base = &fixtures[number % fixtures.len()];
        let other = &fixtures[random.below(fixtures.len())];
        let text = dockerfile_mutants::mutant(&mut random, &base.text, &other.text);
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
