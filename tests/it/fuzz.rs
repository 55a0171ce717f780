//! The fuzz targets stand in a package of their own, which `make fuzz` compiles: here is held what keeps it so.

use std::collections::BTreeSet;
use std::path::Path;

use crate::architecture::source::files;
use crate::support::any_text;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The names behind `key = "` in a TOML file.
fn values(text: &str, key: &str) -> Vec<String> {
    let start = format!("{key} = \"");
    let values = text.lines().filter_map(|line| line.strip_prefix(&start));
    values
        .map(|value| value.trim_end_matches('"').to_owned())
        .collect()
}

#[test]
fn whatever_holds_for_any_text_has_a_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed: BTreeSet<String> = values(&read("fuzz/Cargo.toml"), "path")
        .into_iter()
        .collect();
    let targets = files(&root.join("fuzz/fuzz_targets"));
    let there = targets.iter().map(|name| format!("fuzz_targets/{name}"));
    assert_eq!(
        listed,
        there.collect(),
        "fuzz/Cargo.toml (left) and fuzz/fuzz_targets"
    );
    let all: String = listed
        .iter()
        .map(|path| read(&format!("fuzz/{path}")))
        .collect();
    for held in files(&root.join("tests/support/any_text")) {
        let call = format!("any_text::{}::check(", held.trim_end_matches(".rs"));
        assert!(all.contains(&call), "no target calls {call}");
    }
}

#[test]
fn targets_are_compiled_with_the_versions_of_the_product() {
    let pairs = |path: &str| {
        let text = read(path);
        let (names, versions) = (values(&text, "name"), values(&text, "version"));
        names.into_iter().zip(versions).collect::<BTreeSet<_>>()
    };
    let ours = pairs("Cargo.lock");
    let known: BTreeSet<&String> = ours.iter().map(|(name, _)| name).collect();
    let others = pairs("fuzz/Cargo.lock");
    let differs = |pair: &&(String, String)| known.contains(&pair.0) && !ours.contains(pair);
    let others: Vec<_> = others.iter().filter(differs).collect();
    assert!(
        others.is_empty(),
        "copy Cargo.lock to fuzz/ and run `cargo check` there: {others:?}"
    );
}

/// The targets themselves need another compiler; what they hold does not.
#[test]
fn what_targets_hold_holds_for_a_few_texts() {
    let texts = [
        "",
        "\u{feff}FROM a\nRUN <<E\nx\nE\n",
        "export A=$(b \"c\") <<E\nE\n",
        "narenas:2,,background_thread:true,lg_chunk:",
        "ignore[a, allocator-unset] until=2020-01-01",
        "preload = \"bath\"\n[tool.malloclint]\n",
        "services:\n  a:\n    environment: [A=b]\n",
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    env: &e\n    - {name: A, value: 1}\n",
        "\u{0}\r\r\n\u{85}\u{2028}é",
    ];
    for text in texts {
        any_text::dockerfile::check(text.as_bytes());
        any_text::shell::check(text);
        any_text::yaml::check("manifest.yaml", text);
        any_text::yaml::check("compose.yaml", text);
        any_text::malloc_conf::check(text);
        any_text::suppressions::check(text);
        any_text::config::check(text);
    }
}
