//! `malloclint build`: the engine builds the fixed Dockerfile, and what comes out is looked at.

#[cfg(target_os = "linux")]
mod started;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::image::Look;
use super::image::access::access;
use super::image::list::Wish;
use super::interrupted;
use super::wanted::Wanted;
use super::{Status, check, trouble};
use crate::cli::Colour;
use crate::cli::build::Build;
use crate::engine::{Came, Context, Engine, Input, Left, Packed, Words};
use crate::fix::{self, Fixed, Options};
use crate::image::Reference;
use crate::project;
use crate::report::{self, Format, fixed, harmless};
use crate::text::SourceFile;

pub(super) fn run(
    arguments: &Build,
    colour: Colour,
    err: &mut dyn io::Write,
) -> io::Result<Status> {
    let plan = match Plan::of(arguments) {
        Ok(plan) => plan,
        Err(why) => return trouble(&why, err),
    };
    let (engine, folder) = (plan.engine.clone(), plan.folder.path().to_owned());
    interrupted::first(move || {
        engine.end();
        let _ = fs::remove_dir_all(folder);
    });
    fixed::write(&plan.fixed, err)?;
    // What the engine prints comes behind it.
    err.flush()?;
    let words = match plan.build() {
        Ok(Some(words)) => words,
        // It said why.
        Ok(None) => return Ok(Status::Trouble),
        Err(why) => return trouble(&why, err),
    };
    let seen = match plan.wishes(&words) {
        Ok(wishes) if wishes.is_empty() => {
            writeln!(
                err,
                "malloclint: the build left files and no image: nothing was looked at"
            )?;
            Status::Clean
        }
        Ok(wishes) => plan.look(&wishes, colour, err)?,
        Err(why) => trouble(&why, err)?,
    };
    let ran = plan.start(&words, err)?;
    Ok(seen.max(ran))
}

/// A build that may begin.
struct Plan<'a> {
    arguments: &'a Build,
    engine: Engine,
    /// As the user wrote them.
    words: Words,
    wanted: Wanted,
    /// The file of the Dockerfile; nothing where it came on standard input.
    path: Option<PathBuf>,
    /// The rest of what came there.
    archive: Option<Packed>,
    fixed: Fixed,
    /// What is made for the build, and goes with it.
    folder: TempDir,
}

impl<'a> Plan<'a> {
    fn of(arguments: &'a Build) -> Result<Self, String> {
        let engine = Engine::find(arguments.engine.as_deref())?;
        let words = Words::read(engine.facts(), &arguments.arguments);
        engine.may_build(&words, &Build::options())?;
        let context = Context::of(engine.facts(), &words)?;
        let Source {
            path,
            file,
            archive,
        } = Source::of(context)?;
        let named: Vec<PathBuf> = path.iter().cloned().collect();
        let wanted = Wanted::of(&arguments.rules.selection(), &named)?;
        let fixed = fixed_of(&file, arguments, &wanted)?;
        let folder = engine
            .folder()
            .map_err(|error| format!("no folder for the build: {error}"))?;
        Ok(Self {
            arguments,
            engine,
            words,
            wanted,
            path,
            archive,
            fixed,
            folder,
        })
    }

    /// Builds; the words that it was built with, or nothing where that failed.
    fn build(&self) -> Result<Option<Words>, String> {
        let mut words = self.words.clone();
        let given = words.value("iidfile").is_some();
        if !given && self.engine.says_id(&words) {
            words = words.with("iidfile", self.folder.path().join("id").as_os_str());
        }
        if self.engine.pushes(&words) && words.value("metadata-file").is_none() {
            words = words.with(
                "metadata-file",
                self.folder.path().join("pushed").as_os_str(),
            );
        }
        if let Some(path) = self.path.as_ref().filter(|_| self.fixed.changes()) {
            let beside = self
                .beside(path)
                .map_err(|error| format!("the fixed Dockerfile: {error}"))?;
            words = words.with("file", beside.as_os_str());
        }
        let text = self.fixed.after.bytes.as_slice();
        let input = match (&self.path, &self.archive) {
            (Some(_), _) => Input::Ours,
            (None, Some(archive)) => Input::Archive(archive, text),
            (None, None) => Input::Text(text),
        };
        Ok(self.engine.build(&words, &input)?.then_some(words))
    }

    /// Writes the fixed Dockerfile into a folder of its own, with what lies beside it and says what of the context is left out.
    fn beside(&self, path: &Path) -> io::Result<PathBuf> {
        let name = path.file_name().unwrap_or_else(|| OsStr::new("Dockerfile"));
        let place = self.folder.path().join(name);
        fs::write(&place, &self.fixed.after.bytes)?;
        for ending in self.engine.facts().ignored() {
            let ignored = |path: &Path| {
                let mut name = path.as_os_str().to_owned();
                name.push(ending);
                PathBuf::from(name)
            };
            let beside = ignored(path);
            if beside.is_file() {
                fs::copy(&beside, ignored(&place))?;
            }
        }
        Ok(place)
    }

