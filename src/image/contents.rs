//! What the files of an image say: the distribution, its packages, Python, allocators.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::files::{Files, Node};
use super::library::Library;
use super::manifest::Platform;
use crate::facts::{self, Arch, Libc, Release};
use crate::model::{Built, BuiltLibrary, Python, matches, separates};

/// Where the loader looks on every glibc, before what is configured (ld.so(8)).
const DEFAULT: [&str; 4] = ["lib", "usr/lib", "lib64", "usr/lib64"];
/// Where programs are looked for that are named without a path.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// So many folders of the loader, files that name them, and missing libraries are told apart.
const MOST: usize = 256;

/// What of the configuration decides what is found first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Start<'a> {
    /// `PATH` and `LD_PRELOAD`.
    pub(super) path: Option<&'a str>,
    pub(super) preload: Option<&'a str>,
    /// Where it starts.
    pub(super) folder: Option<&'a str>,
}

/// Reads them.
pub(super) fn of(files: &Files, platform: &Platform, start: &Start<'_>) -> Built {
    let path = start.path.unwrap_or(PATH);
    let system = system(files);
    let arch = Arch::from_docker(&platform.to_string())
        .or_else(|| Arch::from_docker(&platform.architecture));
    let mut built = Built {
        release: system.release,
        system: system.name,
        libc: libc(files),
        arch,
        unmerged: files.resolved("lib").as_deref() != Some("usr/lib"),
        python: python(files, path),
        search_dirs: search_dirs(files),
        packages: packages(files),
        python_packages: python_packages(files),
        modules: modules(files),
        windows: platform.os == "windows",
        ..Built::default()
    };
    built.libraries = libraries(files, &built, start.preload.unwrap_or_default());
    let aliases = aliases(files, start, &built);
    built.libraries.extend(aliases);
    built.linked = linked(files, path);
    built.lacks = lacks(files, &built);
    built
}

#[derive(Default)]
struct System {
    release: Option<&'static Release>,
    name: Option<String>,
}

/// What os-release says (os-release(5)).
fn system(files: &Files) -> System {
    let paths = ["etc/os-release", "usr/lib/os-release"];
    let Some(text) = paths.iter().find_map(|path| files.text(path)) else {
        return System::default();
    };
    let text = String::from_utf8_lossy(text);
    let value = |name: &str| {
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?;
        Some(value.trim_matches(['"', '\'']).to_owned())
    };
    let (id, like) = (value("ID"), value("ID_LIKE"));
    // Debian's unstable has no number.
    let versions = [value("VERSION_ID"), value("VERSION_CODENAME")];
    let of = |distro: &str| {
        let mut versions = versions.iter().flatten();
        versions.find_map(|version| facts::release(distro, version))
    };
    let rolling = |distro: &str| facts::release(distro, "rolling");
    let release = id.as_deref().and_then(|id| of(id).or_else(|| rolling(id)));
    // What calls itself like another has its packages, not its numbers: RHEL's rebuilds are names of RHEL.
    let release = release.or_else(|| {
        let like = like
            .as_deref()?
            .split_whitespace()
            .find(|like| *like == "rhel")?;
        of(like)
    });
    System {
        release,
        name: value("PRETTY_NAME").or(id),
    }
}

/// The C library, by its loader.
fn libc(files: &Files) -> Option<Libc> {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut musl = false;
    for (path, node) in files.all() {
        if matches!(node, Node::Folder) {
            continue;
        }
        match name(path).as_str() {
            "libc.so.6" => return Some(Libc::Glibc),
            file if file.starts_with("ld-musl-") && file.ends_with(".so.1") => musl = true,
            _ => {}
        }
    }
    musl.then_some(Libc::Musl)
}

/// The Python behind `python3` or `python`, the first in `path`, else the newest that is anywhere.
fn python(files: &Files, path: &str) -> Option<Python> {
    let found = first_python(files, path);
    let version = found.as_deref().and_then(version_in);
    let any = || {
        let all = files
            .all()
            .filter(|(path, node)| matches!(node, Node::File(_)) && path.contains("bin/python3."));
        all.filter_map(|(path, _)| version_in(path)).max()
    };
    let pypy = found.as_deref().is_some_and(|path| path.contains("pypy"));
    match (found.is_some(), version.or_else(any)) {
        (false, None) => None,
        (_, version) => Some(Python { version, pypy }),
    }
}

