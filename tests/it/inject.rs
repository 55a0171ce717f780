//! `fix --inject`: manifests before and after, judged by PyYAML and by the schemas of Kubernetes.
//!
//! What comes out stands in `yaml/inject.md` (`UPDATE=1` writes it).

use crate::support::manifests as support;
use crate::support::manifests::{Case, after};
use malloclint::internals::fix::{self, Fixed, Options};
use malloclint::internals::project::Project;
use malloclint::internals::surroundings::Nowhere;
use malloclint::internals::text::SourceFile;
use serde_json::json;

const IMAGE: &str = "registry.example/jemalloc:bookworm";

fn fixed() -> Vec<(Case, Fixed)> {
    let cases = support::cases("inject.txt").into_iter();
    cases
        .map(|case| {
            let fixed = case.fix_with(&case.text, Some(IMAGE));
            (case, fixed)
        })
        .collect()
}

fn is_injected(fixed: &Fixed) -> bool {
    fixed
        .applied
        .iter()
        .any(|applied| applied.title.contains(IMAGE))
}

#[test]
fn results_are_as_shown() {
    let out = support::told("What becomes of manifests that get jemalloc", &fixed());
    support::is_shown("inject.md", &out);
}

#[test]
fn it_is_done_once_and_takes_nothing_away() {
    let all = fixed();
    for (case, fixed) in &all {
        let once = after(fixed);
        let twice = after(&case.fix_with(&once, Some(IMAGE)));
        assert_eq!(once, twice, "{}: fixed twice it is another file", case.name);
    }
    let pairs: Vec<_> = all
        .iter()
        .map(|(case, fixed)| [case.text.clone(), after(fixed)])
        .collect();
    let Some(answers) = support::ask("oracle.py", &json!(pairs)) else {
        return;
    };
    let mut injected = 0;
    for ((case, fixed), answer) in all.iter().zip(&answers) {
        if !fixed.changes() {
            continue;
        }
        for what in ["before", "after", "same", "subsequence"] {
            assert_eq!(answer[what], json!(true), "{}: {what}", case.name);
        }
        injected += usize::from(is_injected(fixed));
    }
    assert!(injected > 15, "only {injected} cases get it");
}

#[test]
fn the_api_server_takes_what_it_took_before() {
    let all = fixed();
    let pairs = all
        .iter()
        .map(|(case, fixed)| json!({"compose": false, "texts": [case.text, after(fixed)]}));
    let Some(answers) = support::ask("schemas.py", &pairs.collect()) else {
        return;
    };
    for ((case, fixed), answer) in all.iter().zip(&answers) {
        if fixed.changes() {
            assert_eq!(answer["worse"], json!([]), "{}", case.name);
            assert!(answer["objects"].as_u64() > Some(0), "{}", case.name);
        }
    }
}

/// The same manifest with images of which more and less is known.
#[test]
fn what_is_not_known_to_run_is_unsafe() {
    let safe = |own: &str, image: &str| {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n  - name: a\n    image: {own}\n    command: [gunicorn, --threads, \"8\", \"a:a\"]\n"
        );
        let options = Options {
            advice: true,
            inject: Some(image.to_owned()),
            ..Options::default()
        };
        let fixed = fix::fix(
            &SourceFile::new("pod.yaml", text.into_bytes()),
            &Project::of(&Nowhere),
            &options,
        );
        if fixed.changes() {
            return "safe".to_owned();
        }
        fixed.left[0].reason.clone()
    };
    assert_eq!(safe("python:3.12-slim-bookworm", IMAGE), "safe");
    let sid = safe("python:3.12-slim-bookworm", "registry.example/jemalloc:sid");
    assert!(sid.contains("needs glibc 2.38"), "{sid}");
    let unknown = safe("python:3.12-slim-bookworm", "registry.example/jemalloc");
    assert!(unknown.contains("--unsafe") && unknown.contains("which glibc"));
    let own = safe("registry.example/api:1", IMAGE);
    assert!(own.contains("--unsafe") && own.contains("no libstdc++"));
    let alpine = safe("registry.example/api:1", "alpine:3.20");
    assert!(alpine.contains("only images of Debian and Ubuntu"));
}