    fn id(&self, words: &Words) -> PathBuf {
        let given = words.value("iidfile").map(PathBuf::from);
        given.unwrap_or_else(|| self.folder.path().join("id"))
    }

    /// The images that came out, each with what it is called in reports.
    fn wishes(&self, words: &Words) -> Result<Vec<Wish>, String> {
        let images = match self
            .engine
            .left(words, &self.id(words), self.folder.path())?
        {
            Left::Images(images) => images,
            Left::Files => return Ok(Vec::new()),
        };
        let own = self.folder.path().to_string_lossy().into_owned();
        let tag = words
            .value("tag")
            .map_or("the image", |tag| tag.to_str().unwrap_or_default());
        let wish = |image: String| Wish {
            reference: Reference::parse(&image),
            text: if image.contains(&own) {
                tag.to_owned()
            } else {
                image
            },
        };
        Ok(images.into_iter().map(wish).collect())
    }

    fn look(&self, wishes: &[Wish], colour: Colour, err: &mut dyn io::Write) -> io::Result<Status> {
        let look = Look {
            wanted: &self.wanted,
            access: access(&self.arguments.registry, None),
            platforms: &[],
            jobs: 1,
            quiet: false,
        };
        let mut run = look.at(wishes, err)?;
        run.narrowed = self.arguments.rules.narrows();
        report::write(&run, Format::Human, check::style_of_report(colour), err)?;
        let mut findings = run.findings.iter();
        Ok(match run.failures.is_empty() {
            false => Status::Trouble,
            true if findings.any(|finding| self.wanted.fails(self.arguments.fail_on, finding)) => {
                Status::Findings
            }
            true => Status::Clean,
        })
    }

    /// Starts the image, where that is asked for, and looks at what runs.
    fn start(&self, words: &Words, err: &mut dyn io::Write) -> io::Result<Status> {
        let Some(command) = &self.arguments.run else {
            return Ok(Status::Clean);
        };
        let Some(command) = shlex::split(command) else {
            return trouble("`--run`: a quote in it has no end", err);
        };
        #[cfg(target_os = "linux")]
        return match self.engine.start(&self.id(words), &command) {
            Ok(container) => started::look(&container, err),
            Err(why) => trouble(&format!("`--run`: {why}"), err),
        };
        #[cfg(not(target_os = "linux"))]
        {
            let _ = (words, command);
            trouble("`--run` reads /proc, which Linux alone has", err)
        }
    }
}

/// The Dockerfile of a build.
struct Source {
    /// Where it lies, where it is a file.
    path: Option<PathBuf>,
    file: Arc<SourceFile>,
    /// What it came with.
    archive: Option<Packed>,
}

impl Source {
    fn of(context: Context) -> Result<Self, String> {
        let came = |bytes: Vec<u8>, archive| Self {
            path: None,
            file: SourceFile::new("Dockerfile", bytes),
            archive,
        };
        Ok(match context {
            Context::File(path) => Self {
                file: project::read(&path).map_err(|failure| failed(&failure))?,
                path: Some(path),
                archive: None,
            },
            Context::Input => came(
                project::read_stream(io::stdin().lock()).map_err(|failure| failed(&failure))?,
                None,
            ),
            Context::InputOrArchive(names) => {
                match Packed::take(&mut io::stdin().lock(), &names)? {
                    Came::Text(bytes) => came(bytes, None),
                    Came::Archive(packed) => came(packed.dockerfile.clone(), Some(packed)),
                }
            }
        })
    }
}

fn failed(failure: &project::Failure) -> String {
    format!("{}: {}", failure.path, failure.reason)
}

fn fixed_of(file: &Arc<SourceFile>, arguments: &Build, wanted: &Wanted) -> Result<Fixed, String> {
    let config = wanted
        .config(Path::new(&file.path))
        .map_err(|error| error.to_string())?;
    let mut style = config.style();
    if let Some(goal) = arguments.goal {
        style.goal = goal;
    }
    let options = Options {
        unsafe_too: arguments.unsafe_too,
        advice: arguments.advice,
        style,
        ..Options::default()
    };
    let disk = wanted.disk();
    let fixed = fix::fix(file, &wanted.project(&disk), &options);
    if let Some(base) = wanted.unread_bases().into_iter().next() {
        return Err(failed(&base));
    }
    match &fixed.unread {
        Some(why) => Err(format!("{}: {}", harmless(&file.path), why)),
        None => Ok(fixed),
    }
}