/// The file of the first Python in the folders of `path`.
fn first_python(files: &Files, path: &str) -> Option<String> {
    let dirs = path
        .split(':')
        .filter(|dir| dir.starts_with('/') && dir.len() < 512)
        .take(64);
    let names = ["python3", "python", "pypy3"];
    let mut places = dirs.flat_map(|dir| names.iter().map(move |name| format!("{dir}/{name}")));
    places.find_map(|place| {
        let resolved = files.resolved(&place)?;
        files.file(&resolved).map(|_| resolved)
    })
}

/// `usr/local/bin/python3.12`.
fn version_in(path: &str) -> Option<(u8, u8)> {
    let name = path.rsplit('/').next()?;
    let rest = name
        .strip_prefix("python")
        .or_else(|| name.strip_prefix("pypy"))?;
    let (major, minor) = rest.split_once('.')?;
    let digits: String = minor.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, digits.parse().ok()?))
}

/// The folders in which the loader looks beyond its own: those of `/etc/ld.so.conf` and what it includes (ldconfig(8)), or of musl's file.
fn search_dirs(files: &Files) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut open = vec!["/etc/ld.so.conf".to_owned()];
    let mut read = BTreeSet::new();
    while let Some(path) = open.pop().filter(|_| read.len() < MOST) {
        if !read.insert(path.clone()) {
            continue;
        }
        for line in String::from_utf8_lossy(files.text(&path).map_or(&[][..], |text| text)).lines()
        {
            let line = line.split('#').next().unwrap_or_default().trim();
            if let Some(pattern) = line
                .strip_prefix("include")
                .filter(|rest| rest.starts_with([' ', '\t']))
            {
                let more = included(files, pattern.trim());
                open.extend(more.into_iter().take(MOST.saturating_sub(open.len())));
                continue;
            }
            add(line.trim_end_matches('/'), &mut found);
        }
    }
    let of_musl = files
        .below("etc")
        .filter(|(path, _)| path.starts_with("etc/ld-musl-") && path.ends_with(".path"));
    for text in of_musl.filter_map(|(path, _)| files.text(path)) {
        let text = String::from_utf8_lossy(text).into_owned();
        text.split([':', '\n'])
            .for_each(|dir| add(dir.trim(), &mut found));
    }
    found
}

fn add(dir: &str, found: &mut Vec<String>) {
    let is_new = found.len() < MOST && !found.iter().any(|known| known == dir);
    if dir.starts_with('/') && is_new {
        found.push(dir.to_owned());
    }
}

/// The files that a pattern names, of which the last part may hold stars.
fn included(files: &Files, pattern: &str) -> Vec<String> {
    let pattern = if pattern.starts_with('/') {
        pattern.to_owned()
    } else {
        format!("/etc/{pattern}")
    };
    let folder = pattern
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder)
        .trim_start_matches('/');
    let below = files.below(folder).map(|(path, _)| format!("/{path}"));
    let mut found: Vec<String> = below.filter(|path| matches(&pattern, path)).collect();
    found.sort();
    found.reverse();
    found
}

/// The packages of dpkg and apk.
fn packages(files: &Files) -> Vec<(String, String)> {
    let parts = files.below("var/lib/dpkg/status.d").map(|(path, _)| path);
    let dpkg = std::iter::once("var/lib/dpkg/status")
        .chain(parts.filter(|path| !path.ends_with(".md5sums")));
    let mut found = Vec::new();
    for text in dpkg.filter_map(|path| files.text(path)) {
        found.extend(paragraphs(
            &String::from_utf8_lossy(text),
            ("Package", "Version"),
        ));
    }
    for path in ["lib/apk/db/installed", "usr/lib/apk/db/installed"] {
        if let Some(text) = files.text(path) {
            found.extend(paragraphs(&String::from_utf8_lossy(text), ("P", "V")));
        }
    }
    found
}

/// Name and version of each paragraph that is installed.
fn paragraphs(text: &str, (name, version): (&str, &str)) -> Vec<(String, String)> {
    let paragraph = |paragraph: &str| {
        let field = |wanted: &str| {
            let mut lines = paragraph.lines();
            lines
                .find_map(|line| line.strip_prefix(wanted)?.strip_prefix(':'))
                .map(str::trim)
        };
        let is_there = field("Status").is_none_or(|status| status.ends_with(" installed"));
        let name = field(name).filter(|_| is_there)?;
        Some((
            name.to_owned(),
            field(version).unwrap_or_default().to_owned(),
        ))
    };
    text.split("\n\n").filter_map(paragraph).collect()
}

