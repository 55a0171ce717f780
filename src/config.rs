//! What a project wants: the nearest `malloclint.toml`, or `[tool.malloclint]` of the nearest
//! `pyproject.toml` that has it, in the folder of the file or above.
//!
//! A key that does not exist is an error that points into the file: a setting that is silently
//! ignored is what this tool is against.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::Deserialize;

use crate::inputs::{PreloadStyle, Style};

/// The keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// What `LD_PRELOAD` is set to: `soname` or `path`.
    pub preload: Option<Preload>,
    /// Whether images whose server forks get the prefork hook.
    pub prefork_hook: Option<bool>,
}

/// What `LD_PRELOAD` is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preload {
    /// The library's bare name.
    Soname,
    /// An absolute path.
    Path,
}

impl Config {
    /// How changes are spelled.
    #[must_use]
    pub fn style(self) -> Style {
        Style {
            preload: match self.preload {
                Some(Preload::Path) => PreloadStyle::Path,
                Some(Preload::Soname) | None => PreloadStyle::Soname,
            },
            prefork_hook: self.prefork_hook.unwrap_or(false),
        }
    }
}

/// A configuration file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct ConfigError {
    /// The file.
    pub path: String,
    /// What is wrong with it, with the line.
    pub reason: String,
}

#[derive(Debug, Default, Deserialize)]
struct PyProject {
    tool: Option<Tool>,
}

#[derive(Debug, Deserialize)]
struct Tool {
    malloclint: Option<Config>,
}

/// The configurations of a run, each folder looked at once.
#[derive(Debug, Default)]
pub struct Configs(Mutex<HashMap<PathBuf, Result<Config, ConfigError>>>);

impl Configs {
    /// The configuration for a file, or for what is read in the current folder.
    ///
    /// # Errors
    /// Where the nearest file cannot be read or holds what no version of this tool knows.
    pub fn of(&self, file: &Path) -> Result<Config, ConfigError> {
        let folder = file
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        // What cannot be found has no configuration either: reading it says so.
        let Ok(folder) = std::fs::canonicalize(folder) else {
            return Ok(Config::default());
        };
        self.in_folder(&folder)
    }

    fn in_folder(&self, folder: &Path) -> Result<Config, ConfigError> {
        let known = self
            .0
            .lock()
            .ok()
            .and_then(|known| known.get(folder).cloned());
        if let Some(found) = known {
            return found;
        }
        let found = match here(folder) {
            Ok(Some(config)) => Ok(config),
            Err(error) => Err(error),
            // A repository is a world of its own.
            Ok(None) if folder.join(".git").exists() => Ok(Config::default()),
            Ok(None) => match folder.parent() {
                Some(above) => self.in_folder(above),
                None => Ok(Config::default()),
            },
        };
        if let Ok(mut known) = self.0.lock() {
            known.insert(folder.to_owned(), found.clone());
        }
        found
    }
}

/// What the folder itself says.
fn here(folder: &Path) -> Result<Option<Config>, ConfigError> {
    let own = folder.join("malloclint.toml");
    if let Some(text) = text(&own)? {
        return parse(&own, &text).map(Some);
    }
    let shared = folder.join("pyproject.toml");
    let Some(text) = text(&shared)?.filter(|text| text.contains("malloclint")) else {
        return Ok(None);
    };
    let project: PyProject = parse(&shared, &text)?;
    Ok(project.tool.and_then(|tool| tool.malloclint))
}

fn text(path: &Path) -> Result<Option<String>, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(wrong(path, error.to_string())),
    }
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfigError> {
    toml_edit::de::from_str(text)
        .map_err(|error| wrong(path, error.to_string().trim_end().to_owned()))
}

fn wrong(path: &Path, reason: String) -> ConfigError {
    ConfigError {
        path: path.display().to_string(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn the_nearest_file_counts() {
        let folder = folder(&[
            ("malloclint.toml", "preload = \"path\"\n"),
            (
                "a/pyproject.toml",
                "[project]\nname = \"malloclint-user\"\n",
            ),
            (
                "a/b/pyproject.toml",
                "[tool.malloclint]\npreload = \"soname\"\n",
            ),
        ]);
        let configs = Configs::default();
        let preload = |path: &str| configs.of(&folder.path().join(path)).unwrap().preload;
        assert_eq!(preload("Dockerfile"), Some(Preload::Path));
        assert_eq!(preload("a/Dockerfile"), Some(Preload::Path));
        assert_eq!(preload("a/b/Dockerfile"), Some(Preload::Soname));
        assert_eq!(preload("nowhere/Dockerfile"), None);
    }

    #[test]
    fn a_wrong_key_or_value_is_an_error_with_its_line() {
        for text in [
            "\npreloda = \"path\"\n",
            "\npreload = \"bath\"\n",
            "\npreload\n",
        ] {
            let folder = folder(&[("malloclint.toml", text)]);
            let error = Configs::default()
                .of(&folder.path().join("Dockerfile"))
                .unwrap_err();
            assert!(error.path.ends_with("malloclint.toml"));
            assert!(error.reason.contains("line 2"), "{}", error.reason);
        }
    }
}
