//! The image whose service is measured: as it is where jemalloc is in it, else a copy of it with what `fix` adds to a Dockerfile.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::check::images;
use crate::cli::tune::Tune;
use crate::engine::{self, Engine};
use crate::facts::{Family, Libc};
use crate::fix::{self, Fixed, Options};
use crate::image::{Read, Reference, Sources};
use crate::model::{Built, Change, Seen, Unit};
use crate::policy::Policy;
use crate::project::links::ImageBuild;
use crate::project::{Base, Project, Wishes};
use crate::report::harmless;
use crate::templates::Style;
use crate::text::SourceFile;
use crate::tune::{Container, Interrupt, Library};

/// What makes jemalloc run in a unit, with the settings of its profile.
const JEMALLOC: [Change; 3] = [
    Change::Install(Family::Jemalloc),
    Change::Preload(Family::Jemalloc),
    Change::Tune,
];
/// Between two looks whether somebody wants a build to end.
const BLINK: Duration = Duration::from_millis(100);

/// What is run.
pub(super) struct Prepared {
    pub(super) container: Container,
    /// What a container starts.
    pub(super) command: Vec<OsString>,
    /// The image that was made for this.
    _copy: Option<Copy>,
}

/// An image that was made, and goes with this.
struct Copy {
    engine: Engine,
    id: String,
}

impl Drop for Copy {
    fn drop(&mut self) {
        self.engine.remove_image(&self.id);
    }
}

/// Looks at the image, and makes a copy with jemalloc where that is missing.
///
/// # Errors
/// Why its service cannot be measured, and what to do.
pub(super) fn prepare(
    arguments: &Tune,
    image: &str,
    interrupt: &Interrupt,
    note: &dyn Fn(&str),
) -> Result<Prepared, String> {
    let engine = Engine::find(arguments.engine.as_deref())?;
    engine.starts_containers()?;
    let place = engine
        .folder()
        .map_err(|error| format!("no folder for images: {error}"))?;
    let id = engine.image(OsStr::new(image))?;
    if interrupt.came() {
        return Err("interrupted".into());
    }
    let own = run_of(&engine, &id, arguments)?;
    let start = own.start()?;
    let saved = Saved::of(&engine, &id, place.path())?;
    if let Some(libraries) = saved.with(image, |read| jemalloc_in(&read.built))? {
        return Ok(Prepared {
            container: Container {
                image: image.to_owned(),
                run: own,
                variables: start.variables,
                copied: Vec::new(),
                libraries,
            },
            command: start.command,
            _copy: None,
        });
    }
    let fixed = saved.with(image, |read| fixed(read, image, arguments))??;
    for applied in &fixed.applied {
        note(&format!(
            "measured is a copy of `{image}`: {}",
            harmless(&applied.title)
        ));
    }
    let copy = Copy::build(&engine, &fixed, arguments, (interrupt, place.path()))?;
    let saved = Saved::of(&engine, &copy.id, place.path())?;
    let libraries = saved.with(image, |read| jemalloc_in(&read.built))?;
    let libraries = libraries.ok_or_else(|| format!("the copy of `{image}` has no jemalloc"))?;
    let run = run_of(&engine, &copy.id, arguments)?;
    let copied = run.start()?.variables.into_iter();
    Ok(Prepared {
        container: Container {
            image: image.to_owned(),
            run,
            copied: copied
                .filter(|pair| !start.variables.contains(pair))
                .map(|(name, _)| name)
                .collect(),
            variables: start.variables,
            libraries,
        },
        command: start.command,
        _copy: Some(copy),
    })
}

fn run_of(engine: &Engine, id: &str, arguments: &Tune) -> Result<engine::Container, String> {
    engine::Container::new(engine, id.to_owned(), arguments.command.clone())
}

/// The allocators in an image, where jemalloc is among them.
fn jemalloc_in(built: &Built) -> Option<Vec<Library>> {
    let all = built.libraries.iter();
    let all: Vec<Library> = all
        .filter_map(|library| Library::in_image(library, built))
        .collect();
    let has_it = all.iter().any(|library| library.family == Family::Jemalloc);
    has_it.then_some(all)
}

/// An image that an engine has written down.
struct Saved(Reference);

