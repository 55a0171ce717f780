//! What the fix loop promises, held against mutants of Dockerfiles: the same ones on every run.
//!
//! `MUTANTS=25000 cargo test --test it fix_properties` tries more of them.

use std::collections::BTreeMap;

use malloclint::internals::fix::Options;
use malloclint::internals::pages::fences;
use malloclint::internals::rules::RULES;
use malloclint::internals::surroundings::Nowhere;
use malloclint::internals::text::SourceFile;

use crate::support::dockerfile_mutants::LINES;
use crate::support::promises::{Broken, Input, shown};
use crate::support::random::Random;

/// So many are tried where nobody asks for more.
const MUTANTS: usize = 1_500;

#[test]
fn a_fix_keeps_its_promises() {
    let seeds = seeds();
    let wanted = std::env::var("MUTANTS")
        .ok()
        .and_then(|text| text.parse().ok());
    let mut random = Random::new(0x5EED);
    let mut broken: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for _ in 0..wanted.unwrap_or(MUTANTS) {
        let text = mutant(&mut random, &seeds);
        for (promise, why) in failures(&text) {
            let cases = broken.entry(promise).or_default();
            cases.push(format!("--- {why}\n{text}"));
        }
    }
    let mut report = String::new();
    for (promise, cases) in &mut broken {
        cases.sort_by_key(String::len);
        report.push_str(&format!("\n=== {promise}: {}\n", cases.len()));
        report.push_str(
            &cases
                .iter()
                .take(6)
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join("\n"),
        );
    }
    assert!(broken.is_empty(), "{report}");
}

/// The Dockerfiles of the rule pages.
fn seeds() -> Vec<Vec<String>> {
    let pages = RULES.iter().map(|rule| rule.page);
    let texts = pages.flat_map(|page| {
        let dockerfile = |info: &str| info.starts_with("dockerfile");
        let found = fences(page)
            .into_iter()
            .filter(move |fence| dockerfile(fence.info));
        found.map(|fence| fence.text.to_owned()).collect::<Vec<_>>()
    });
    texts
        .map(|text| text.lines().map(str::to_owned).collect())
        .collect()
}

/// A seed with one to four changes.
fn mutant(random: &mut Random, seeds: &[Vec<String>]) -> String {
    let mut lines = random.pick(seeds).clone();
    for _ in 0..=random.below(4) {
        let at = random.below(lines.len() + 1);
        match random.below(8) {
            0 if at < lines.len() => {
                lines.remove(at);
            }
            1 if at < lines.len() => lines.insert(at, lines[at].clone()),
            2 => {
                let other = random.pick(seeds);
                let from = random.below(other.len());
                lines.splice(at..at, other[from..].iter().take(3).cloned());
            }
            3 if !lines.is_empty() => {
                lines[0] = random.pick(&LINES[..9]).to_string();
            }
            _ => lines.insert(at, random.pick(LINES).to_string()),
        }
    }
    lines.join("\n") + "\n"
}

/// The promises that fixing a text breaks, each with how.
fn failures(text: &str) -> Vec<Broken> {
    let input = Input {
        file: SourceFile::new("Dockerfile", text.as_bytes().to_vec()),
        around: &Nowhere,
        options: &Options::default(),
    };
    let before = input.findings(&input.file);
    if before
        .iter()
        .any(|finding| finding.rule == "unreadable-input")
    {
        // No builder takes it.
        return Vec::new();
    }
    let once = input.fix(&input.file, input.options);
    let mut failures = input.broken(&before, &once);
    let after = shown(&once.after);
    let (old, new) = (References::of(text), References::of(&after));
    if new.dead.iter().any(|name| !old.dead.contains(name)) {
        failures.push((
            "no reference gets into quotes that expand nothing",
            after.clone(),
        ));
    }
    let from_outside = |text: &str| {
        let alone = text.matches("FROM ").count() == 1;
        // What the file itself set before is what a reference stands for: the base's is lost then.
        let first = text.lines().find(|line| line.contains("LD_PRELOAD="));
        let base =
            first.is_some_and(|line| line.contains("$LD_PRELOAD") || line.contains("${LD_PRELOAD"));
        alone && base && (text.contains("FROM acme") || text.contains("FROM nvcr"))
    };
    if from_outside(text) && new.preloads < old.preloads {
        failures.push(("what a base preloads stays", after));
    }
    failures.extend(input.broken_alone(&before));
    failures
}

/// The references to variables in the values of ENV.
#[derive(Default)]
struct References {
    /// Those that expand to nothing: in single quotes or behind a backslash.
    dead: Vec<String>,
    /// How often `LD_PRELOAD` is one that expands.
    preloads: usize,
}

impl References {
    fn of(text: &str) -> Self {
        let mut found = Self::default();
        for line in text.lines().filter(|line| line.starts_with("ENV")) {
            let mut single = false;
            for (at, char) in line.char_indices() {
                single ^= char == '\'';
                if char != '$' {
                    continue;
                }
                let name = line[at + 1..].trim_start_matches('{');
                let part = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
                let name: String = name.chars().take_while(part).collect();
                let dead = single || line[..at].ends_with('\\');
                found.preloads += usize::from(!dead && name == "LD_PRELOAD");
                // What the loader itself puts in is right there.
                if dead && name != "LIB" {
                    found.dead.push(name);
                }
            }
        }
        found
    }
}

/// A comment goes with the item in which it stands, and never alone.
#[test]
fn comments_go_with_their_items_only() {
    use crate::support::promises::lost_comment;
    let before = "env:\n- name: A\n  # why\n  value: b\n- name: A\n  value: b\n# end\n";
    let first = "env:\n- name: A\n  value: b\n- name: B\n  value: c\n# end\n";
    assert_eq!(lost_comment(before, first), None);
    let alone = "env:\n- name: A\n  value: b\n- name: A\n  value: b\n# end\n";
    assert!(lost_comment(before, alone).is_some());
    let end = "env:\n- name: A\n  # why\n  value: b\n- name: A\n  value: b\n";
    assert!(lost_comment(before, end).is_some());
}
