//! Exceptions of configurations that silence nothing, or are over.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::Configs;

/// An exception that does nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unused {
    /// The file that it stands in.
    pub file: PathBuf,
    /// Its bytes there.
    pub span: Range<usize>,
    /// The day on which it ended, where it is over.
    pub ended: Option<String>,
}

impl Configs {
    /// The exceptions that silenced nothing, of the configurations that hold for no file but those below one of `folders`: what
    /// else they may be for was not looked at.
    pub(crate) fn unused(&self, folders: &[PathBuf]) -> Vec<Unused> {
        let Ok(policies) = self.policies.lock() else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (file, policy) in policies.iter() {
            let Some(file) = file else { continue };
            let covered = file
                .parent()
                .is_some_and(|own| folders.iter().any(|folder| own.starts_with(folder)));
            if !covered || policy.exceptions.is_empty() {
                continue;
            }
            let spans = spans(file);
            for (exception, span) in policy.exceptions.iter().zip(spans) {
                let over = exception.is_over(policy.today.as_ref());
                if over || !exception.used.load(Ordering::Relaxed) {
                    let until = exception.until.as_ref().filter(|_| over);
                    found.push(Unused {
                        file: file.clone(),
                        span,
                        ended: until.map(ToString::to_string),
                    });
                }
            }
        }
        found
    }
}

/// Where the tables of `ignore` stand in a file, in their order.
fn spans(file: &Path) -> Vec<Range<usize>> {
    let Ok(text) = std::fs::read_to_string(file) else {
        return Vec::new();
    };
    let Ok(document) = toml_edit::Document::parse(text) else {
        return Vec::new();
    };
    let shared = file
        .file_name()
        .is_some_and(|name| name == "pyproject.toml");
    let top = document.as_item();
    let own = match shared {
        true => top.get("tool").and_then(|tool| tool.get("malloclint")),
        false => Some(top),
    };
    let Some(ignore) = own.and_then(|own| own.get("ignore")) else {
        return Vec::new();
    };
    if let Some(tables) = ignore.as_array_of_tables() {
        return tables.iter().filter_map(toml_edit::Table::span).collect();
    }
    let values = ignore.as_array().into_iter().flatten();
    let tables = values.filter(|value| value.is_inline_table());
    tables.filter_map(toml_edit::Value::span).collect()
}
