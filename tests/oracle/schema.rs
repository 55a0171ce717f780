//! Manifests and Compose files before and after `fix`, judged by the schemas of Kubernetes and Compose.
//!
//! Those come with the PyPI packages kubernetes-validate and check-jsonschema. Nothing that is fixed may be
//! worse than it was; without the packages that is not looked at, and said so, and with
//! `MALLOCLINT_REQUIRE_ORACLES=1` it fails instead.

use crate::support::manifests as support;
use crate::support::manifests::{Case, after};
use malloclint::internals::fix::Fixed;
use malloclint::internals::pages::fences;
use malloclint::internals::rules::RULES;
use serde_json::{Value, json};

/// The fixtures, and the examples on the pages of all rules.
fn cases() -> Vec<Case> {
    let mut cases = support::cases("cases.txt");
    for rule in &RULES {
        for fence in fences(rule.page) {
            let format = fence.info.split(' ').next().unwrap_or_default();
            if matches!(format, "kubernetes" | "compose") {
                cases.push(Case {
                    name: format!("{format}: {} on {}", fence.info, rule.id),
                    text: fence.text.to_owned(),
                });
            }
        }
    }
    cases
}

/// The fault that the rule `env-not-string` is about, as the schemas call it.
fn not_string(fault: &Value) -> bool {
    fault.as_str().unwrap().ends_with(".env.*.value: type")
}

fn left(fixed: &Fixed, rule: &str) -> bool {
    fixed.left.iter().any(|left| left.finding.rule == rule)
}

#[test]
fn nothing_fixed_is_worse_by_its_schema() {
    let cases = cases();
    let fixed: Vec<Fixed> = cases.iter().map(|case| case.fix(&case.text)).collect();
    let pairs = cases.iter().zip(&fixed).map(
        |(case, fixed)| json!({"compose": case.is_compose(), "texts": [case.text, after(fixed)]}),
    );
    let Some(answers) = support::ask("schemas.py", &pairs.collect()) else {
        return;
    };
    assert_eq!(answers.len(), cases.len());
    let mut changed = [0, 0];
    let mut made_strings = 0;
    for ((case, fixed), answer) in cases.iter().zip(&fixed).zip(&answers) {
        let name = &case.name;
        let Some(before) = answer["before"].as_array() else {
            assert!(!fixed.changes(), "{name}: what cannot be read was changed");
            continue;
        };
        let worse = answer["worse"].as_array().unwrap();
        assert!(worse.is_empty(), "{name}: by its schema worse: {worse:?}");
        if !fixed.changes() {
            continue;
        }
        assert!(answer["objects"].as_u64() > Some(0), "{name}: not judged");
        changed[usize::from(case.is_compose())] += 1;
        let after = answer["after"].as_array().unwrap();
        if before.iter().any(not_string) && !left(fixed, "env-not-string") {
            assert!(!after.iter().any(not_string), "{name}: {after:?}");
            made_strings += 1;
        }
    }
    println!(
        "{} cases, changed: {} manifests and {} Compose files, no string before: {made_strings}",
        cases.len(),
        changed[0],
        changed[1]
    );
    assert!(
        changed[0] > 80 && changed[1] > 25,
        "the cases were not read"
    );
    assert!(made_strings > 10, "the schemas found no fault to fix");
}

/// The judge itself: what a fix could spoil, it must see.
#[test]
fn the_schemas_see_what_a_fix_could_spoil() {
    let pod = |container: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers: [{container}]\n"
        )
    };
    let rollout = |container: &str| {
        let template = format!("{{spec: {{containers: [{container}]}}}}");
        format!("apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec: {{template: {template}}}\n")
    };
    let service = |service: &str| format!("services:\n  web: {{image: a, {service}}}\n");
    let pair = |compose: bool, texts: [String; 2]| json!({"compose": compose, "texts": texts});
    let good = "{name: a, image: b, env: [{name: C, value: '1'}]}";
    let mut pairs = Vec::new();
    for bad in [
        "{name: a, image: b, env: [{name: C, value: 1}]}",
        "{name: a, image: b, env: {C: '1'}}",
        "{name: a, image: b, enw: []}",
        "{image: b}",
    ] {
        pairs.push(pair(false, [pod(good), pod(bad)]));
        pairs.push(pair(false, [rollout(good), rollout(bad)]));
    }
    pairs.push(pair(false, [pod(good), "a: [".to_owned()]));
    for bad in ["environment: [[C]]", "environment: 1", "enviroment: {C: 1}"] {
        pairs.push(pair(true, [service("environment: {C: 1}"), service(bad)]));
    }
    let count = pairs.len();
    let Some(answers) = support::ask("schemas.py", &pairs.into()) else {
        return;
    };
    assert_eq!(answers.len(), count);
    for answer in answers {
        assert_eq!(answer["before"], json!([]), "{answer}");
        assert_ne!(answer["worse"], json!([]), "{answer}");
    }
}
