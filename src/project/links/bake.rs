//! Bake files: `target` blocks with their tags (docs.docker.com, "Bake file reference").
//!
//! HCL is read by `hcl-rs`. An attribute that needs a function or a variable without a default is left
//! out; the others of its target still count.

use std::collections::BTreeMap;

use hcl::eval::{Context, Evaluate};
use hcl::{Body, Expression, Value};

use super::ImageBuild;
use super::build_of;
use crate::manifests::Sheet;
use crate::text::SourceFile;

/// Brackets nest so deep in no bake file, and the parser's stack ends somewhere.
const DEEPEST: usize = 64;
/// Targets inherit from each other so many times.
const ANCESTORS: usize = 16;

/// What a target says of itself.
#[derive(Debug, Default)]
struct Target {
    inherits: Vec<String>,
    tags: Vec<String>,
    words: BTreeMap<&'static str, String>,
}

const WORDS: [&str; 3] = ["context", "dockerfile", "target"];

/// The targets of a file in HCL.
pub(super) fn read_hcl(file: &SourceFile, text: &str) -> Vec<ImageBuild> {
    if depth(text) > DEEPEST {
        return Vec::new();
    }
    let Ok(body) = hcl::from_str::<Body>(text) else {
        return Vec::new();
    };
    let context = variables(&body);
    let mut targets = BTreeMap::new();
    for block in body.blocks().filter(|block| block.identifier() == "target") {
        let Some(name) = block.labels().first() else {
            continue;
        };
        let mut target = Target::default();
        for attribute in block.body().attributes() {
            let words = || words(attribute.expr(), &context);
            match attribute.key() {
                "tags" => target.tags = words(),
                "inherits" => target.inherits = words(),
                key => {
                    let known = WORDS.iter().find(|word| **word == key);
                    if let (Some(known), Some(word)) = (known, words().into_iter().next()) {
                        target.words.insert(known, word);
                    }
                }
            }
        }
        targets.insert(name.as_str().to_owned(), target);
    }
    builds(file, &targets)
}

/// The defaults of the variables, those first that stand first.
fn variables(body: &Body) -> Context<'static> {
    let mut context = Context::new();
    for block in body
        .blocks()
        .filter(|block| block.identifier() == "variable")
    {
        let attributes = block.body().attributes();
        let mut default = attributes.filter(|attribute| attribute.key() == "default");
        let default = default.next_back();
        let value = default.and_then(|default| default.expr().evaluate(&context).ok());
        if let (Some(name), Some(value)) = (block.labels().first(), value) {
            context.declare_var(name.as_str(), value);
        }
    }
    for attribute in body.attributes() {
        if let Ok(value) = attribute.expr().evaluate(&context) {
            context.declare_var(attribute.key(), value);
        }
    }
    context
}

/// The texts of a value or of a list of them, those that can be told.
fn words(expression: &Expression, context: &Context<'_>) -> Vec<String> {
    let word = |expression: &Expression| match expression.evaluate(context) {
        Ok(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    match expression {
        Expression::Array(items) => items.iter().filter_map(word).collect(),
        one => word(one).into_iter().collect(),
    }
}

/// How deep brackets nest.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' | b'(' => depth += 1,
            b']' | b'}' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The targets of a file in JSON.
pub(super) fn read_json(sheet: Sheet<'_>) -> Vec<ImageBuild> {
    let tree = sheet.tree;
    let list = |id| {
        let items = tree.items(id).iter().filter_map(|item| tree.word(*item));
        let one = tree.word(id).into_iter();
        items.chain(one).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut targets = BTreeMap::new();
    let roots = tree.documents.iter();
    for root in roots.filter_map(|root| tree.get(*root, "target")) {
        for &(name, body) in tree.entries(root) {
            let of = |key: &str| tree.get(body, key).map(list).unwrap_or_default();
            let words = WORDS
                .iter()
                .filter_map(|key| Some((*key, of(key).into_iter().next()?)));
            let target = Target {
                inherits: of("inherits"),
                tags: of("tags"),
                words: words.collect(),
            };
            targets.insert(tree.text(name).unwrap_or_default().to_owned(), target);
        }
    }
    builds(sheet.file, &targets)
}

fn builds(file: &SourceFile, targets: &BTreeMap<String, Target>) -> Vec<ImageBuild> {
    let mut found = Vec::new();
    for name in targets.keys() {
        let whole = inherited(targets, name, ANCESTORS);
        let word = |key: &str| whole.words.get(key).cloned();
        let context = word("context").unwrap_or_else(|| ".".into());
        found.extend(whole.tags.iter().filter_map(|tag| {
            build_of(
                file,
                tag,
                &context,
                word("dockerfile").as_deref(),
                word("target"),
            )
        }));
    }
    found
}

/// A target with what it inherits: what it says itself counts more, and of its parents the last.
fn inherited(targets: &BTreeMap<String, Target>, name: &str, levels: usize) -> Target {
    let mut whole = Target::default();
    let (Some(own), Some(levels)) = (targets.get(name), levels.checked_sub(1)) else {
        return whole;
    };
    let parents = own.inherits.iter().take(ANCESTORS);
    for parent in parents.map(|parent| inherited(targets, parent, levels)) {
        whole.words.extend(parent.words);
        if !parent.tags.is_empty() {
            whole.tags = parent.tags;
        }
    }
    whole
        .words
        .extend(own.words.iter().map(|(key, word)| (*key, word.clone())));
    if !own.tags.is_empty() {
        whole.tags.clone_from(&own.tags);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_with_variables_and_parents() {
        let text = r#"
variable "REGISTRY" { default = "ghcr.io/shop" }
variable "TAG" {}
base = "services"
target "common" {
  context = "${base}/api"
  dockerfile = "docker/Dockerfile"
}
target "api" {
  inherits = ["common"]
  target = "run"
  tags = ["${REGISTRY}/api:1", "${REGISTRY}/api:${TAG}", lower("X")]
}
target "web" {
  context = "https://example.com/web.git"
  tags = ["shop/web"]
}
"#;
        let file = SourceFile::new("deploy/docker-bake.hcl", text.as_bytes().to_vec());
        let found = read_hcl(&file, text);
        let expected = ImageBuild {
            image: "ghcr.io/shop/api".into(),
            reference: "ghcr.io/shop/api:1".into(),
            dockerfile: "deploy/services/api/docker/Dockerfile".into(),
            target: Some("run".into()),
            platforms: Vec::new(),
            said_in: "deploy/docker-bake.hcl".into(),
        };
        assert_eq!(found, [expected]);
    }

    #[test]
    fn hostile_texts_end() {
        let file = SourceFile::new("docker-bake.hcl", Vec::new());
        for text in [
            "[".repeat(100_000),
            "a = ".to_owned() + &"!".repeat(20_000) + "1",
            "target \"a\" { inherits = [\"a\", \"a\"] }".to_owned(),
        ] {
            assert!(read_hcl(&file, &text).is_empty());
        }
    }
}