/// Distributions of Python, by the folders of their metadata: `lxml-5.2.1.dist-info`.
fn python_packages(files: &Files) -> Vec<(String, String)> {
    let metadata = files.all().filter_map(|(path, _)| {
        let folder = path
            .strip_suffix("/METADATA")
            .or_else(|| path.strip_suffix("/PKG-INFO"))?;
        let name = folder.rsplit('/').next()?;
        let name = name
            .strip_suffix(".dist-info")
            .or_else(|| name.strip_suffix(".egg-info"))?;
        let (name, version) = name.split_once('-')?;
        let name = name.to_ascii_lowercase().replace('_', "-");
        Some((
            name,
            version.split("-py").next().unwrap_or_default().to_owned(),
        ))
    });
    let mut found: Vec<(String, String)> = metadata.collect();
    found.sort();
    found.dedup();
    found
}

/// What lies right in a folder of packages of Python, and is none of them.
fn modules(files: &Files) -> Vec<String> {
    let modules = files.all().filter_map(|(path, node)| {
        let (folder, name) = path.rsplit_once('/')?;
        let is_beside = folder.ends_with("/site-packages") || folder.ends_with("/dist-packages");
        let is_one = name.ends_with(".py") || name.ends_with(".pth");
        (is_beside && is_one && matches!(node, Node::File(_))).then(|| name.to_owned())
    });
    modules.collect()
}

/// All allocators, under each of their names.
fn libraries(files: &Files, built: &Built, preload: &str) -> Vec<BuiltLibrary> {
    let named = files.all().filter_map(|(path, node)| {
        let name = path.rsplit('/').next()?;
        let is_one = name.contains(".so") && matches!(node, Node::File(_) | Node::Link(_));
        let family = facts::family_of_library(name).filter(|_| is_one)?;
        // One whose file has another name was not read: it may be what it is called.
        let library = files
            .file(path)?
            .library
            .clone()
            .unwrap_or_else(|| Arc::new(Library::unread()));
        fits(&library, built.arch).then_some((family, path, library))
    });
    let packages = built.release.map(|release| &release.packages);
    let installed: BTreeMap<&str, &str> = built
        .packages
        .iter()
        .map(|(name, version)| (name.as_str(), version.as_str()))
        .collect();
    let of_families: Vec<_> = packages
        .into_iter()
        .flatten()
        .filter(|package| !package.dev)
        .filter_map(|package| Some((package, *installed.get(package.name.as_str())?)))
        .collect();
    let found = named.map(|(family, path, library)| {
        let brought = of_families
            .iter()
            .find(|(package, _)| package.family == family);
        let said = brought.map(|(_, version)| upstream(version));
        let brought = brought.map(|(package, _)| *package);
        BuiltLibrary {
            family,
            path: multiarch(path, built.arch),
            version: library.version.clone().or(said),
            package: brought.map(|package| package.name.clone()),
            needs: foreign(&library),
            min_glibc: library.glibc.clone(),
            libc: library.libc(),
        }
    });
    let mut found: Vec<BuiltLibrary> = found.collect();
    // Not all of very many are told apart: those first that the loader finds by their names, or is told to load.
    let dirs = loader_dirs(built);
    let comes_last = |library: &BuiltLibrary| {
        let path = concrete(&library.path, built.arch);
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let is_named = preload.contains(path.as_str());
        !is_named && !dirs.contains(folder.trim_start_matches('/'))
    };
    found.sort_by_cached_key(comes_last);
    found
}

/// The folders in which the loader looks, without a `/` in front.
fn loader_dirs(built: &Built) -> BTreeSet<String> {
    let triplet = built.arch.map(Arch::triplet).unwrap_or_default();
    let multiarch = [format!("lib/{triplet}"), format!("usr/lib/{triplet}")];
    let dirs = DEFAULT.iter().map(|dir| (*dir).to_owned()).chain(multiarch);
    let own = built.search_dirs.iter().cloned();
    dirs.chain(own)
        .map(|dir| dir.trim_matches('/').to_owned())
        .collect()
}

/// Whether it is one for this architecture; where that is not known, it is.
fn fits(library: &Library, arch: Option<Arch>) -> bool {
    // Both of arm's bear the same number.
    let same = |own: Arch| match arch {
        Some(Arch::Armv6) => own == Arch::Armv7,
        arch => arch == Some(own),
    };
    library.loads && (arch.is_none() || library.arch.is_none_or(same))
}

