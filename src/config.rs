//! What a project wants: the nearest `malloclint.toml` or `.malloclint.toml`, or `[tool.malloclint]` of the nearest
//! `pyproject.toml` that has it, in the folder of the file or above.
//!
//! A key that does not exist is an error that says where it stands and what is meant: a setting that is silently
//! ignored is what this tool is against.

mod keys;
mod read;
mod unused;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use ignore::gitignore::Gitignore;

use serde::Deserialize;

use crate::disk::{self, Roots};
use crate::finding::Confidence;
use crate::image::Reference;
use crate::policy::{Date, FailOn, Level, Policy, RuleNames, is_in};
use crate::templates::{Goal, PreloadStyle, Style};
use keys::{Ignore, Image, Platform, Stage, patterns};
pub(crate) use keys::{MallocConf, Pattern};
use read::in_it;
pub use read::wrong_in;
pub(crate) use unused::Unused;

/// The keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// The rules that speak; all where nothing is said.
    #[serde(default, deserialize_with = "keys::some_rules")]
    select: Option<Vec<RuleNames>>,
    /// Rules that do not, or findings that were judged already.
    #[serde(default)]
    ignore: Vec<Ignore>,
    /// How much findings of rules count.
    #[serde(default)]
    rules: BTreeMap<RuleNames, Level>,
    /// Files that a search passes over, as in `.gitignore`, from the folder of this file on.
    #[serde(default)]
    exclude: Vec<Pattern>,
    /// Files that a search takes although their names do not say what they are.
    #[serde(default)]
    include: Vec<Pattern>,
    /// The least severity that makes a run fail.
    pub fail_on: Option<FailOn>,
    /// How sure a finding must be to be reported.
    pub min_confidence: Option<Confidence>,
    /// The platforms that images are built for: `linux/amd64`.
    #[serde(default)]
    platforms: Vec<Platform>,
    /// What `LD_PRELOAD` is set to: `soname` or `path`.
    pub preload: Option<PreloadStyle>,
    /// What `MALLOC_CONF` is set to where nobody has set it; `tune --write` puts it here.
    pub malloc_conf: Option<MallocConf>,
    /// What the profiles that `fix` sets are to be good for.
    pub goal: Option<Goal>,
    /// Whether images with jemalloc get the thread hook.
    pub thread_hook: Option<bool>,
    /// What images are built from, by name without tag: a Dockerfile, relative to the file that says so.
    #[serde(default)]
    images: BTreeMap<String, Image>,
    /// Those of them that are stored as they were built.
    #[serde(skip)]
    built: BTreeMap<String, Reference>,
    /// The file that says so.
    #[serde(skip)]
    file: Option<PathBuf>,
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

    /// Images that are stored as they were built, by their names.
    pub(crate) fn built(&self) -> impl Iterator<Item = (&str, &Reference)> {
        let built = self.built.iter();
        built.map(|(image, reference)| (image.as_str(), reference))
    }

    /// The platforms that images are built for, as Docker writes them.
    pub(crate) fn platforms(&self) -> impl Iterator<Item = &str> {
        self.platforms.iter().map(Platform::as_str)
    }

    /// How changes are spelled.
    #[must_use]
    pub(crate) fn style(&self) -> Style {
        Style {
            preload: self.preload.unwrap_or_default(),
            malloc_conf: self.malloc_conf.map(MallocConf::text),
            goal: self.goal.unwrap_or_default(),
            thread_hook: self.thread_hook.unwrap_or(false),
        }
    }

    /// The folder that its paths count from.
    fn folder(&self) -> &Path {
        let folder = self.file.as_deref().and_then(Path::parent);
        folder.unwrap_or_else(|| Path::new("."))
    }

    /// What the project wants to hear, where the command line says nothing else.
    fn policy(&self, asked: &Asked) -> Policy {
        let own = |ignore: &Ignore| match ignore {
            Ignore::Rule(names) => Some(names.clone()),
            Ignore::Findings(_) => None,
        };
        let told = asked.select.is_some();
        let ignored = self.ignore.iter().filter_map(own).filter(|_| !told);
        let levels = self
            .rules
            .iter()
            .filter(|(_, level)| !told || **level != Level::Off);
        let findings = self.ignore.iter().filter_map(|ignore| match ignore {
            Ignore::Findings(findings) => Some(findings.exception(self.folder())),
            Ignore::Rule(_) => None,
        });
        Policy {
            select: asked
                .select
                .clone()
                .or_else(|| self.select.clone().map(RuleNames::all)),
            ignore: RuleNames::all(ignored.chain([asked.ignore.clone()])),
            levels: levels
                .map(|(names, level)| (names.clone(), *level))
                .collect(),
            confidence: asked.confidence.or(self.min_confidence),
            exceptions: findings.collect(),
            no_ignores: asked.no_ignores,
            today: asked.today.clone(),
        }
    }
}