impl Saved {
    fn of(engine: &Engine, id: &str, folder: &Path) -> Result<Self, String> {
        let file = folder.join("image.tar");
        let kind = engine.save(OsStr::new(id), &file)?;
        Reference::parse(&format!("{kind}:{}", file.display())).map(Self)
    }

    /// Asks something of its files.
    fn with<T>(&self, shown: &str, ask: impl FnOnce(&Read<'_>) -> T) -> Result<T, String> {
        let found = Sources::default()
            .find(&self.0, &[])
            .map_err(|refused| refused.to_string())?;
        let image = found.images.images.first();
        let image = image.ok_or_else(|| format!("no image was saved of `{shown}`"))?;
        let read = found
            .read(image, shown)
            .map_err(|refused| refused.to_string())?;
        Ok(ask(&read))
    }
}

/// A Dockerfile that begins with the image, as `fix` writes it.
fn fixed(image: &Read<'_>, name: &str, arguments: &Tune) -> Result<Fixed, String> {
    suits(&image.built, name)?;
    let base = images::stage(image)
        .ok_or_else(|| format!("`{name}` is no image that `fix` could add to"))?;
    let project = Project::configured(image, Arc::new(Only(base)));
    let file = SourceFile::new("Dockerfile", format!("FROM {name}\n").into_bytes());
    let options = Options {
        advice: true,
        style: Style {
            goal: arguments.goal,
            ..Style::default()
        },
        ..Options::default()
    };
    let fixed = fix::fix(&file, &project, &options);
    if fixed.changes() {
        return Ok(fixed);
    }
    // Whoever measures it knows that it is a service, whatever its name and its command look like.
    let wanted = |unit: &Unit| match unit.replacement() {
        Some((Family::Jemalloc, _)) => Vec::new(),
        _ => JEMALLOC.to_vec(),
    };
    let set = fix::set(&file, &project, options.style, &wanted);
    if set.changes() {
        return Ok(set);
    }
    let left = set.left.iter().chain(&fixed.left);
    let why = left.map(|left| left.reason.as_str()).next();
    Err(format!(
        "`{name}` has no jemalloc, and `fix` adds none: {}; build an image with jemalloc (`malloclint build`), and measure that",
        harmless(why.unwrap_or("it sees no Python that the image starts"))
    ))
}

/// Whether `fix` can do anything for a service in there.
fn suits(built: &Built, name: &str) -> Result<(), String> {
    if built.windows {
        return Err(format!(
            "`{name}` is an image for Windows: its allocator cannot be replaced"
        ));
    }
    if built.libc == Some(Libc::Musl) {
        return Err(format!(
            "`{name}` runs on musl: `fix` adds no jemalloc there, so there is nothing to compare; take a base with glibc (`python:3.12-slim`), or an image that has jemalloc"
        ));
    }
    if built.python.is_none() {
        return Err(format!(
            "no Python is in `{name}`: what `fix` adds was measured for Python alone"
        ));
    }
    Ok(())
}

impl Copy {
    /// Builds it; somebody may want that to end.
    fn build(
        engine: &Engine,
        fixed: &Fixed,
        arguments: &Tune,
        (interrupt, folder): (&Interrupt, &Path),
    ) -> Result<Self, String> {
        let options = arguments.build.as_deref().unwrap_or_default();
        let options = shlex::split(options).ok_or("`--build`: a quote in it has no end")?;
        let done = AtomicBool::new(false);
        let built = thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    if interrupt.came() {
                        return engine.end();
                    }
                    thread::sleep(BLINK);
                }
            });
            let built = engine.build_alone(&fixed.after.bytes, &options, folder);
            done.store(true, Ordering::SeqCst);
            built
        });
        if interrupt.came() {
            return Err("interrupted".into());
        }
        Ok(Self {
            engine: engine.clone(),
            id: built?,
        })
    }
}

/// What is known of the Dockerfile: the image that it begins with.
struct Only(Base);

impl Wishes for Only {
    fn images(&self, _: &str) -> Vec<ImageBuild> {
        Vec::new()
    }

    fn policy(&self, _: &str) -> Arc<Policy> {
        Arc::new(Policy::of_today())
    }

    fn platforms(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn built(&self, _: &str, _: &str) -> Option<Base> {
        Some(self.0.clone())
    }

    fn seen(&self, _: &Unit) -> Option<Seen> {
        None
    }
}
