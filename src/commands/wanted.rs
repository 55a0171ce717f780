//! What configurations and the command line want, as projects and searches ask for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::built::BuiltBases;
use super::witnesses::Witnesses;
use crate::cli::Selection;
use crate::config::{Asked, Config, ConfigError, Configs, Pattern};
use crate::disk::{self, Roots};
use crate::finding::Finding;
use crate::model::{Seen, Unit};
use crate::policy::{Date, FailOn, Policy, RuleNames};
use crate::project::links::{self, ImageBuild};
use crate::project::{self, Base, Choice, Disk, Failure, Project, Wishes};

/// The configurations of a run.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    configs: Arc<Configs>,
    roots: Roots,
    force_exclude: bool,
    witnesses: Arc<Witnesses>,
    built: Arc<BuiltBases>,
}

impl Wanted {
    /// What the command line asks for.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn of(selection: &Selection, paths: &[PathBuf]) -> Result<Self, String> {
        let root = selection.root.as_deref();
        if let Some(root) = root.filter(|root| !root.is_dir()) {
            return Err(format!("`--root`: there is no folder {}", root.display()));
        }
        let roots = Roots::of(paths, root);
        let epoch = std::env::var("SOURCE_DATE_EPOCH").ok();
        let some = |names: &[RuleNames]| RuleNames::all(names.iter().cloned());
        let exclude = selection.exclude.iter().map(|text| Pattern::read(text));
        let exclude: Result<_, _> = exclude.collect();
        let asked = Asked {
            select: (!selection.select.is_empty()).then(|| some(&selection.select)),
            ignore: some(&selection.ignore),
            exclude: exclude.map_err(|why| format!("`--exclude`: {why}"))?,
            no_ignores: selection.no_ignores,
            confidence: selection.min_confidence,
            config: selection.config.clone(),
            isolated: selection.isolated,
            roots: roots.and_here(),
            today: Date::today(epoch.as_deref()),
        };
        Ok(Self {
            configs: Arc::new(Configs::with(asked)),
            roots,
            force_exclude: selection.force_exclude,
            witnesses: Arc::default(),
            built: Arc::default(),
        })
    }

    /// The same, with what was seen of services while they ran.
    pub(super) fn with(self, witnesses: Witnesses) -> Self {
        Self {
            witnesses: Arc::new(witnesses),
            ..self
        }
    }

    /// What is to be said about what was seen.
    pub(super) fn notes(&self) -> &[String] {
        self.witnesses.notes()
    }

    /// Images of the configurations that could not be read, once all files have been.
    pub(super) fn unread_bases(&self) -> Vec<Failure> {
        self.built.failures()
    }

    /// The same without any configuration.
    pub(super) fn isolated(&self) -> Self {
        Self {
            configs: Arc::new(Configs::with(self.configs.asked().isolated())),
            ..self.clone()
        }
    }

    /// The configuration of a file.
    pub(super) fn config(&self, path: &Path) -> Result<Arc<Config>, ConfigError> {
        self.configs.of(path)
    }

    pub(super) fn configs(&self) -> &Configs {
        &self.configs
    }

    /// The same, where the files lie elsewhere: those of a revision.
    pub(super) fn below(&self, files: &[PathBuf]) -> Self {
        let roots = Roots::of(files, None);
        let asked = self.configs.asked().below(roots.clone());
        Self {
            configs: Arc::new(Configs::with(asked)),
            roots,
            ..self.clone()
        }
    }

    /// The files around those that are named.
    pub(super) fn disk(&self) -> Disk {
        Disk::below(self.roots.clone())
    }

    /// The project on a disk.
    pub(super) fn project<'a>(&self, disk: &'a Disk) -> Project<'a> {
        Project::configured(disk, Arc::new(self.clone()))
    }

    /// The files below paths.
    pub(super) fn find(&self, paths: &[PathBuf]) -> project::Found {
        let straight: Vec<PathBuf> = paths.iter().map(|path| disk::straight(path)).collect();
        project::choose(&straight, self)
    }

    /// Whether a finding makes the run fail, where the command line says nothing else.
    pub(super) fn fails(&self, asked: Option<FailOn>, finding: &Finding) -> bool {
        let config = || self.configs.of(Path::new(&finding.place.file.path)).ok();
        let least = asked.or_else(|| config()?.fail_on);
        least.unwrap_or(FailOn::Warning).fails(finding.severity)
    }
}

/// What cannot be read is told where the file itself is.
impl Wishes for Wanted {
    fn images(&self, near: &str) -> Vec<ImageBuild> {
        let config = self.configs.of(Path::new(near)).unwrap_or_default();
        let builds = config
            .builds()
            .map(|(image, dockerfile, target)| ImageBuild {
                image: links::repository(image).to_owned(),
                reference: links::reference(image),
                dockerfile: disk::shown(dockerfile),
                target: target.map(str::to_owned),
                platforms: Vec::new(),
                said_in: String::new(),
            });
        builds.collect()
    }

    fn built(&self, near: &str, name: &str) -> Option<Base> {
        let config = self.configs.of(Path::new(near)).unwrap_or_default();
        let named = config
            .built()
            .find(|(image, _)| links::repository(image) == name);
        self.built.of(named?.1)
    }

    fn policy(&self, near: &str) -> Arc<Policy> {
        self.configs.policy(Path::new(near))
    }

    fn platforms(&self, near: &str) -> Vec<String> {
        let config = self.configs.of(Path::new(near)).unwrap_or_default();
        config.platforms().map(str::to_owned).collect()
    }

    fn seen(&self, unit: &Unit) -> Option<Seen> {
        self.witnesses.of(unit)
    }
}

impl Choice for Wanted {
    fn excludes(&self, path: &Path, folder: bool) -> bool {
        self.configs.excludes(path, folder)
    }

    fn includes(&self, path: &Path) -> bool {
        self.configs.includes(path)
    }

    fn is_strict(&self) -> bool {
        self.force_exclude
    }
}
