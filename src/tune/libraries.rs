//! Finds the allocators of this machine by asking its own loader, and says how to install one that
//! is missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::facts::{self, Arch, Family, JemallocVersion, Libc, family_of_library};
use crate::model::malloc_conf::{self, Jemalloc, option_of};
use crate::model::{Built, BuiltLibrary};
use crate::templates;
use crate::text::paths;

use super::error::TuneError;
use super::procfs::{self, Maps};
use super::proof;
use super::search_space::{self, Which};
use super::{Options, Watcher};

/// An allocator that can be preloaded here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Library {
    /// What it is.
    pub family: Family,
    /// Where it is, without links: as `/proc/PID/maps` shows it.
    pub path: String,
    /// What `LD_PRELOAD` is to say: its name where the loader finds it by that.
    pub name: String,
    /// The C library that it is built for.
    pub libc: Option<Libc>,
    /// Whether it can say which settings it took: jemalloc from 5.2.1 on.
    pub confirms: bool,
    /// That of a jemalloc, where it says it.
    pub version: Option<JemallocVersion>,
    /// The system of the image that it is in; `None` for one of this machine, which can be asked.
    pub image: Option<Build>,
}

/// What a library in an image was built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Build {
    /// The distribution whose package it is.
    pub distro: Option<&'static str>,
    pub arch: Arch,
}

impl Library {
    /// One that is in an image; nothing where its architecture is not known.
    pub(crate) fn in_image(library: &BuiltLibrary, image: &Built) -> Option<Self> {
        let version = library.version.as_deref().and_then(JemallocVersion::parse);
        let version = version.filter(|_| library.family == Family::Jemalloc);
        let packaged = image.release.filter(|_| library.package.is_some());
        let arch = image.arch?;
        let path = library.path.replace("{triplet}", arch.triplet());
        // The loader finds those of packages by their names.
        let name = match packaged {
            Some(_) => paths::file_name(&path).to_owned(),
            None => path.clone(),
        };
        Some(Self {
            family: library.family,
            path,
            name,
            libc: library.libc.or(image.libc),
            confirms: version.is_some_and(|version| option_of("confirm_conf", version).is_some()),
            version,
            image: Some(Build {
                distro: packaged.map(|release| release.distro.as_str()),
                arch,
            }),
        })
    }
}

/// A program that every Linux has, and that shows what is mapped into it.
const WITNESS: &str = "cat";

/// The allocators that are tried, and their libraries.
pub(super) fn chosen(
    options: &Options,
    watcher: &dyn Watcher,
) -> Result<(Vec<Which>, Vec<Library>), TuneError> {
    if let Some(container) = &options.workload.container {
        let asked = options.allocators.as_deref();
        return in_image(&container.libraries, &container.image, asked);
    }
    let mut libraries = Vec::new();
    for path in &options.libs {
        libraries.push(at(path).map_err(TuneError::Library)?);
    }
    let allocators = options.allocators.clone();
    let allocators = allocators.unwrap_or_else(|| Which::ALL.to_vec());
    for which in &allocators {
        let named = |library: &Library| Some(library.family) == which.family();
        if which.family().is_none() || libraries.iter().any(named) {
            continue;
        }
        match find(*which) {
            Some(library) => libraries.push(library),
            None => missing(*which, options, watcher)?,
        }
    }
    let deaf = |library: &&Library| library.family == Family::Jemalloc && ignores_conf(library);
    match libraries.iter().find(deaf) {
        Some(deaf) => Err(TuneError::Library(format!(
            "{}: this build does not read MALLOC_CONF (it has a prefix, or no user configuration)",
            deaf.path
        ))),
        None => Ok((allocators, libraries)),
    }
}

/// Those of an image: of each allocator the first one.
fn in_image(
    there: &[Library],
    image: &str,
    asked: Option<&[Which]>,
) -> Result<(Vec<Which>, Vec<Library>), TuneError> {
    let mut libraries = Vec::new();
    let mut allocators = Vec::new();
    for which in asked.unwrap_or(&Which::ALL) {
        let own = |library: &&Library| Some(library.family) == which.family();
        match there.iter().find(own) {
            Some(library) => libraries.push(library.clone()),
            None if which.family().is_none() => {}
            None if asked.is_some() => {
                return Err(TuneError::Library(format!(
                    "{} is not in `{}`: build an image with it, or leave it out with `--allocators`",
                    which.name(),
                    image
                )));
            }
            None => continue,
        }
        allocators.push(*which);
    }
    Ok((allocators, libraries))
}

