//! Manifests and Compose files before and after `fix`, on fixtures that show every way to write them.
//!
//! What comes out stands in `yaml/results.md` (`UPDATE=1` writes it). PyYAML must read what we read, and
//! find nothing changed but variables; without it that part says that it was skipped, and with
//! `MALLOCLINT_REQUIRE_ORACLES=1` it fails instead.

use crate::support::any_text::yaml::with_variable;
use crate::support::manifests as support;
use std::path::PathBuf;

use crate::support::manifests::{Case, after};
use malloclint::internals::project::Format;
use malloclint::internals::yaml;

fn cases() -> Vec<Case> {
    support::cases("cases.txt")
}

#[test]
fn results_are_as_shown() {
    let cases = cases().into_iter().map(|case| {
        let fixed = case.fix(&case.text);
        (case, fixed)
    });
    let out = support::told("What becomes of the cases", &cases.collect::<Vec<_>>());
    support::is_shown("results.md", &out);
}

#[test]
fn fixes_are_made_once_and_touch_variables_only() {
    for case in cases() {
        let once = after(&case.fix(&case.text));
        let twice = after(&case.fix(&once));
        assert_eq!(once, twice, "{}: fixed twice it is another file", case.name);
    }
}

#[test]
fn pyyaml_reads_the_same_and_finds_variables_changed_only() {
    let cases = cases();
    let fixed: Vec<_> = cases.iter().map(|case| case.fix(&case.text)).collect();
    let pairs: Vec<[String; 2]> = cases
        .iter()
        .zip(&fixed)
        .map(|(case, fixed)| [case.text.clone(), after(fixed)])
        .collect();
    let Some(answers) = ask(&pairs) else { return };
    assert_eq!(answers.len(), cases.len());
    let (mut additions, mut changed) = (0, 0);
    for ((case, fixed), answer) in cases.iter().zip(&fixed).zip(&answers) {
        let is = |key: &str| answer[key].as_bool().unwrap();
        let name = &case.name;
        // A mapping as a key is YAML, but nothing that PyYAML can make an object of.
        let readable = yaml::read(&case.text).is_ok_and(|tree| !tree.has_gaps());
        assert_eq!(readable, is("before"), "{name}: is it YAML?");
        if !is("before") {
            assert!(!fixed.changes(), "{name}: what is no YAML was changed");
            continue;
        }
        assert!(is("after"), "{name}: the result is no YAML");
        assert!(is("same"), "{name}: more than variables changed");
        changed += usize::from(fixed.changes());
        let only_adds = fixed
            .applied
            .iter()
            .all(|applied| applied.rule == "allocator-unset");
        if only_adds {
            additions += usize::from(fixed.changes());
            assert!(is("subsequence"), "{name}: an addition took something away");
        }
    }
    println!(
        "{} cases, {changed} changed, {additions} of them by additions only",
        cases.len()
    );
    assert!(
        cases.len() >= 150 && changed > 80,
        "the cases were not read"
    );
}

/// A variable put into every container of the fixtures, or of the files below `MALLOCLINT_YAML_FOLDER`: the
/// result is YAML, differs in nothing else, and loses nothing.
#[test]
fn every_container_takes_a_variable_or_says_why_not() {
    let texts: Vec<(String, String)> = match std::env::var_os("MALLOCLINT_YAML_FOLDER") {
        Some(folder) => files_below(&PathBuf::from(folder)),
        None => cases()
            .into_iter()
            .map(|case| (case.path().to_owned(), case.text))
            .collect(),
    };
    let (mut pairs, mut refused) = (
        Vec::new(),
        std::collections::BTreeMap::<String, usize>::new(),
    );
    for (path, text) in &texts {
        for outcome in with_variable(path, text) {
            match outcome {
                Ok(after) if after == *text => panic!("{path}: nothing changed"),
                Ok(after) => pairs.push([text.clone(), after]),
                Err(why) => *refused.entry(why).or_default() += 1,
            }
        }
    }
    println!(
        "{} files, {} containers take one, refused: {refused:#?}",
        texts.len(),
        pairs.len()
    );
    let Some(answers) = ask(&pairs) else { return };
    for ([before, after], answer) in pairs.iter().zip(&answers) {
        // What PyYAML cannot read it cannot compare.
        if answer["before"].as_bool().unwrap() {
            assert!(
                answer["after"].as_bool().unwrap() && answer["same"].as_bool().unwrap(),
                "{before}\n=>\n{after}"
            );
            assert!(
                answer["subsequence"].as_bool().unwrap() || before.contains("[ ]"),
                "{before}\n=>\n{after}"
            );
        }
    }
}

fn files_below(folder: &PathBuf) -> Vec<(String, String)> {
    let found = malloclint::internals::project::find(std::slice::from_ref(folder)).files;
    let yaml = found.iter().filter(|path| {
        path.extension()
            .is_some_and(|ending| ending == "yaml" || ending == "yml")
    });
    yaml.filter_map(|path| {
        Some((
            path.to_string_lossy().into_owned(),
            std::fs::read_to_string(path).ok()?,
        ))
    })
    .collect()
}

/// What PyYAML says; `None` where it cannot be had.
fn ask(pairs: &[[String; 2]]) -> Option<Vec<serde_json::Value>> {
    support::ask("oracle.py", &serde_json::json!(pairs))
}

/// What a name and a text are read as.
#[test]
fn formats_are_told_by_name_and_text() {
    let of = |path: &str, text: &str| Format::of(path, text.as_bytes());
    assert_eq!(of("a/docker-compose.prod.yml", ""), Format::Compose);
    assert_eq!(
        of("stack.yaml", "version: '3'\nservices:\n"),
        Format::Compose
    );
    assert_eq!(
        of("a.yaml", "apiVersion: v1\nservices:\n"),
        Format::Kubernetes
    );
    assert_eq!(
        of("Dockerfile", "apiVersion: v1\nkind: Pod\n"),
        Format::Kubernetes
    );
    assert_eq!(of("Dockerfile", "FROM a\n"), Format::Dockerfile);
    assert_eq!(of("Dockerfile", "name: x\nservices:\n"), Format::Compose);
    assert_eq!(
        of("Dockerfile", "FROM a\nRUN <<E\nservices:\nE\n"),
        Format::Dockerfile
    );
}
