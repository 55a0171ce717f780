//! The oldest compiler that `Cargo.toml` promises must be enough for every dependency of the product.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

type Version = (u32, u32, u32);

#[test]
fn no_dependency_needs_a_newer_compiler_than_promised() {
    let metadata = metadata();
    let packages: BTreeMap<&str, &Value> = list(&metadata["packages"])
        .map(|package| (text(&package["id"]), package))
        .collect();
    let nodes: BTreeMap<&str, &Value> = list(&metadata["resolve"]["nodes"])
        .map(|node| (text(&node["id"]), node))
        .collect();
    let root = text(&metadata["resolve"]["root"]);
    let promised = version(text(&packages[root]["rust_version"]));

    let mut newer = Vec::new();
    let mut seen = vec![root];
    let mut next = 0;
    while let Some(id) = seen.get(next).copied() {
        next += 1;
        let package = packages[id];
        // A crate that names no version is compiled by CI with the promised one or not at all.
        if let Some(needs) = package["rust_version"]
            .as_str()
            .filter(|needs| version(needs) > promised)
        {
            newer.push(format!(
                "{} {} needs Rust {needs}",
                text(&package["name"]),
                text(&package["version"])
            ));
        }
        for dependency in list(&nodes[id]["deps"]).filter(|dependency| is_normal(dependency)) {
            let id = text(&dependency["pkg"]);
            if !seen.contains(&id) {
                seen.push(id);
            }
        }
    }
    assert!(
        seen.len() > 20,
        "only {} packages were looked at",
        seen.len()
    );
    assert!(
        newer.is_empty(),
        "newer than rust-version = {promised:?}:\n{}",
        newer.join("\n")
    );
}

#[test]
fn the_lint_for_newer_library_functions_is_on() {
    let manifest = include_str!("../../Cargo.toml")
        .parse::<toml_edit::Document<String>>()
        .unwrap();
    assert_eq!(
        manifest["lints"]["clippy"]["incompatible_msrv"].as_str(),
        Some("deny")
    );
    let promised = manifest["package"]["rust-version"].as_str().unwrap();
    let readme = include_str!("../../README.md");
    assert!(
        readme.contains(&format!("Rust {promised}")),
        "README.md does not say that Rust {promised} is enough"
    );
}

/// What cargo knows about the packages in use on this platform, without asking the network.
fn metadata() -> Value {
    let target = host();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--offline",
        "--filter-platform",
        &target,
    ]);
    let output = cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("cargo writes JSON")
}

fn host() -> String {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .expect("rustc runs");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("rustc names its host")
        .to_owned()
}

/// Neither for tests nor for build scripts: a part of the product.
fn is_normal(dependency: &Value) -> bool {
    list(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().expect("a list").iter()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn version(text: &str) -> Version {
    let mut parts = text.split('.').map(|part| part.parse().expect("a number"));
    (
        parts.next().unwrap_or(0),
        parts.next().unwrap_or(0),
        parts.next().unwrap_or(0),
    )
}
