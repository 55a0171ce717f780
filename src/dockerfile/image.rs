//! The state of a stage after some of its instructions: what a container made then would be like.

mod base;
mod built;
mod noted;

use std::sync::Arc;

use base::{fragile, is_chosen, platform, python, python_build, user};
use noted::Noted;

use super::lists::{Grown, Shared};
use crate::facts::{self, Family, Image, ImageRole};
use crate::model::{
    Environment, Fact, Fragile, Install, Library, Opaque, Origin, PathPattern, Platform, Python,
    Setting, Stray, Strip, ThreadHook, User, Value, Via,
};
use crate::shell::is_shell;
use crate::text::paths::normal;
use crate::text::{Place, Traced};

/// A stage as far as it has been read.
#[derive(Clone, Debug)]
pub(super) struct ImageState {
    /// What a report calls the base: its reference or stage name.
    pub(super) base: String,
    pub(super) from: Place,
    /// The outermost base where it is one we know.
    pub(super) image: Option<Image>,
    pub(super) platform: Platform,
    pub(super) python: Fact<Python>,
    /// It is the one of the distribution's package `python3`, and no other is known to be there.
    pub(super) distribution_python: bool,
    pub(super) env: Arc<Environment>,
    /// Build arguments declared in this stage: name and default.
    pub(super) args: Vec<(String, Option<Value>)>,
    pub(super) user: Fact<User>,
    pub(super) workdir: String,
    /// The shell of shell forms: `/bin/sh -c` unless SHELL says otherwise.
    pub(super) shell: Vec<String>,
    pub(super) entrypoint: Option<Command>,
    pub(super) cmd: Option<Command>,
    /// Ports are exposed or a health check is declared: the sign of a server.
    pub(super) serves: Option<Place>,
    pub(super) libraries: Shared<Library>,
    pub(super) extra_libraries: Shared<String>,
    pub(super) opaque: Shared<Opaque>,
    pub(super) search_dirs: Grown<String>,
    /// Entries preloaded by file or script: value, where, how, step.
    pub(super) preloads: Grown<Preloading>,
    pub(super) linked: Grown<(Family, Place)>,
    pub(super) strays: Grown<Stray>,
    pub(super) strips: Grown<Strip>,
    /// Programs that a preloaded allocator, or jemalloc's thread, breaks.
    pub(super) fragile: Shared<Fragile>,
    /// Programs instead of which others are downloaded: another browser.
    pub(super) others: Vec<&'static facts::Fragile>,
    /// Programs with file capabilities, by their names.
    pub(super) capable: Grown<String>,
    pub(super) installs: Grown<Arc<Install>>,
    /// Allocators that somebody downloads or builds here, for a later `make install`.
    pub(super) mentioned: Vec<Family>,
    /// What COPY and ADD brought, in order.
    pub(super) copies: Grown<Copied>,
    /// Packages of Python that say something of how it uses memory.
    pub(super) noted: Noted,
    /// What a container's variables put into its command, where their values are not shown.
    pub(super) hidden: Vec<String>,
    /// What a RUN copied or linked: from where, and to where.
    pub(super) placed: Grown<(String, String)>,
    /// Files whose text the Dockerfile itself holds: path and text.
    pub(super) written: Grown<Written>,
    /// A compiler or build tool is used here: headers may be needed.
    pub(super) compiles: bool,
    /// Something fetched here fixes the architecture: `Miniconda3-Linux-x86_64.sh`.
    pub(super) arch_bound: Option<(facts::Arch, String)>,
    /// It stands on one of several stages, one for each platform.
    pub(super) each_platform: bool,
    /// What of the thread hook is put into it, or into a stage that files are copied from.
    pub(super) thread_hook: ThreadHook,
    pub(super) step: usize,
}

/// So many libraries and unseen places of a stage are told apart.
const MOST: usize = 256;

/// A CMD or ENTRYPOINT.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) place: Place,
    pub(super) form: Form,
}

/// The two forms of a command.
#[derive(Clone, Debug)]
pub(super) enum Form {
    Exec(Vec<String>),
    Shell(Traced),
}

/// A preload made otherwise than by the environment.
#[derive(Clone, Debug)]
pub(super) struct Preloading {
    pub(super) setting: Setting,
    /// A test decides about it.
    pub(super) conditional: bool,
}

/// One source of a COPY or ADD.
#[derive(Clone, Debug)]
pub(super) struct Copied {
    pub(super) from: CopySource,
    /// Path in the source, relative for the build context.
    pub(super) path: String,
    /// Absolute path in the image; a folder where `into_folder`.
    pub(super) to: String,
    pub(super) into_folder: bool,
}

/// Where a COPY takes its files from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CopySource {
    Context,
    Stage(usize),
    Image(String),
}

