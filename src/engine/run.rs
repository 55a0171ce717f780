//! How an engine is run: it builds, hands out what it built, and starts it once.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

use super::outputs::{self, Left, Output as Written};
use super::{Packed, Words};
use crate::facts::{self, engines};

/// How folders for builds begin.
const FOLDER: &str = "malloclint-";

/// An engine that is installed.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    facts: &'static facts::Engine,
    running: Arc<Mutex<Running>>,
}

/// What of it runs for us at the moment.
#[derive(Debug, Default)]
pub(super) struct Running {
    pub(super) build: Option<u32>,
    container: Option<String>,
}

/// What a build is given on its standard input.
pub(crate) enum Input<'a> {
    /// What we are given ourselves.
    Ours,
    Text(&'a [u8]),
    /// An archive, with this Dockerfile.
    Archive(&'a Packed, &'a [u8]),
}

impl Engine {
    /// The one of that name, or the first that is there.
    ///
    /// # Errors
    /// Where there is none.
    pub(crate) fn find(named: Option<&str>) -> Result<Self, String> {
        let known = || engines().iter().map(|engine| engine.name.as_str());
        if let Some(name) = named {
            let found = engines().iter().find(|engine| engine.name == name);
            return found.map(Self::of).ok_or_else(|| {
                format!(
                    "no engine is called `{name}` ({})",
                    known().collect::<Vec<_>>().join(", ")
                )
            });
        }
        let found = engines()
            .iter()
            .find(|engine| installed(&engine.name).is_some());
        found.map(Self::of).ok_or_else(|| {
            let names: Vec<&str> = known().collect();
            format!("no engine is installed here ({})", names.join(", "))
        })
    }

    fn of(facts: &'static facts::Engine) -> Self {
        Self {
            facts,
            running: Arc::default(),
        }
    }

    /// Whether it starts containers of images.
    ///
    /// # Errors
    /// Which engines do.
    pub(crate) fn starts_containers(&self) -> Result<(), String> {
        match self.name() {
            "buildah" => {
                Err("Buildah starts no containers of images: this needs docker or podman".into())
            }
            _ => Ok(()),
        }
    }

