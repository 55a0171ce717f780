//! What a project wants: the nearest `malloclint.toml`, or `[tool.malloclint]` of the nearest
//! `pyproject.toml` that has it, in the folder of the file or above.
//!
//! A key that does not exist is an error that points into the file: a setting that is silently
//! ignored is what this tool is against.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::Deserialize;

use crate::templates::{Goal, PreloadStyle, Style};

/// The keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// What `LD_PRELOAD` is set to: `soname` or `path`.
    pub preload: Option<PreloadStyle>,
    /// What `MALLOC_CONF` is set to where nobody has set it; `tune --write` puts it here.
    pub malloc_conf: Option<MallocConf>,
    /// What the profiles that `fix` sets are to be good for.
    pub goal: Option<Goal>,
    /// Whether images whose server forks get the prefork hook.
    pub prefork_hook: Option<bool>,
    /// What images are built from, by name without tag: a Dockerfile, relative to the file that says so.
    #[serde(default)]
    pub images: BTreeMap<String, Image>,
}

/// What an image is built from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "a path, or `{ dockerfile = \"...\", target = \"...\" }`"
)]
pub(crate) enum Image {
    /// The last stage of a Dockerfile.
    Whole(String),
    /// A stage of it.
    Stage(Stage),
}

/// A stage of a Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stage {
    /// The Dockerfile.
    pub dockerfile: String,
    /// The stage; the last one where nothing is said.
    pub target: Option<String>,
}

/// A `MALLOC_CONF` that lives as long as the program: a configuration is read once per folder, and
/// handed around by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MallocConf(&'static str);

impl MallocConf {
    /// Whether a text can be one.
    #[must_use]
    pub(crate) fn accepts(text: &str) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_:,.-|".contains(c);
        !text.is_empty() && text.chars().all(plain)
    }
}

impl<'de> Deserialize<'de> for MallocConf {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if !Self::accepts(&text) {
            let reason = "it must be pairs `key:value`, separated by commas";
            return Err(serde::de::Error::custom(reason));
        }
        Ok(Self(Box::leak(text.into_boxed_str())))
    }
}

impl Config {
    /// What images are built from: name, path of the Dockerfile, stage.
    pub(crate) fn builds(&self) -> impl Iterator<Item = (&str, &Path, Option<&str>)> {
        self.images.iter().map(|(image, source)| match source {
            Image::Whole(path) => (image.as_str(), Path::new(path), None),
            Image::Stage(stage) => {
                let target = stage.target.as_deref();
                (image.as_str(), Path::new(&stage.dockerfile), target)
            }
        })
    }

    /// How changes are spelled.
    #[must_use]
    pub(crate) fn style(&self) -> Style {
        Style {
            preload: self.preload.unwrap_or_default(),
            malloc_conf: self.malloc_conf.map(|conf| conf.0),
            goal: self.goal.unwrap_or_default(),
            prefork_hook: self.prefork_hook.unwrap_or(false),
        }
    }
}

/// A configuration file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub(crate) struct ConfigError {
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
pub(crate) struct Configs(Mutex<HashMap<PathBuf, Result<Config, ConfigError>>>);