/// What the command line asks for, whatever the configurations say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// The rules that speak.
    pub select: Option<RuleNames>,
    /// Rules that do not, beside those of the configuration.
    pub ignore: RuleNames,
    /// Files that a search passes over, beside those of the configuration.
    pub exclude: Vec<Pattern>,
    /// Comments and exceptions do not count.
    pub no_ignores: bool,
    /// How sure a finding must be.
    pub confidence: Option<Confidence>,
    /// The configuration to take, whatever lies beside the files.
    pub config: Option<PathBuf>,
    /// No configuration counts.
    pub isolated: bool,
    /// Where configurations are looked for.
    pub roots: Roots,
    /// What ends today is over tomorrow.
    pub today: Option<Date>,
}

impl Asked {
    /// The same below other roots.
    pub(crate) fn below(&self, roots: Roots) -> Self {
        Self {
            roots,
            ..self.clone()
        }
    }

    /// The same where no configuration counts.
    pub(crate) fn isolated(&self) -> Self {
        Self {
            isolated: true,
            ..self.clone()
        }
    }
}

/// Whether patterns hold for a file or folder, by its name or by where it lies.
fn means(patterns: &Gitignore, path: &Path, folder: bool) -> bool {
    !patterns.is_empty()
        && disk::places(&path.to_string_lossy())
            .iter()
            .any(|place| is_in(patterns, place, folder))
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

type Read = Result<Arc<Config>, ConfigError>;

/// The configurations of a run, each folder looked at once.
#[derive(Debug, Default)]
pub(crate) struct Configs {
    asked: Asked,
    folders: Mutex<HashMap<PathBuf, Read>>,
    policies: Mutex<BTreeMap<Option<PathBuf>, Arc<Policy>>>,
    files: Mutex<BTreeMap<Option<PathBuf>, Arc<Files>>>,
    excluded: OnceLock<Gitignore>,
}

/// Which files a search takes and passes over.
#[derive(Debug)]
struct Files {
    exclude: Gitignore,
    include: Gitignore,
}

impl Configs {
    /// The configurations, where the command line asks for that.
    #[must_use]
    pub(crate) fn with(asked: Asked) -> Self {
        Self {
            asked,
            ..Self::default()
        }
    }

    pub(crate) const fn asked(&self) -> &Asked {
        &self.asked
    }

    /// The configuration for a file, or for what is read in the current folder.
    ///
    /// # Errors
    /// Where the nearest file cannot be read or holds what no version of this tool knows.
    pub(crate) fn of(&self, file: &Path) -> Read {
        if self.asked.isolated {
            return Ok(Arc::default());
        }
        if let Some(path) = &self.asked.config {
            return self.named(path);
        }
        let folder = file
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        // What cannot be found has no configuration either: reading it says so.
        let Ok(folder) = std::fs::canonicalize(folder) else {
            return Ok(Arc::default());
        };
        self.in_folder(&folder)
    }

    /// What the project of a file wants to hear. (A configuration that cannot be read is told where the file itself is.)
    pub(crate) fn policy(&self, file: &Path) -> Arc<Policy> {
        let config = self.of(file).unwrap_or_default();
        let Ok(mut policies) = self.policies.lock() else {
            return Arc::new(config.policy(&self.asked));
        };
        let known = policies.entry(config.file.clone());
        let made = || Arc::new(config.policy(&self.asked));
        Arc::clone(known.or_insert_with(made))
    }

    /// Which files a search takes and passes over, in the project of a file.
    fn files(&self, path: &Path) -> Arc<Files> {
        let config = self.of(path).unwrap_or_default();
        let made = || {
            Arc::new(Files {
                exclude: patterns(config.folder(), &config.exclude),
                include: patterns(config.folder(), &config.include),
            })
        };
        let Ok(mut files) = self.files.lock() else {
            return made();
        };
        Arc::clone(files.entry(config.file.clone()).or_insert_with(made))
    }

    /// Whether a search passes over a file or folder.
    pub(crate) fn excludes(&self, path: &Path, folder: bool) -> bool {
        let asked = || {
            let here = std::fs::canonicalize(".").unwrap_or_default();
            patterns(&here, &self.asked.exclude)
        };
        means(&self.files(path).exclude, path, folder)
            || means(self.excluded.get_or_init(asked), path, folder)
    }

    /// Whether a search takes a file whatever its name.
    pub(crate) fn includes(&self, path: &Path) -> bool {
        means(&self.files(path).include, path, false)
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
        let roots = Roots::of(&[PathBuf::from(".")], None);
        for folder in here.ancestors() {
            if let Some(config) = in_it(folder, &roots)? {
                let name = config.file.as_deref().and_then(Path::file_name);
                return Ok(name.map(|name| up.join(name)));
            }
            if is_root(folder) {
                break;
            }
            up.push("..");
        }
        Ok(None)
    }

    fn named(&self, path: &Path) -> Read {
        let known = self.folders.lock();
        let known = known.ok().and_then(|known| known.get(path).cloned());
        if let Some(found) = known {
            return found;
        }
        let found = read::file(path).map(Arc::new);
        if let Ok(mut known) = self.folders.lock() {
            known.insert(path.to_owned(), found.clone());
        }
        found
    }

    fn in_folder(&self, folder: &Path) -> Read {
        let known = self
            .folders
            .lock()
            .ok()
            .and_then(|known| known.get(folder).cloned());
        if let Some(found) = known {
            return found;
        }
        let above = || folder.parent().filter(|above| self.asked.roots.hold(above));
        // What a link brings in counts against the repository that it stands in.
        let own = Roots::of(&[folder.to_path_buf()], None);
        if !self.asked.roots.hold(folder) {
            return Ok(Arc::default());
        }
        let found = match in_it(folder, &own) {
            Ok(Some(config)) => Ok(Arc::new(config)),
            Err(error) => Err(error),
            Ok(None) if is_root(folder) => Ok(Arc::default()),
            Ok(None) => above().map_or_else(|| Ok(Arc::default()), |above| self.in_folder(above)),
        };
        if let Ok(mut known) = self.folders.lock() {
            known.insert(folder.to_owned(), found.clone());
        }
        found
    }
}

/// A repository is a world of its own.
fn is_root(folder: &Path) -> bool {
    disk::is_repository(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anywhere() -> Asked {
        Asked {
            roots: Roots::of(&[], Some(&std::env::temp_dir())),
            ..Asked::default()
        }
    }

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
        let configs = Configs::with(anywhere());
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
            let error = Configs::with(anywhere())
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
        let config = Configs::with(anywhere())
            .of(&with.path().join("a/b/pod.yaml"))
            .unwrap();
        let builds: Vec<_> = config.builds().collect();
        let file = with.path().canonicalize().unwrap().join("a/Api.Dockerfile");
        assert_eq!(builds[0], ("ghcr.io/me/api", file.as_path(), None));
        assert_eq!(builds[1], ("worker", file.as_path(), Some("worker")));
        let without = folder(&[("malloclint.toml", text)]);
        let error = Configs::with(anywhere())
            .of(&without.path().join("x"))
            .unwrap_err();
        assert!(
            error.reason.contains("there is no file `Api.Dockerfile`"),
            "{error}"
        );
    }
}
