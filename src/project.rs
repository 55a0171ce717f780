//! The projects that files belong to: which files there are, and what they say about each other. Whatever is
//! asked for is read, and understood, once in a run.
//!
//! One of the few modules that touch the disk: `discover` finds and reads what is to be checked, `around` what stands
//! around it.

mod around;
mod context;
mod discover;
mod format;
mod git;
mod grown;
mod images;
pub(crate) mod link;
pub(crate) mod links;
mod memory;
mod names;
mod repository;
mod revision;
mod searches;
mod survey;

pub(crate) use crate::dockerfile::Base;
pub use around::Disk;
pub(crate) use discover::{Choice, Found, choose};
pub(crate) use discover::{Failure, read_stream};
pub use discover::{find, read};
pub use format::Format;
pub(crate) use format::is_template_ending;
pub(crate) use git::default_branch;
pub(crate) use names::{Claim, claim};
pub(crate) use repository::Repositories;
pub(crate) use revision::Revision;

use crate::dockerfile::syntax::Dockerfile;
use crate::dockerfile::{self, Interpreted, Outside, Search};
use crate::facts::Arch;
use crate::manifests::kustomize::{self, Kustomization};
use crate::model::{Seen, Unit, add_evidence};
use crate::policy::Policy;
use crate::surroundings::{self, Surroundings};
use crate::text::{SourceFile, paths};
pub(crate) use images::Lack;
use images::{Image, Images};
use links::ImageBuild;
use memory::Memory;
use searches::Searches;
use std::collections::BTreeMap;
use std::sync::Arc;
use survey::Survey;

/// What a configuration says, for the input at a path.
pub(crate) trait Wishes: Send + Sync {
    /// Which Dockerfile builds which image.
    fn images(&self, near: &str) -> Vec<ImageBuild>;
    /// What its project wants to hear.
    fn policy(&self, near: &str) -> Arc<Policy>;
    /// The platforms that its images are built for, as Docker writes them; none where nothing is said.
    fn platforms(&self, near: &str) -> Vec<String>;
    /// The image of that name (without its tag), where it is stored as it was built.
    fn built(&self, near: &str, name: &str) -> Option<Base>;
    /// What was seen of a unit while it ran.
    fn seen(&self, unit: &Unit) -> Option<Seen>;
}

/// So many Dockerfiles are followed that stand on each other.
const BASES: usize = 3;

/// The projects of a run.
pub struct Project<'a> {
    around: &'a dyn Surroundings,
    wishes: Option<Arc<dyn Wishes>>,
    policy: Arc<Policy>,
    images: Images,
    searches: Searches,
    known: Arc<Known>,
}

/// What is known of a project whatever its Dockerfiles say, by its top.
#[derive(Debug, Default)]
struct Known {
    surveys: Memory<String, Arc<Survey>>,
    kustomizations: Memory<String, Arc<[Kustomization]>>,
    config_maps: Memory<String, Arc<[Arc<SourceFile>]>>,
    trees: kustomize::Trees,
    builds: Memory<String, Arc<[ImageBuild]>>,
    uses: Memory<String, Arc<Uses>>,
}

/// The files that stand on what a Dockerfile builds, or run it, by its path.
type Uses = BTreeMap<String, Vec<String>>;

impl std::fmt::Debug for Project<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Project")
    }
}

impl<'a> Project<'a> {
    /// What `around` holds.
    #[must_use]
    pub fn of(around: &'a dyn Surroundings) -> Self {
        Self {
            around,
            wishes: None,
            policy: Arc::new(Policy::of_today()),
            images: Images::default(),
            searches: Searches::default(),
            known: Arc::default(),
        }
    }

    /// The same, with what configurations say.
    #[must_use]
    pub(crate) fn configured(around: &'a dyn Surroundings, wishes: Arc<dyn Wishes>) -> Self {
        Self {
            wishes: Some(wishes),
            ..Self::of(around)
        }
    }

    /// What the project of the input at `near` wants to hear.
    pub(crate) fn policy(&self, near: &str) -> Arc<Policy> {
        let wishes = self.wishes.as_ref();
        wishes.map_or_else(|| Arc::clone(&self.policy), |wishes| wishes.policy(near))
    }