/// The names by which `LD_PRELOAD` reaches allocators, where links or dots lie on the way.
fn aliases(files: &Files, start: &Start<'_>, built: &Built) -> Vec<BuiltLibrary> {
    let (known, arch) = (&built.libraries, built.arch);
    let entries = start.preload.unwrap_or_default();
    let paths = entries
        .split(|char| separates(char, built.libc))
        .filter(|entry| entry.contains('/'))
        .take(64);
    let real = |path: &str| files.resolved(path).map(|path| format!("/{path}"));
    // Programs have folders of their own: that of Python is the one that counts.
    let python = first_python(files, start.path.unwrap_or(PATH));
    let origin = python.as_deref().and_then(|path| path.rsplit_once('/'));
    let origin = origin.map_or_else(String::new, |(folder, _)| format!("/{folder}"));
    let mut by_file: BTreeMap<String, &BuiltLibrary> = BTreeMap::new();
    for library in known {
        if let Some(file) = real(&concrete(&library.path, arch)) {
            by_file.entry(file).or_insert(library);
        }
    }
    let reached = paths.filter_map(|entry| {
        let path = entry
            .replace("${ORIGIN}", &origin)
            .replace("$ORIGIN", &origin);
        let path = match path.starts_with('/') {
            true => path,
            false => format!("{}/{path}", start.folder.unwrap_or("/")),
        };
        let library = *by_file.get(&real(&path)?)?;
        let is_new = library.path != entry;
        is_new.then(|| BuiltLibrary {
            path: entry.to_owned(),
            ..library.clone()
        })
    });
    reached.collect()
}

/// What it needs beyond the C library's own parts.
fn foreign(library: &Library) -> Vec<String> {
    const OWN: [&str; 7] = [
        "libc.so",
        "libm.so",
        "libdl.so",
        "libpthread.so",
        "librt.so",
        "ld-linux",
        "libc.musl",
    ];
    let needs = library.needs.iter();
    let needs = needs.filter(|name| !OWN.iter().any(|own| name.starts_with(own)));
    needs.cloned().collect()
}

/// The path itself.
fn concrete(path: &str, arch: Option<Arch>) -> String {
    path.replace("{triplet}", arch.map_or("", Arch::triplet))
}

/// A path from the top, with its architecture's own folder as `{triplet}`: the loader's `$LIB` leads there, too.
fn multiarch(path: &str, arch: Option<Arch>) -> String {
    let own = arch.map(|arch| format!("/{}/", arch.triplet()));
    let path = format!("/{path}");
    match own.filter(|own| own.len() > 2) {
        Some(own) => path.replacen(&own, "/{triplet}/", 1),
        None => path,
    }
}

/// `1:5.3.0-1+b2` as upstream has it.
fn upstream(version: &str) -> String {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    let version = version.split(['-', '+', '~']).next().unwrap_or_default();
    version.to_owned()
}

/// Allocators that the first Python, or its library, is linked with.
fn linked(files: &Files, path: &str) -> Vec<facts::Family> {
    let program = first_python(files, path);
    let shared = files.all().filter(|(path, _)| path.contains("/libpython3"));
    let shared = shared.map(|(path, _)| path.to_owned());
    let needs = program.into_iter().chain(shared).filter_map(|path| {
        let file = files.file(&path)?;
        Some(file.library.as_ref()?.needs.clone())
    });
    let mut found: Vec<facts::Family> = Vec::new();
    for family in needs
        .flatten()
        .filter_map(|name| facts::family_of_library(&name))
    {
        if !found.contains(&family) {
            found.push(family);
        }
    }
    found
}

/// Libraries that allocators need, and that are in none of the loader's folders.
fn lacks(files: &Files, built: &Built) -> Vec<String> {
    let dirs = loader_dirs(built);
    let needed: BTreeSet<&str> = built
        .libraries
        .iter()
        .flat_map(|library| &library.needs)
        .map(String::as_str)
        .collect();
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    // What is nowhere need not be looked for in each folder.
    let anywhere: BTreeSet<String> = files
        .all()
        .map(|(path, _)| name(path))
        .filter(|name| needed.contains(name.as_str()))
        .collect();
    let is_there = |name: &str| {
        let mut dirs = dirs.iter();
        anywhere.contains(name) && dirs.any(|dir| files.file(&format!("{dir}/{name}")).is_some())
    };
    // Nobody lacks more.
    let lacking = needed.into_iter().take(MOST).filter(|name| !is_there(name));
    lacking.map(str::to_owned).collect()
}