/// A file whose text stands in the Dockerfile.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) path: String,
    pub(super) text: Traced,
}

/// A base whose tag is open but for its end, which tells the distribution: `python:${V}-slim-bookworm`.
fn but_for_the_version(reference: &Value) -> Option<&str> {
    let text = reference.text.as_str();
    let (repository, tag) = text.rsplit_once(':')?;
    let (version, end) = tag.split_once('-')?;
    let open = |part: &str| part.contains(['$', '{', '}']);
    (open(version) && !open(repository) && !open(end)).then_some(text)
}

impl ImageState {
    /// The state of a stage that stands on an image from outside.
    pub(super) fn on_image(
        reference: &Value,
        from: &Place,
        pinned: Fact<Vec<facts::Arch>>,
    ) -> Self {
        let name = reference.known().or_else(|| but_for_the_version(reference));
        let image = name.and_then(|name| facts::image(name, None));
        let known_name = reference.known().map(str::to_owned);
        let why = known_name.as_ref().map_or_else(
            || {
                format!(
                    "the base `{}` is chosen at build time",
                    reference.text.as_str()
                )
            },
            |name| format!("the base image `{name}` is not one we know"),
        );
        let mut state = Self {
            base: reference.text.as_str().to_owned(),
            from: from.clone(),
            platform: platform(
                (reference.text.as_str(), image.as_ref()),
                from,
                &why,
                pinned,
            ),
            python: python(image.as_ref(), from, &why),
            distribution_python: false,
            env: Arc::default(),
            args: Vec::new(),
            user: user(image.as_ref(), &why),
            workdir: "/".into(),
            shell: vec!["/bin/sh".into(), "-c".into()],
            entrypoint: None,
            cmd: None,
            serves: None,
            libraries: Shared::default(),
            extra_libraries: Shared::default(),
            opaque: Shared::default(),
            search_dirs: image
                .as_ref()
                .map(|image| image.extra_dirs.iter().cloned().collect())
                .unwrap_or_default(),
            preloads: Grown::default(),
            linked: Grown::default(),
            strays: Grown::default(),
            strips: Grown::default(),
            others: Vec::new(),
            capable: Grown::default(),
            fragile: fragile(reference.text.as_str(), from).into(),
            installs: Grown::default(),
            mentioned: Vec::new(),
            copies: Grown::default(),
            hidden: Vec::new(),
            noted: Noted {
                python_build: python_build(reference, from),
                ..Noted::default()
            },
            placed: Grown::default(),
            written: Grown::default(),
            compiles: false,
            arch_bound: None,
            each_platform: false,
            thread_hook: ThreadHook::Absent,
            step: 0,
            image: None,
        };
        state.platform.chosen = is_chosen(reference, image.as_ref());
        match &image {
            Some(image) => state.bring(image),
            None => state.hide_rest("/", why),
        }
        state.image = image;
        state
    }

    /// What the image itself brings: allocators and settings.
    fn bring(&mut self, image: &Image) {
        if image.crowded {
            self.hide(
                "/",
                format!("`{}` images bring more than is listed", image.name),
            );
        }
        if image.open {
            self.hide_rest(
                "/",
                format!("what `{}` images bring is not all known", image.name),
            );
        }
        for library in &image.libraries {
            self.add_library(Library {
                family: library.family,
                path: PathPattern::new(library.path.clone()),
                origin: Origin::Base,
                version: None,
                needs: Vec::new(),
                min_glibc: None,
                libc: image.libc,
                conditional: false,
                place: self.from.clone(),
                step: 0,
            });
        }
        for (name, value) in &image.env {
            let mut text = Traced::new();
            text.push_from(value, self.from.span);
            let value = Value {
                text,
                ..Value::default()
            };
            let place = self.from.clone();
            Arc::make_mut(&mut self.env).set(
                name,
                Setting {
                    value,
                    name_place: place.clone(),
                    place,
                    step: 0,
                    via: Via::Environment,
                },
            );
        }
    }

    /// The state a stage starts with that stands on this one.
    pub(super) fn inherited(&self, from: &Place) -> Self {
        Self {
            from: from.clone(),
            args: Vec::new(),
            ..self.clone()
        }
    }

    /// Nothing is added any more: others may start from it, thousands of them, and share what it has.
    pub(super) fn seal(&mut self) {
        self.search_dirs.seal();
        self.preloads.seal();
        self.linked.seal();
        self.strays.seal();
        self.strips.seal();
        self.capable.seal();
        self.installs.seal();
        self.copies.seal();
        self.placed.seal();
        self.written.seal();
    }