impl Configs {
    /// The configuration for a file, or for what is read in the current folder.
    ///
    /// # Errors
    /// Where the nearest file cannot be read or holds what no version of this tool knows.
    pub(crate) fn of(&self, file: &Path) -> Result<Config, ConfigError> {
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

    /// The file that holds the configuration for what lies in the current folder, relative to it.
    ///
    /// # Errors
    /// Where the nearest one cannot be read or holds what no version of this tool knows.
    pub(crate) fn file_here() -> Result<Option<PathBuf>, ConfigError> {
        let Ok(here) = std::fs::canonicalize(".") else {
            return Ok(None);
        };
        let mut up = PathBuf::new();
        for folder in here.ancestors() {
            if let Some((path, _)) = in_it(folder)? {
                return Ok(path.file_name().map(|name| up.join(name)));
            }
            if is_root(folder) {
                break;
            }
            up.push("..");
        }
        Ok(None)
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
        let found = match in_it(folder) {
            Ok(Some((_, config))) => Ok(config),
            Err(error) => Err(error),
            Ok(None) if is_root(folder) => Ok(Config::default()),
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

/// A repository is a world of its own.
fn is_root(folder: &Path) -> bool {
    folder.join(".git").exists()
}

/// What the folder itself says, and the file that says so.
fn in_it(folder: &Path) -> Result<Option<(PathBuf, Config)>, ConfigError> {
    let own = folder.join("malloclint.toml");
    if let Some(text) = text(&own)? {
        let config = placed(parse(&own, &text)?, &own)?;
        return Ok(Some((own, config)));
    }
    let shared = folder.join("pyproject.toml");
    let Some(text) = text(&shared)?.filter(|text| text.contains("malloclint")) else {
        return Ok(None);
    };
    let project: PyProject = parse(&shared, &text)?;
    let Some(config) = project.tool.and_then(|tool| tool.malloclint) else {
        return Ok(None);
    };
    let config = placed(config, &shared)?;
    Ok(Some((shared, config)))
}

/// The configuration with the Dockerfiles of its images where they lie.
fn placed(mut config: Config, path: &Path) -> Result<Config, ConfigError> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    for (image, source) in &mut config.images {
        let (Image::Whole(file)
        | Image::Stage(Stage {
            dockerfile: file, ..
        })) = source;
        let whole = folder.join(&*file);
        if !whole.is_file() {
            let reason = format!("`images`: there is no file `{file}` to build `{image}` from");
            return Err(wrong(path, reason));
        }
        *file = whole.to_string_lossy().into_owned();
    }
    Ok(config)
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
        assert_eq!(preload("Dockerfile"), Some(PreloadStyle::Path));
        assert_eq!(preload("a/Dockerfile"), Some(PreloadStyle::Path));
        assert_eq!(preload("a/b/Dockerfile"), Some(PreloadStyle::Soname));
        assert_eq!(preload("nowhere/Dockerfile"), None);
    }

    #[test]
    fn a_wrong_key_or_value_is_an_error_with_its_line() {
        for text in [
            "\npreloda = \"path\"\n",
            "\npreload = \"bath\"\n",
            "\npreload\n",
            "\nimages = { api = 1 }\n",
            "\nmalloc-conf = \"narenas:2 tcache:false\"\n",
            "\nmalloc-conf = \"\"\n",
        ] {
            let folder = folder(&[("malloclint.toml", text)]);
            let error = Configs::default()
                .of(&folder.path().join("Dockerfile"))
                .unwrap_err();
            assert!(error.path.ends_with("malloclint.toml"));
            assert!(error.reason.contains("line 2"), "{}", error.reason);
        }
    }
    #[test]
    fn images_are_built_from_what_lies_beside_the_file() {
        let text = "[images]\n\"ghcr.io/me/api\" = \"Api.Dockerfile\"\nworker = { dockerfile = \"Api.Dockerfile\", target = \"worker\" }\n";
        let with = folder(&[
            ("a/malloclint.toml", text),
            ("a/Api.Dockerfile", "FROM x\n"),
        ]);
        let config = Configs::default()
            .of(&with.path().join("a/b/pod.yaml"))
            .unwrap();
        let builds: Vec<_> = config.builds().collect();
        let file = with.path().canonicalize().unwrap().join("a/Api.Dockerfile");
        assert_eq!(builds[0], ("ghcr.io/me/api", file.as_path(), None));
        assert_eq!(builds[1], ("worker", file.as_path(), Some("worker")));
        let without = folder(&[("malloclint.toml", text)]);
        let error = Configs::default()
            .of(&without.path().join("x"))
            .unwrap_err();
        assert!(
            error.reason.contains("there is no file `Api.Dockerfile`"),
            "{error}"
        );
    }
}
