//! What the files of an image say: the distribution, its packages, Python, allocators.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::files::{Files, Node};
use super::library::Library;
use super::manifest::Platform;
use crate::facts::free_threading::is_free_threaded;
use crate::facts::{self, Arch, Libc, Release};
use crate::model::{Built, BuiltLibrary, Python, loader_lib, matches, separates};

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
    /// Where it starts, and what.
    pub(super) folder: Option<&'a str>,
    pub(super) program: Option<&'a str>,
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
        free_threaded: free_threaded(files, path),
        search_dirs: search_dirs(files),
        packages: packages(files),
        python_packages: python_packages(files),
        modules: modules(files),
        windows: platform.os == "windows",
        ..Built::default()
    };
    built.own_dirs = built.libc == Some(Libc::Musl) && musl_paths(files).next().is_some();
    built.libraries = libraries(files, &built, start.preload.unwrap_or_default());
    let (reached, nowhere) = named(files, start, &built);
    let by_links = through_links(files, &built);
    built.libraries.extend(reached);
    built.libraries.extend(by_links);
    built.nowhere = nowhere;
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

/// The name of its file, where that says that it has no lock.
fn free_threaded(files: &Files, path: &str) -> Option<String> {
    let found = first_python(files, path)?;
    let name = found.rsplit('/').next()?;
    is_free_threaded(name).then(|| name.to_owned())
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
    for text in musl_paths(files) {
        let text = String::from_utf8_lossy(text);
        text.split([':', '\n'])
            .for_each(|dir| add(dir.trim(), &mut found));
    }
    // The loader follows links.
    let real = found.iter().filter_map(|dir| files.resolved(dir));
    let real: Vec<String> = real.map(|dir| format!("/{dir}")).collect();
    real.iter().for_each(|dir| add(dir, &mut found));
    found
}

/// The files that say where musl's loader looks.
fn musl_paths(files: &Files) -> impl Iterator<Item = &Arc<[u8]>> {
    let named = files
        .below("etc")
        .filter(|(path, _)| path.starts_with("etc/ld-musl-") && path.ends_with(".path"));
    named.filter_map(|(path, _)| files.text(path))
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
        let is_one = matches!(node, Node::File(_) | Node::Link(_));
        let family = facts::family_of_library(name).filter(|_| is_one)?;
        // One whose file has another name was not read: it may be what it is called.
        let library = files
            .file(path)?
            .library
            .clone()
            .unwrap_or_else(|| Arc::new(Library::unread()));
        library.fits(built.arch).then_some((family, path, library))
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
pub(super) fn loader_dirs(built: &Built) -> BTreeSet<String> {
    let triplet = built.arch.map(Arch::triplet).unwrap_or_default();
    let multiarch = [format!("lib/{triplet}"), format!("usr/lib/{triplet}")];
    let dirs = DEFAULT.iter().map(|dir| (*dir).to_owned()).chain(multiarch);
    let own = built.search_dirs.iter().cloned();
    dirs.chain(own)
        .map(|dir| dir.trim_matches('/').to_owned())
        .collect()
}

/// The paths by which `LD_PRELOAD` reaches allocators, whatever lies on the way, and those by which it reaches none.
fn named(files: &Files, start: &Start<'_>, built: &Built) -> (Vec<BuiltLibrary>, Vec<String>) {
    let entries = start.preload.unwrap_or_default();
    let paths = entries
        .split(|char| separates(char, built.libc))
        .filter(|entry| entry.contains('/'))
        .take(64);
    let by_file = by_file(files, built);
    let origin = origin(files, start);
    let (mut reached, mut nowhere) = (Vec::new(), Vec::new());
    for entry in paths {
        // As the model has it, which puts in what the release and the architecture say.
        let written = expanded(entry, built);
        let path = concrete(&written, built.arch);
        let path = match &origin {
            Some(origin) => path.replace("${ORIGIN}", origin).replace("$ORIGIN", origin),
            None if path.contains("ORIGIN") => continue,
            None => path,
        };
        let path = match path.starts_with('/') {
            true => path,
            false => format!("{}/{path}", start.folder.unwrap_or("/")),
        };
        let names_folder = path.ends_with('/') || path.ends_with("/.");
        let file = files.resolved(&path).filter(|_| !names_folder);
        match file.and_then(|file| by_file.get(&file)) {
            Some(&library) if library.path == written => {}
            Some(&library) => reached.push(BuiltLibrary {
                path: written,
                ..library.clone()
            }),
            None => nowhere.push(written),
        }
    }
    (reached, nowhere)
}

/// An entry with what the loader of this release puts in for `$LIB` and `$PLATFORM`.
fn expanded(entry: &str, built: &Built) -> String {
    let dirs = built.release.map(|release| release.library_dirs.as_slice());
    let lib = loader_lib(dirs.unwrap_or_default());
    let entry = entry.replace("${LIB}", lib).replace("$LIB", lib);
    match built.arch.and_then(Arch::loader_platform) {
        Some(platform) => entry
            .replace("${PLATFORM}", platform)
            .replace("$PLATFORM", platform),
        None => entry,
    }
}

/// The folder of the program that starts, where that is a Python: others have theirs elsewhere, and what a script starts is not known.
fn origin(files: &Files, start: &Start<'_>) -> Option<String> {
    let program = start.program?;
    let name = program.rsplit('/').next()?;
    let paths: Vec<String> = if program.starts_with('/') {
        vec![program.to_owned()]
    } else {
        let dirs = start.path.unwrap_or(PATH).split(':').take(64);
        dirs.map(|dir| format!("{dir}/{program}")).collect()
    };
    let mut found = paths.iter().filter_map(|path| files.resolved(path));
    let file = found.find(|file| files.file(file).is_some())?;
    let (folder, _) = file.rsplit_once('/')?;
    name.starts_with("python").then(|| format!("/{folder}"))
}

/// Allocators by the files that they are.
fn by_file<'b>(files: &Files, built: &'b Built) -> BTreeMap<String, &'b BuiltLibrary> {
    let mut found: BTreeMap<String, &BuiltLibrary> = BTreeMap::new();
    for library in &built.libraries {
        if let Some(file) = files.resolved(&concrete(&library.path, built.arch)) {
            found.entry(file).or_insert(library);
        }
    }
    found
}