    /// The same project, where one of its Dockerfiles says something else: `around` holds it.
    pub(crate) fn where_changed<'b>(&self, around: &'b dyn Surroundings) -> Project<'b> {
        Project {
            wishes: self.wishes.clone(),
            known: Arc::clone(&self.known),
            ..Project::of(around)
        }
    }

    pub(crate) fn around(&self) -> &'a dyn Surroundings {
        self.around
    }

    /// What a Dockerfile builds.
    pub(crate) fn image(&self, file: &Arc<SourceFile>) -> Arc<Image> {
        self.images.of(file, &|tree| self.interpret(file, tree))
    }

    /// Notes why the process of a unit may get settings that its image does not show.
    pub(crate) fn look_around(&self, near: &str, search: &Search, unit: &mut Unit) {
        let alone = || self.dockerfiles(near).len() <= 1;
        let process = &unit.process;
        for sign in self.searches.signs(near, search, process, self.around) {
            add_evidence(&mut unit.evidence, sign);
        }
        let found = self.searches.find(near, search, self.around, alone);
        let Some((path, about)) = found else {
            return;
        };
        if about {
            unit.unseen_settings = Some(format!("`{path}` sets an allocator"));
        } else {
            unit.doubt.get_or_insert_with(|| {
                format!("`{path}` sets an allocator, and nothing says whether it is for this image")
            });
        }
    }

    /// Gives a unit what was seen of it while it ran.
    pub(crate) fn witness(&self, unit: &mut Unit) {
        if let Some(seen) = self.wishes.as_ref().and_then(|wishes| wishes.seen(unit)) {
            unit.witness(seen);
        }
    }

    /// The paths of the Dockerfiles in the project of the input at `near`, sorted.
    pub(crate) fn dockerfiles(&self, near: &str) -> Arc<[String]> {
        self.survey(near)
            .map_or_else(Arc::default, |(_, survey)| Arc::clone(&survey.dockerfiles))
    }

    /// What the kustomizations of its project make of a manifest.
    #[must_use]
    pub fn builds(&self, file: &Arc<SourceFile>) -> Vec<kustomize::Build> {
        let others = kustomize::Others {
            around: self.around,
            kustomizations: &self.kustomizations(&file.path),
            config_maps: &|| self.config_maps(&file.path),
            trees: &self.known.trees,
        };
        kustomize::builds(file, &others)
    }

    /// Its kustomizations, sorted by path.
    fn kustomizations(&self, near: &str) -> Arc<[Kustomization]> {
        let Some((top, survey)) = self.survey(near) else {
            return Arc::default();
        };
        self.known.kustomizations.of(top, |_| {
            let files = survey
                .kustomizations
                .iter()
                .filter_map(|path| self.file(path));
            files
                .map(|file| Kustomization::of(&file, self.around))
                .collect()
        })
    }

    /// Its manifests that hold ConfigMaps, sorted by path.
    fn config_maps(&self, near: &str) -> Arc<[Arc<SourceFile>]> {
        let Some((top, survey)) = self.survey(near) else {
            return Arc::default();
        };
        self.known.config_maps.of(top, |_| {
            let read = |path: &String| {
                let bytes = self.around.peek(path)?;
                let has = |text: &[u8]| memchr::memmem::find(&bytes, text).is_some();
                (has(b"kind: ConfigMap") && !has(b"{{"))
                    .then(|| SourceFile::new(path.as_str(), bytes))
            };
            survey.manifests.iter().filter_map(read).collect()
        })
    }

    /// What it says about which Dockerfile builds which image. What the user says counts more than what is found.
    pub(crate) fn image_builds(&self, near: &str) -> Arc<[ImageBuild]> {
        let wishes = self.wishes.as_ref();
        let said = wishes.map_or_else(Vec::new, |wishes| wishes.images(near));
        let Some((top, survey)) = self.survey(near) else {
            return said.into();
        };
        let found = self.known.builds.of(top, |_| {
            let files = survey.links.iter().filter_map(|path| self.file(path));
            files
                .flat_map(|file| links::read(&file, self.around))
                .map(|mut build| {
                    build.dockerfile = self.around.called(&build.dockerfile);
                    build
                })
                .collect()
        });
        if said.is_empty() {
            return found;
        }
        let others = found
            .iter()
            .filter(|one| said.iter().all(|own| own.image != one.image));
        said.iter().chain(others).cloned().collect()
    }

    /// The stages of the Dockerfile at `path` that something builds by their names.
    pub(crate) fn targets(&self, path: &str) -> Vec<String> {
        let builds = self.image_builds(path);
        let own = builds
            .iter()
            .filter(|build| paths::join("", &build.dockerfile) == paths::join("", path));
        own.filter_map(|build| build.target.clone()).collect()
    }

    /// The architectures that the Dockerfile at `path` is built for, where that is said, and who says it: the configuration,
    /// or all workflows.
    fn platforms(&self, path: &str) -> Option<(Vec<Arch>, String)> {
        let wishes = self.wishes.as_ref();
        let named = wishes.map_or_else(Vec::new, |wishes| wishes.platforms(path));
        if !named.is_empty() {
            let archs: Option<Vec<Arch>> =
                named.iter().map(|name| Arch::from_docker(name)).collect();
            return Some((
                archs?,
                format!("the configuration says {}", named.join(" and ")),
            ));
        }
        let builds = self.image_builds(path);
        let said = |build: &&ImageBuild| build.said_in.contains(".github/workflows/");
        let own = builds
            .iter()
            .filter(|build| paths::join("", &build.dockerfile) == paths::join("", path));
        // A stage that is built by its name may be for something else.
        let whole = own.filter(|build| build.target.is_none());
        let own: Vec<&ImageBuild> = whole.filter(said).collect();
        let first = own
            .first()
            .filter(|_| own.iter().all(|build| !build.platforms.is_empty()))?;
        let named = own.iter().flat_map(|build| &build.platforms);
        let mut archs: Vec<Arch> = named
            .map(|name| Arch::from_docker(name))
            .collect::<Option<_>>()?;
        archs.sort_unstable();
        archs.dedup();
        let names: Vec<&str> = archs.iter().map(|arch| arch.docker()).collect();
        let why = format!("`{}` builds it for {}", first.said_in, names.join(" and "));
        Some((archs, why))
    }

    /// The files of its project that stand on images of the Dockerfile at `path`, or run them; `run_by` says which
    /// Dockerfiles a manifest runs images of.
    pub(crate) fn users(
        &self,
        path: &str,
        run_by: &dyn Fn(&Arc<SourceFile>) -> Vec<String>,
    ) -> Vec<Arc<SourceFile>> {
        let Some((top, survey)) = self.survey(path) else {
            return Vec::new();
        };
        let uses = self.known.uses.of(top, |_| {
            let mut uses = Uses::default();
            let dockerfiles = survey.dockerfiles.iter().map(|path| (path, true));
            let others = survey.manifests.iter().chain(&survey.links);
            for (path, is_dockerfile) in dockerfiles.chain(others.map(|path| (path, false))) {
                let Some(file) = self.file(path) else {
                    continue;
                };
                let mut used = if is_dockerfile {
                    self.stood_on(&file)
                } else {
                    run_by(&file)
                };
                used.sort_unstable();
                used.dedup();
                for path in used {
                    uses.entry(path).or_default().push(file.path.clone());
                }
            }
            Arc::new(uses)
        });
        let users = uses.get(&paths::join("", path)).into_iter().flatten();
        let others = users.filter(|user| paths::join("", user) != paths::join("", path));
        others.filter_map(|user| self.file(user)).collect()
    }

    /// The Dockerfiles of the project whose images a Dockerfile stands on.
    fn stood_on(&self, file: &Arc<SourceFile>) -> Vec<String> {
        let builds = self.image_builds(&file.path);
        if builds.iter().all(|build| build.image.is_empty()) {
            return Vec::new();
        }
        let image = self.image(file);
        let named = image.interpreted.named_bases(self.around);
        let of = |name: &String| {
            let name = links::repository(name).to_owned();
            let built = builds.iter().filter(move |build| build.image == name);
            built.map(|build| paths::join("", &build.dockerfile))
        };
        named.iter().flat_map(of).collect()
    }

    /// What an image is like that another Dockerfile of the project builds; `path` is that of the one that stands on it.
    fn base(&self, path: &str, reference: &str, depth: usize) -> Option<Base> {
        let name = links::repository(reference);
        let stored = self
            .wishes
            .as_ref()
            .and_then(|wishes| wishes.built(path, name));
        if stored.is_some() {
            return stored;
        }
        let builds = self.image_builds(path);
        let mut named = builds
            .iter()
            .filter(|build| build.image == name && !name.is_empty());
        let first = named.next()?;
        let same = |other: &ImageBuild| {
            (&other.dockerfile, &other.target) == (&first.dockerfile, &first.target)
        };
        if !named.all(same)
            || paths::join("", &first.dockerfile) == paths::join("", path)
            || depth == 0
        {
            return None;
        }
        let file = self.file(&first.dockerfile)?;
        let outside = Outside {
            base: &|reference| self.base(&file.path, reference, depth - 1),
            platforms: None,
        };
        let tree = dockerfile::parse(&file.bytes);
        let interpreted = Interpreted::of(&file, tree, self.around, &outside);
        interpreted.base(first.target.as_deref())
    }

    /// Follows a Dockerfile.
    pub(crate) fn interpret(&self, file: &Arc<SourceFile>, tree: Dockerfile) -> Interpreted {
        // Who asks for all of a project's files to be listed must need them.
        let arch = memchr::memmem::find(&file.bytes, b"-linux-gnu").is_some();
        let outside = Outside {
            base: &|reference| self.base(&file.path, reference, BASES),
            platforms: arch.then(|| self.platforms(&file.path)).flatten(),
        };
        let interpreted = Interpreted::of(file, tree, self.around, &outside);
        if !interpreted.stands_on_itself() {
            return interpreted;
        }
        interpreted.with_targets(self.targets(&file.path))
    }

    /// The name of the project of the input at `near`: the folder of its repository.
    pub(crate) fn name(&self, near: &str) -> Option<String> {
        self.around.home(near).name
    }

    fn file(&self, path: &str) -> Option<Arc<SourceFile>> {
        surroundings::at(path, self.around)
    }

    /// The top of the project of the input at `near`, and the files in it.
    fn survey(&self, near: &str) -> Option<(String, Arc<Survey>)> {
        let top = self.around.home(near).top()?.to_owned();
        let survey = self.known.surveys.of(top.clone(), |top| {
            Arc::new(Survey::of(self.around.list(top, usize::MAX)))
        });
        Some((top, survey))
    }
}