/// What nearly everybody means must be there, and what is asked for; others may be missing.
fn missing(which: Which, options: &Options, watcher: &dyn Watcher) -> Result<(), TuneError> {
    let name = which.name();
    let hint = which.family().and_then(install);
    let install = hint.map_or_else(String::new, |command| {
        format!(": install it with `{command}`")
    });
    if options.allocators.is_some() || which == Which::Jemalloc {
        let others = "name it with `--libs PATH`, or leave it out with `--allocators`";
        return Err(TuneError::Library(format!(
            "the loader finds no {name} here{install}, {others}"
        )));
    }
    watcher.note(&format!(
        "{name} is not tried: the loader finds none here{install}"
    ));
    Ok(())
}

/// The library of an allocator, where the loader finds one.
fn find(which: Which) -> Option<Library> {
    let family = which.family()?;
    search_space::names(which)
        .iter()
        .find_map(|name| named(family, name))
}

fn named(family: Family, name: &str) -> Option<Library> {
    let (maps, _) = run(name, None).ok()?;
    let mut libraries = maps.libraries.into_iter();
    let path = libraries.find(|path| family_of_library(path) == Some(family))?;
    Some(finished(family, path, name.to_owned(), maps.libc))
}

fn finished(family: Family, path: String, name: String, libc: Option<Libc>) -> Library {
    let mut library = Library {
        family,
        path,
        name,
        libc,
        confirms: false,
        version: None,
        image: None,
    };
    let echoed = || {
        said_about(&library, "confirm_conf:true,narenas:1")
            .ok()
            .filter(|keys| !keys.is_empty())
    };
    library.confirms = family == Family::Jemalloc && echoed().is_some();
    library.version = Some(family)
        .filter(|family| *family == Family::Jemalloc)
        .and_then(|_| version(&library.path));
    library
}

/// Whether it passes over `MALLOC_CONF`: a build with a prefix, or without user configuration. One
/// that reads it complains about a key that does not exist.
fn ignores_conf(library: &Library) -> bool {
    takes(library, "malloclint_asks:1").is_ok()
}