/// The paths by which allocators are reached through links of folders: a Dockerfile on this image may name them.
fn through_links(files: &Files, built: &Built) -> Vec<BuiltLibrary> {
    let by_file = by_file(files, built);
    let above: BTreeSet<&str> = by_file
        .keys()
        .flat_map(|file| file.match_indices('/').filter_map(|(at, _)| file.get(..at)))
        .collect();
    let led = links_to(files, &above).take(MOST * 16).filter_map(|link| {
        let folder = files.resolved(link)?;
        above.contains(folder.as_str()).then_some((link, folder))
    });
    let mut found = Vec::new();
    for (link, folder) in led.take(MOST) {
        let below = by_file.iter().filter_map(|(file, library)| {
            let rest = file.strip_prefix(&folder)?.strip_prefix('/')?;
            Some(BuiltLibrary {
                path: format!("/{link}/{rest}"),
                ..(*library).clone()
            })
        });
        found.extend(below.take(MOST));
    }
    found
}

/// Links that may lead to one of these folders, by the names in their targets: an image may have millions, and to follow one takes its time.
fn links_to<'f>(files: &'f Files, folders: &BTreeSet<&str>) -> impl Iterator<Item = &'f str> {
    /// Links that lead on to links are followed so often.
    const STEPS: usize = 4;
    let name = |path: &str| {
        let path = path.trim_end_matches('/');
        path.rsplit('/').next().unwrap_or_default().to_owned()
    };
    let mut wanted: BTreeSet<String> = folders.iter().map(|folder| name(folder)).collect();
    for _ in 0..STEPS {
        let more: Vec<String> = links(files)
            .filter(|(path, target)| {
                wanted.contains(&name(target)) && !wanted.contains(&name(path))
            })
            .take(MOST)
            .map(|(path, _)| name(path))
            .collect();
        if more.is_empty() {
            break;
        }
        wanted.extend(more);
    }
    links(files)
        .filter(move |(_, target)| wanted.contains(&name(target)))
        .map(|(path, _)| path)
}

/// All links but those of the whole of /usr, which the loader's model knows.
fn links(files: &Files) -> impl Iterator<Item = (&str, &str)> {
    files.all().filter_map(|(path, node)| match node {
        Node::Link(target) if !matches!(path, "lib" | "lib64") => Some((path, target.as_str())),
        _ => None,
    })
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