    /// All files of a stage come into an image that had none: what they make of it, and none of its settings.
    pub(super) fn take_files(&mut self, other: &Self) {
        let kept = self.clone();
        *self = Self {
            base: other.base.clone(),
            from: kept.from,
            env: kept.env,
            args: kept.args,
            user: kept.user,
            workdir: kept.workdir,
            shell: kept.shell,
            entrypoint: kept.entrypoint,
            cmd: kept.cmd,
            serves: kept.serves,
            step: kept.step,
            each_platform: kept.each_platform,
            ..other.clone()
        };
    }

    /// Drops what nobody will ask of a stage any more that others stand on: what it made itself of
    /// allocators stays, for those who look for settings that went astray.
    pub(super) fn forget(&mut self) {
        let from = self.from.clone();
        let own = |place: &Place| !place.same_file(&from) || place.span.start >= from.span.start;
        self.libraries.retain(|library| own(&library.place));
        let mut env = Environment::default();
        for name in ["LD_PRELOAD", "MALLOC_CONF"] {
            if let Some(var) = self.env.get(name).filter(|var| own(&var.now.place)) {
                env.set(name, var.now.clone());
            }
        }
        self.env = Arc::new(env);
        self.args = Vec::new();
        self.copies = Grown::default();
        self.placed = Grown::default();
        self.written = Grown::default();
        self.opaque = Shared::default();
        self.installs = self.installs.newest(|install| own(&install.place));
        self.search_dirs = Grown::default();
        self.extra_libraries = Shared::default();
    }

    /// Marks a part of the file system as unseen.
    pub(super) fn hide(&mut self, path: &str, why: impl Into<String>) {
        self.hidden(path, why.into(), false);
    }

    /// Marks a part of the file system as unseen for what nothing else brings.
    pub(super) fn hide_rest(&mut self, path: &str, why: impl Into<String>) {
        self.hidden(path, why.into(), true);
    }

    fn hidden(&mut self, path: &str, why: String, weak: bool) {
        let known = self
            .opaque
            .iter()
            .any(|opaque| opaque.path == path && (weak || !opaque.weak));
        if !known && self.opaque.len() < MOST {
            let path = path.to_owned();
            self.opaque.push(Opaque { path, why, weak });
        }
    }

    /// A library comes into the image; the same file again changes nothing.
    pub(super) fn add_library(&mut self, library: Library) {
        let same = |known: &Library| known.family == library.family && known.path == library.path;
        if let Some(at) = self.libraries.iter().position(same) {
            // It is there since the first time; for sure if one of both is.
            let known = self.libraries.get(at).filter(|known| known.conditional);
            if let Some(known) = known.filter(|_| !library.conditional).cloned() {
                let conditional = false;
                self.libraries.replace(
                    at,
                    Library {
                        conditional,
                        ..known
                    },
                );
            }
            return;
        }
        if self.libraries.len() < MOST {
            self.libraries.push(library);
        } else {
            self.hide("/", "more libraries are put there than anybody counts");
        }
    }

    /// A program comes into the image that a preload or a thread breaks; the same again changes nothing.
    pub(super) fn add_fragile(&mut self, fragile: Fragile) {
        let same = |known: &Fragile| std::ptr::eq(known.program, fragile.program);
        let Some(at) = self.fragile.iter().position(same) else {
            return self.fragile.push(fragile);
        };
        let Some(known) = self.fragile.get(at) else {
            return;
        };
        // What is said of its version stays, wherever it stands.
        let version = known.version.clone().or_else(|| fragile.version.clone());
        if known.found < fragile.found {
            self.fragile.replace(at, Fragile { version, ..fragile });
        } else if known.version != version {
            let known = known.clone();
            self.fragile.replace(at, Fragile { version, ..known });
        }
    }

    /// Other libraries that are copied in by hand.
    pub(super) fn add_extra(&mut self, name: &str) {
        if self.extra_libraries.len() < MOST
            && !self.extra_libraries.iter().any(|known| known == name)
        {
            self.extra_libraries.push(name.to_owned());
        }
    }

    /// `path` made absolute with the working directory in force.
    pub(super) fn absolute(&self, path: &str) -> String {
        let joined = if path.starts_with('/') || path.starts_with('~') {
            path.to_owned()
        } else {
            format!("{}/{path}", self.workdir.trim_end_matches('/'))
        };
        normal(&joined)
    }

    /// Whether the shell of shell forms is one whose text we can read.
    pub(super) fn reads_shell(&self) -> bool {
        let program = self.shell.first().map_or("", |program| {
            program.rsplit(['/', '\\']).next().unwrap_or_default()
        });
        (is_shell(program) || program == "ksh") && !self.platform.windows
    }
}

/// Whether the image is one that only builds.
pub(super) fn is_build_image(image: &Image) -> bool {
    matches!(image.role, ImageRole::BuildTool)
}