    /// What it is called, and its program.
    pub(crate) fn name(&self) -> &'static str {
        &self.facts.name
    }

    pub(crate) const fn facts(&self) -> &'static facts::Engine {
        self.facts
    }

    /// A folder for what it writes and reads for us.
    ///
    /// # Errors
    /// Where none can be made.
    pub(crate) fn folder(&self) -> io::Result<TempDir> {
        let place = installed(&self.facts.name).filter(|place| self.facts.is_confined(place));
        match place.and_then(|_| std::env::var_os("HOME")) {
            Some(home) => TempDir::with_prefix_in(FOLDER, home),
            None => TempDir::with_prefix(FOLDER),
        }
    }

    pub(super) fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends what runs for us: somebody wants us to end.
    pub(crate) fn end(&self) {
        let Running { build, container } = std::mem::take(&mut *self.running());
        #[cfg(target_os = "linux")]
        if let Some(pid) = build.and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed())) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = build;
        if let Some(container) = container {
            self.remove(&container);
        }
    }

    fn remove(&self, container: &str) {
        let _ = self.quietly(["rm", "--force", "--volumes", container]);
    }

    pub(super) fn command<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Command {
        let mut command = Command::new(&self.facts.name);
        command.args(arguments);
        command
    }

    /// Builds, with its output where ours goes; whether it succeeded.
    ///
    /// # Errors
    /// Where it cannot be run.
    pub(crate) fn build(&self, words: &Words, input: &Input<'_>) -> Result<bool, String> {
        let mut command = self.command([&self.facts.build]);
        command.args(words.written());
        if !matches!(input, Input::Ours) {
            command.stdin(Stdio::piped());
        }
        let mut child = command.spawn().map_err(|error| self.failed(&error))?;
        self.running().build = Some(child.id());
        if let Some(mut stdin) = child.stdin.take() {
            let given = match input {
                Input::Ours => Ok(()),
                Input::Text(text) => stdin.write_all(text),
                Input::Archive(packed, dockerfile) => packed.write(dockerfile, &mut stdin),
            };
            // One that wants no more of it says why itself.
            given
                .or_else(|error| match error.kind() {
                    io::ErrorKind::BrokenPipe => Ok(()),
                    _ => Err(error),
                })
                .map_err(|error| self.failed(&error))?;
        }
        let status = child.wait();
        self.running().build = None;
        let status = status.map_err(|error| self.failed(&error))?;
        Ok(status.success())
    }

    /// Whether a build of these words may write down the id of its image: it is one, and it goes to the engine.
    pub(crate) fn says_id(&self, words: &Words) -> bool {
        let outputs = outputs::of(words);
        let several = self.facts.name != "docker" && words.value("manifest").is_some();
        !several && (outputs.is_empty() || !outputs.iter().all(Written::is_files))
    }

    /// Whether all that a build of these words makes can be looked at. `ours`: options that no engine has.
    ///
    /// # Errors
    /// What to do where it cannot.
    pub(crate) fn may_build(&self, words: &Words, ours: &[String]) -> Result<(), String> {
        if let Some(own) = ours.iter().find(|own| words.has(own)) {
            return Err(format!(
                "`--{own}` is an option of malloclint: put it before the arguments of {}",
                self.facts.name
            ));
        }
        let platforms = words.all("platform").flat_map(|all| {
            let all = all.to_string_lossy().into_owned();
            all.split(',').map(str::to_owned).collect::<Vec<_>>()
        });
        let several = platforms.count() > 1 || words.is_set("all-platforms");
        if self.facts.name != "docker" && several && words.value("manifest").is_none() {
            return Err(
                "images for several platforms need a name for all of them: add `--manifest NAME`"
                    .into(),
            );
        }
        outputs::are_read(words)
    }

    /// Whether what is built goes to a registry at once; the engine then writes down what it is there.
    pub(crate) fn pushes(&self, words: &Words) -> bool {
        let is_flag = self.facts.name == "docker" && words.is_set("push");
        is_flag || outputs::of(words).iter().any(Written::is_pushed)
    }

    pub(super) fn failed(&self, error: &io::Error) -> String {
        match error.kind() {
            io::ErrorKind::NotFound => format!("`{}` is not installed here", self.facts.name),
            _ => format!("`{}`: {error}", self.facts.name),
        }
    }

    /// What came out of a build. `id`: the file with its id; `folder`: where an image may be put for us to read it.
    ///
    /// # Errors
    /// Where the image is out of reach, and what to do.
    pub(crate) fn left(&self, words: &Words, id: &Path, folder: &Path) -> Result<Left, String> {
        // `--call build` is the usual build.
        let asks =
            |option: &str| words.is_set(option) && words.value(option) != Some("build".as_ref());
        if ["check", "call", "print"].into_iter().any(asks) {
            return Ok(Left::Files);
        }
        if self.pushes(words) {
            return outputs::pushed(words);
        }
        if let Some(left) = outputs::left(words)? {
            return Ok(left);
        }
        let file = folder.join("image.tar");
        let archive = |kind: &str| {
            let mut text = OsString::from(format!("{kind}:"));
            text.push(&file);
            text
        };
        let image = |kind: &str| Left::Images(vec![archive(kind).to_string_lossy().into_owned()]);
        if let Some(list) = words
            .value("manifest")
            .filter(|_| self.facts.name != "docker")
        {
            let words = ["manifest", "push", "--quiet", "--all"].map(OsStr::new);
            self.quietly(words.into_iter().chain([list, &archive("oci-archive")]))?;
            return Ok(image("oci-archive"));
        }
        let id = fs::read_to_string(id)
            .map_err(|_| format!("`{}` wrote no image ID: it built no image", self.facts.name))?;
        let id = OsStr::new(id.trim());
        if self.facts.name == "buildah" {
            let words = ["push", "--quiet"].map(OsStr::new);
            self.quietly(words.into_iter().chain([id, &archive("oci-archive")]))?;
            return Ok(image("oci-archive"));
        }
        let kind = self.save(id, &file).map_err(|why| {
            format!("{why} (a builder of buildx keeps what it builds: `--load`, `--push` or `--output type=oci,dest=FILE` hand it out)")
        })?;
        // What docker saves of several platforms is a layout, too.
        let several = words
            .value("platform")
            .is_some_and(|all| all.to_string_lossy().contains(','));
        Ok(image(if several { "oci-archive" } else { kind }))
    }

    /// Writes an image into a file; how such a file is called in the name of an image.
    ///
    /// # Errors
    /// Where there is no such image.
    pub(crate) fn save(&self, image: &OsStr, file: &Path) -> Result<&'static str, String> {
        let podman = self.facts.name == "podman";
        let form: &[&str] = if podman {
            &["--format", "oci-archive"]
        } else {
            &[]
        };
        let words = ["save"].iter().chain(form).chain(&["--output"]);
        self.quietly(words.map(OsStr::new).chain([file.as_os_str(), image]))?;
        Ok(if podman {
            "oci-archive"
        } else {
            "docker-archive"
        })
    }

    /// Runs it for what it does, and shows what it says only where it fails.
    pub(super) fn quietly<A: AsRef<OsStr>>(
        &self,
        words: impl IntoIterator<Item = A>,
    ) -> Result<String, String> {
        let done = self
            .command(words)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| self.failed(&error))?;
        let Output {
            status,
            stdout,
            stderr,
        } = done;
        if status.success() {
            return Ok(String::from_utf8_lossy(&stdout).trim().to_owned());
        }
        let said = String::from_utf8_lossy(&stderr);
        let last = said.trim().lines().next_back().unwrap_or_default();
        Err(format!("`{}` fails: {last}", self.facts.name))
    }

    /// Starts a container of an image, with that command if there is one.
    ///
    /// # Errors
    /// Where it does not start.
    pub(crate) fn start(&self, id: &Path, words: &[String]) -> Result<Started, String> {
        self.starts_containers()?;
        let image = fs::read_to_string(id).map_err(|_| "there is no image to start".to_owned())?;
        let name = format!("malloclint-{}", std::process::id());
        self.running().container = Some(name.clone());
        let started = Started {
            engine: self.clone(),
            container: name.clone(),
        };
        let begin = ["run", "--detach", "--name", &name].map(str::to_owned);
        let all = begin
            .into_iter()
            .chain([image.trim().to_owned()])
            .chain(words.iter().cloned());
        self.quietly(all)
            .map_err(|why| format!("the container does not start: {why}"))?;
        Ok(started)
    }
}

/// A container; it goes when this does.
pub(crate) struct Started {
    engine: Engine,
    container: String,
}

impl Started {
    /// The number of its first process on this machine; nothing where it has ended.
    ///
    /// # Errors
    /// Where the engine does not say it.
    pub(crate) fn pid(&self) -> Result<Option<u32>, String> {
        let words = ["inspect", "--format", "{{.State.Pid}}", &self.container];
        let said = self.engine.quietly(words)?;
        Ok(said.parse().ok().filter(|pid| *pid > 0))
    }

    /// The last lines that it printed.
    pub(crate) fn said(&self) -> String {
        let done = self
            .engine
            .command(["logs", "--tail", "5", &self.container])
            .stdin(Stdio::null())
            .output();
        done.map_or_else(
            |_| String::new(),
            |done| {
                let all = [done.stdout, done.stderr].concat();
                String::from_utf8_lossy(&all).trim().to_owned()
            },
        )
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.engine.remove(&self.container);
        self.engine.running().container = None;
    }
}

/// Where a program is that a command names.
fn installed(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&folders).map(|folder: PathBuf| folder.join(program));
    places.find(|path| path.is_file())
}
