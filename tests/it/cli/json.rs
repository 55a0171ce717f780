//! The JSON format keeps the promise of `docs/json.md`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::run::{FAULTY, folder, run, write};

/// The paths of all keys: `findings[].span.start`.
pub(crate) fn keys(value: &Value, prefix: &str, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if prefix.is_empty() {
                    name.clone()
                } else {
                    format!("{prefix}.{name}")
                };
                out.insert(path.clone());
                keys(value, &path, out);
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| keys(item, &format!("{prefix}[]"), out)),
        _ => {}
    }
}

/// The names in the first column of the tables in the document: in the part for `check`, and in that for `inspect`.
fn documented() -> BTreeSet<String> {
    let (check, _) = parts();
    names(check)
}

/// The same for `inspect`.
pub(crate) fn documented_of_inspect() -> BTreeSet<String> {
    let (_, inspect) = parts();
    names(inspect)
}

fn parts() -> (&'static str, &'static str) {
    let text = include_str!("../../../docs/json.md");
    text.split_once("\n## The report of `inspect`\n").unwrap()
}

fn names(text: &str) -> BTreeSet<String> {
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.map(|row| row.split(" | ").next().unwrap());
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.map(str::to_owned).collect()
}

/// A run in which everything happens that the format has a place for.
fn everything() -> Value {
    let folder = folder([
        ("svc/Dockerfile", FAULTY),
        (
            "svc/other.Dockerfile",
            "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y libjemalloc2\nENV LD_PRELOAD=/usr/lib/libjemalloc.so.2\n",
        ),
        ("svc/Dockerfile.j2", "FROM {{ base }}\n"),
    ]);
    let run = run(
        folder.path(),
        ["check", "--format", "json", "svc", "missing"],
    );
    assert_eq!(run.code, Some(2));
    serde_json::from_str(&run.out).expect("JSON")
}

#[test]
fn the_document_names_every_field_and_no_other() {
    let mut real = BTreeSet::new();
    keys(&everything(), "", &mut real);
    let documented = documented();
    let hidden: Vec<_> = real.difference(&documented).collect();
    assert!(hidden.is_empty(), "not in docs/json.md: {hidden:?}");
    // A fix is `null` where the tool cannot spell one: its fields need not show in this run.
    let dead: Vec<_> = documented
        .difference(&real)
        .filter(|key| !key.starts_with("findings[].fix."))
        .collect();
    assert!(
        dead.is_empty(),
        "in docs/json.md, and not written: {dead:?}"
    );
}

#[test]
fn values_are_what_the_document_says() {
    let document = everything();
    assert_eq!(document["version"], 1);
    assert_eq!(
        document["failures"],
        serde_json::json!([{ "path": "missing", "reason": "there is no such file or folder" }])
    );
    assert_eq!(document["skipped"][0]["path"], "svc/Dockerfile.j2");
    assert_eq!(
        document["summary"],
        serde_json::json!({
            "files": 3, "errors": 2, "warnings": 0, "infos": 0, "fixable": 2,
            "services": 2, "fine": 0, "findings": 2, "advice_only": 0, "undecided": 0
        })
    );
    let finding = &document["findings"][0];
    assert_eq!(
        (&finding["rule"], &finding["severity"]),
        (&"glibc-tunable-misspelt".into(), &"error".into())
    );
    assert_eq!(
        finding["path"], "svc/Dockerfile",
        "relative to where the tool ran"
    );
    let place =
        ["line", "column", "end_line", "end_column"].map(|key| finding[key].as_u64().unwrap());
    assert_eq!(place, [2, 5, 2, 22]);
    let span = ["start", "end"]
        .map(|key| usize::try_from(finding["span"][key].as_u64().unwrap()).unwrap());
    assert_eq!(&FAULTY[span[0]..span[1]], "MALLOC_ARENA_MAX_");
}

/// Bots open pull requests with these: the edits alone must be enough.
#[test]
fn the_edits_of_a_fix_mend_the_file() {
    let document = everything();
    let fix = &document["findings"][0]["fix"];
    let mut text = FAULTY.to_owned();
    let edits = fix["edits"].as_array().unwrap();
    for edit in edits.iter().rev() {
        let at = |key: &str| usize::try_from(edit[key].as_u64().unwrap()).unwrap();
        assert_eq!(edit["path"], "svc/Dockerfile");
        text.replace_range(at("start")..at("end"), edit["text"].as_str().unwrap());
    }
    assert_eq!(
        text,
        FAULTY.replace("MALLOC_ARENA_MAX_=", "MALLOC_ARENA_MAX=")
    );
}

#[test]
fn columns_count_characters_and_spans_count_bytes() {
    let text = "FROM python:3.12-slim\nENV Å=\"日本\" MALLOC_ARENA_MAX_=2\n";
    let folder = folder([("Dockerfile", text)]);
    write(
        folder.path(),
        "latin1.Dockerfile",
        b"FROM python:3.12-slim\nENV A=\"\xe9\xff\" MALLOC_ARENA_MAX_=2\n",
    );
    let run = run(folder.path(), ["check", "--format", "json"]);
    let document: Value = serde_json::from_str(&run.out).expect("JSON, whatever the encoding");
    let place = |index: usize| {
        (
            document["findings"][index]["column"].clone(),
            document["findings"][index]["span"]["start"].clone(),
        )
    };
    assert_eq!(place(0), (12.into(), text.find("MALLOC").unwrap().into()));
    assert_eq!(document["findings"][1]["path"], "latin1.Dockerfile");
    assert_eq!(place(1), (12.into(), 33.into()));
}

#[test]
fn the_list_of_rules_is_json_too() {
    let folder = folder([]);
    let rules: Value =
        serde_json::from_str(&run(folder.path(), ["rules", "--format", "json"]).out).unwrap();
    let ids: Vec<&str> = rules
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["id"].as_str().unwrap())
        .collect();
    let listed: Vec<&str> = malloclint::internals::rules::RULES
        .iter()
        .map(|rule| rule.id)
        .collect();
    assert_eq!(ids, listed);
    let fields: Vec<&str> = rules[0]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        BTreeSet::from_iter(fields),
        BTreeSet::from(["id", "severity", "summary", "since", "inputs", "fix"])
    );
}
