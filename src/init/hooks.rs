//! The hooks of malloclint in a configuration of pre-commit (pre-commit.com, "Adding pre-commit plugins to your project").

use crate::text;
use crate::yaml::{self, edit::Sheet};

const ENTRY: &str = include_str!("../../templates/init/pre-commit.yaml");

/// A configuration with nothing else in it.
pub(super) fn whole() -> String {
    let mut text = "repos:\n".to_owned();
    for (at, line) in lines().iter().enumerate() {
        let dash = if at == 0 { "-" } else { " " };
        text.push_str(&format!("  {dash} {line}\n"));
    }
    text
}

/// A configuration with the hooks behind its own.
pub(super) fn into(before: &str) -> Result<String, String> {
    if before.trim().is_empty() {
        return Ok(whole());
    }
    let tree = yaml::read(before).map_err(|broken| format!("it is no YAML: {broken}"))?;
    let top = tree.documents.first().copied();
    let list = top.and_then(|top| tree.get(top, "repos"));
    let list = list.ok_or("it has no `repos`")?;
    let sheet = Sheet {
        text: before,
        tree: &tree,
    };
    if sheet.is_flow(list) {
        return Err("its `repos` stand in brackets".into());
    }
    let edit = sheet.push_lines(list, &lines(), "")?;
    let after = text::apply(before.as_bytes(), &[edit]).ok_or("it cannot be added to")?;
    String::from_utf8(after).map_err(|_| "it is not UTF-8".into())
}

fn lines() -> Vec<String> {
    super::filled(ENTRY).lines().map(str::to_owned).collect()
}