/// A library that the user names.
fn at(path: &Path) -> Result<Library, String> {
    let real = fs::canonicalize(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let text = real
        .to_str()
        .ok_or_else(|| format!("{}: its name is not UTF-8", path.display()))?;
    let given = path.to_string_lossy();
    let family = family_of_library(&given)
        .or_else(|| family_of_library(text))
        .ok_or_else(|| format!("{given}: that is no allocator that is known by its name"))?;
    let (maps, said) = run(text, None)?;
    if !maps.libraries.iter().any(|library| library == text) {
        return Err(format!(
            "{given}: the loader does not take it{}",
            after_colon(&said)
        ));
    }
    Ok(finished(
        family,
        text.to_owned(),
        text.to_owned(),
        maps.libc,
    ))
}

/// The version of a jemalloc, which it holds as a text.
fn version(path: &str) -> Option<JemallocVersion> {
    let bytes = fs::read(path).ok()?;
    let text = regex::bytes::Regex::new(r"(\d+\.\d+\.\d+)-\d+-g[0-9a-f]{40}").ok()?;
    let found = text.captures(&bytes)?.get(1)?;
    JemallocVersion::parse(std::str::from_utf8(found.as_bytes()).ok()?)
}

fn after_colon(said: &[String]) -> String {
    said.first()
        .map_or_else(String::new, |line| format!(": {line}"))
}

/// Whether jemalloc takes the whole setting.
pub(super) fn takes(library: &Library, conf: &str) -> Result<(), String> {
    match &library.image {
        Some(build) => is_read(conf, library.version, build),
        None => said_about(library, conf).map(drop),
    }
}

/// The same of one that cannot be asked before a container runs: as its source has it.
fn is_read(conf: &str, version: Option<JemallocVersion>, build: &Build) -> Result<(), String> {
    let known = version.zip(facts::jemalloc_build(build.distro, build.arch));
    // What is not known is tried: the first run proves it.
    let Some((version, own)) = known else {
        return Ok(());
    };
    let jemalloc = Jemalloc {
        version,
        build: own,
        arch: build.arch,
    };
    let reading = malloc_conf::read(conf, jemalloc);
    let refused = reading
        .settings
        .iter()
        .find(|setting| setting.verdict.is_rejection());
    if let Some(setting) = refused {
        let pair = conf.get(setting.all()).unwrap_or(conf);
        return Err(format!("jemalloc {version} does not take `{pair}`"));
    }
    match reading.broken {
        Some(_) => Err(format!(
            "jemalloc {version} does not read `{conf}` to its end"
        )),
        None => Ok(()),
    }
}

/// The keys of a setting that jemalloc says it took.
fn said_about(library: &Library, conf: &str) -> Result<Vec<String>, String> {
    let with = if library.confirms {
        proof::asking(conf)
    } else {
        conf.to_owned()
    };
    let (_, said) = run(&library.path, Some(&with))?;
    let messages = said
        .iter()
        .filter_map(|line| line.strip_prefix("<jemalloc>: "));
    proof::confirm(conf, library.confirms, messages)
}

/// Runs the witness with a library preloaded: what was mapped, and what was said.
fn run(preload: &str, conf: Option<&str>) -> Result<(Maps, Vec<String>), String> {
    let mut command = Command::new(WITNESS);
    command
        .arg("/proc/self/maps")
        .env("LD_PRELOAD", preload)
        .env_remove("MALLOC_CONF");
    command.stdin(Stdio::null());
    if let Some(conf) = conf {
        command.env("MALLOC_CONF", conf);
    }
    let output = command
        .output()
        .map_err(|error| format!("cannot run `{WITNESS}`: {error}"))?;
    let maps = procfs::parse_maps(&String::from_utf8_lossy(&output.stdout));
    let said = String::from_utf8_lossy(&output.stderr);
    Ok((maps, said.lines().map(str::to_owned).collect()))
}

/// The command that installs a family's library on this system, where that is known.
fn install(family: Family) -> Option<String> {
    let text = ["/etc/os-release", "/usr/lib/os-release"]
        .iter()
        .find_map(|path| fs::read_to_string(PathBuf::from(path)).ok())?;
    install_on(&text, family)
}

fn install_on(os_release: &str, family: Family) -> Option<String> {
    let field = |name: &str| {
        let line = os_release
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.map(|value| value.trim_matches(['"', '\'']))
    };
    let (id, version) = (field("ID")?, field("VERSION_ID").unwrap_or("rolling"));
    let release = facts::release(id, version)?;
    let package = release
        .packages_of(family)
        .find(|package| !package.dev && package.verified)?;
    let steps = &templates::installer(release.manager)?.steps;
    Some(steps.join(" && ").replace("{packages}", &package.name))
}

/// One for tests.
#[cfg(test)]
pub(super) fn jemalloc() -> Library {
    Library {
        family: Family::Jemalloc,
        path: "/usr/lib/libjemalloc.so.2".into(),
        name: "libjemalloc.so.2".into(),
        libc: None,
        confirms: true,
        version: None,
        image: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_comes_with_its_command() {
        let on = |text| install_on(text, Family::Jemalloc);
        assert_eq!(
            on("NAME=\"Debian\"\nID=debian\nVERSION_ID=\"12\"\n").unwrap(),
            "apt-get update && apt-get install -y --no-install-recommends libjemalloc2"
        );
        assert!(
            on("ID=alpine\nVERSION_ID=3.20.1\n")
                .unwrap()
                .starts_with("apk add")
        );
        assert_eq!(on("ID=plan9\nVERSION_ID=4\n"), None);
        assert_eq!(on(""), None);
    }

    #[test]
    fn what_is_no_library_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libjemalloc.so.2");
        assert!(at(&path).unwrap_err().contains("No such file"));
        fs::write(&path, "no library").unwrap();
        assert!(at(&path).unwrap_err().contains("does not take it"));
        fs::write(folder.path().join("libm.so.6"), "").unwrap();
        assert!(
            at(&folder.path().join("libm.so.6"))
                .unwrap_err()
                .contains("no allocator")
        );
    }
}
