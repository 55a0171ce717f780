//! Puts the best setting into the project's configuration, from where `fix` takes it. Comments and
//! the order of keys stay; the file is replaced whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, value};

use crate::facts::Family;
use crate::write::{self, WriteError};

use super::Outcome;

/// The key that `fix` reads.
const KEY: &str = "malloc-conf";

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// The file holds it now.
    Written(PathBuf),
    /// The file holds it already.
    Same(PathBuf),
    /// The C library's own allocator is the best: there is nothing to write.
    Nothing,
}

/// Why it was not written.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Nothing was measured.
    #[error("nothing is written: nothing was measured")]
    NoWinner,
    /// `fix` cannot put it in force.
    #[error(
        "nothing is written: `fix` sets jemalloc and its `MALLOC_CONF` only, and the best here is {0}; put the lines above into the Dockerfile"
    )]
    NotForFix(String),
    /// The file is no TOML.
    #[error("{path}: {reason}")]
    Syntax {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The disk refused.
    #[error("{path}: {error}")]
    Write {
        /// The file.
        path: String,
        /// Why.
        error: WriteError,
    },
    /// It cannot be read.
    #[error("{path}: {error}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        error: io::Error,
    },
}

/// Writes the best setting into the configuration of `folder`.
///
/// # Errors
/// Where there is nothing that `fix` could use, or the file cannot be changed.
pub fn save(outcome: &Outcome, folder: &Path) -> Result<Saved, SaveError> {
    let best = outcome.leader.and_then(|leader| outcome.tried.get(leader));
    let best = &best.ok_or(SaveError::NoWinner)?.candidate;
    if best.library.is_none() && best.env.is_empty() {
        return Ok(Saved::Nothing);
    }
    let is_jemalloc = best
        .library
        .as_ref()
        .is_some_and(|library| library.family == Family::Jemalloc);
    match best.variable("MALLOC_CONF") {
        Some(conf) if is_jemalloc && best.env.len() == 1 => write_to(folder, conf),
        _ => Err(SaveError::NotForFix(best.name.clone())),
    }
}

fn write_to(folder: &Path, conf: &str) -> Result<Saved, SaveError> {
    let own = folder.join("malloclint.toml");
    let shared = folder.join("pyproject.toml");
    let project = read(&shared)?.filter(|text| !own.exists() && has_section(text));
    let (path, before, section) = match project {
        Some(text) => (shared, Some(text), true),
        None => (own.clone(), read(&own)?, false),
    };
    let shown = path.display().to_string();
    let text = before.clone().unwrap_or_default();
    let after = changed(&text, conf, section).map_err(|reason| SaveError::Syntax {
        path: shown.clone(),
        reason,
    })?;
    if before.as_deref() == Some(after.as_str()) {
        return Ok(Saved::Same(path));
    }
    let done = match &before {
        Some(before) => write::replace(&path, before.as_bytes(), after.as_bytes()),
        None => write::create(&path, after.as_bytes()),
    };
    done.map_err(|error| SaveError::Write { path: shown, error })?;
    Ok(Saved::Written(path))
}

fn read(path: &Path) -> Result<Option<String>, SaveError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(SaveError::Read {
            path: path.display().to_string(),
            error,
        }),
    }
}

/// Whether the project keeps its configuration here.
fn has_section(text: &str) -> bool {
    let Ok(document) = text.parse::<DocumentMut>() else {
        return false;
    };
    document
        .get("tool")
        .and_then(|tool| tool.get("malloclint"))
        .is_some()
}

fn changed(text: &str, conf: &str, section: bool) -> Result<String, String> {
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| error.to_string().trim_end().to_owned())?;
    if !section && document.is_empty() {
        // A file of comments alone: the key comes after them.
        let gap = if text.is_empty() || text.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        return Ok(format!(
            "{text}{gap}{KEY} = {}\n",
            toml_edit::Value::from(conf)
        ));
    }
    let table: &mut Table = if section {
        let tool = document
            .get_mut("tool")
            .and_then(|tool| tool.get_mut("malloclint"));
        tool.and_then(Item::as_table_mut)
            .ok_or("`tool.malloclint` is not written as a section: add the key by hand")?
    } else {
        document.as_table_mut()
    };
    match table.get_mut(KEY).and_then(Item::as_value_mut) {
        // What stands around the value, a comment behind it too, is its own.
        Some(old) => {
            let decor = old.decor().clone();
            let mut new = toml_edit::Value::from(conf);
            *new.decor_mut() = decor;
            *old = new;
        }
        None => {
            table.insert(KEY, value(conf));
        }
    }
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONF: &str = "narenas:2,tcache:false";

    #[test]
    fn comments_and_order_stay() {
        let before = "# ours\npreload = \"path\" # why\n\nmalloc-conf = 'narenas:1' # old\n";
        let after = changed(before, CONF, false).unwrap();
        assert_eq!(
            after,
            before.replace("'narenas:1'", "\"narenas:2,tcache:false\"")
        );
        assert_eq!(changed(&after, CONF, false).unwrap(), after);
        assert_eq!(
            changed("", CONF, false).unwrap(),
            "malloc-conf = \"narenas:2,tcache:false\"\n"
        );
        assert!(
            changed("x = \n", CONF, false)
                .unwrap_err()
                .contains("line 1")
        );
    }

    #[test]
    fn a_project_that_keeps_it_in_pyproject_keeps_it_there() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let text = "[tool.malloclint]\n# ours\npreload = \"soname\"\n\n[tool.other]\nx = 1\n";
        fs::write(at("pyproject.toml"), text).unwrap();
        assert_eq!(
            write_to(folder.path(), CONF).unwrap(),
            Saved::Written(at("pyproject.toml"))
        );
        let written = fs::read_to_string(at("pyproject.toml")).unwrap();
        let line = "preload = \"soname\"\nmalloc-conf = \"narenas:2,tcache:false\"\n";
        assert!(written.contains(line), "{written}");
        assert_eq!(
            write_to(folder.path(), CONF).unwrap(),
            Saved::Same(at("pyproject.toml"))
        );
        assert!(!at("malloclint.toml").exists());
        fs::write(at("malloclint.toml"), "# mine\n").unwrap();
        assert_eq!(
            write_to(folder.path(), CONF).unwrap(),
            Saved::Written(at("malloclint.toml"))
        );
        assert!(
            fs::read_to_string(at("malloclint.toml"))
                .unwrap()
                .starts_with("# mine\n")
        );
    }

    #[test]
    fn a_new_file_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("malloclint.toml");
        fs::write(folder.path().join("pyproject.toml"), "[tool.ruff]\n").unwrap();
        assert_eq!(write_to(folder.path(), CONF).unwrap(), Saved::Written(path));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
