//! Packages that a RUN installs: allocators, Python, compilers.

use std::sync::Arc;

use super::Source;
use crate::dockerfile::fragile;
use crate::dockerfile::image::ImageState;
use crate::facts::{self, Libc, Manager};
use crate::model::{Fact, Install, Library, Origin, PathPattern, Python, User};
use crate::shell::effects::{Effect, Package};
use crate::shell::syntax::Word;
use crate::text::Place;
use crate::text::paths;

/// An installation.
pub(super) fn install(
    state: &mut ImageState,
    source: Source<'_>,
    effect: &Effect,
    manager: Manager,
    packages: &[Package],
    open_ended: bool,
) {
    let place = source.place(&effect.range);
    state.installs.push(Arc::new(Install {
        manager,
        packages: packages
            .iter()
            .map(|package| package.name.clone())
            .collect(),
        words: packages
            .iter()
            .map(|package| source.place(&package.range))
            .collect(),
        conditional: effect.context.conditional || effect.context.function,
        user: installer(state, source.text.as_str(), effect),
        place: place.clone(),
        step: state.step,
    }));
    if state.platform.manager.is_none() {
        state.platform.manager = Some(manager);
    }
    let text = source
        .text
        .as_str()
        .get(effect.range.clone())
        .unwrap_or_default();
    if let (Fact::Unknown(_), Some(libc)) = (&state.platform.libc, libc_of(manager, &state.base)) {
        let command = text.split_whitespace().next().unwrap_or_default();
        let command = if command.starts_with("apt") {
            command
        } else {
            manager.command()
        };
        let (line, path) = (place.line(), &place.file.path);
        let why = format!("`{command}` is used in line {line} of {path}");
        state.platform.libc = Fact::Assumed(libc, why);
    }
    let by_address = manager != Manager::Apk && text.contains("://");
    if by_address || [".deb", ".rpm"].iter().any(|sign| text.contains(sign)) {
        state.hide("/", "a package file is installed");
    }
    if open_ended {
        state.hide("/", "some of the installed packages are named elsewhere");
    }
    let index = match manager {
        Manager::Conda => facts::Index::Python,
        _ => facts::Index::Distribution,
    };
    fragile::installed(state, index, packages, |package| {
        source.place(&package.range)
    });
    for package in packages {
        let place = source.place(&package.range);
        allocator(state, effect, manager, package, &place);
        python(state, manager, &package.name, &place);
        state.compiles |= matches!(package.name.as_str(), "cargo" | "rustc");
    }
}

/// The C library of the distributions that have a manager: `apk` is Alpine's, and that of Wolfi and Chainguard, which have
/// glibc.
fn libc_of(manager: Manager, base: &str) -> Option<Libc> {
    let wolfi = || {
        ["wolfi", "chainguard", "cgr.dev"]
            .iter()
            .any(|name| base.contains(name))
    };
    match manager {
        Manager::Conda => None,
        Manager::Apk => (!base.is_empty() && !wolfi()).then_some(Libc::Musl),
        _ => Some(Libc::Glibc),
    }
}

/// A little of the text before `at`: the command's own prefix, were it `su root -c`.
fn before(text: &str, at: usize) -> &str {
    const REACH: usize = 80;
    let mut start = at.saturating_sub(REACH);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let near = text.get(start..at).unwrap_or_default();
    near.rsplit(['\n', ';', '&', '|'])
        .next()
        .unwrap_or_default()
}

/// Who installs: root, where the command asks for it.
fn installer(state: &ImageState, text: &str, effect: &Effect) -> Fact<User> {
    let command = text.get(effect.range.clone()).unwrap_or_default();
    let words = before(text, effect.range.start)
        .split_whitespace()
        .chain(command.split_whitespace());
    let roots = ["sudo", "su", "doas", "fakeroot", "gosu", "su-exec"];
    let mut plain = words.map(|word| word.trim_matches(['"', '\'', '(']));
    if plain.any(|word| roots.contains(&word)) {
        return Fact::Assumed(User("root".into()), "the command asks for it".into());
    }
    state.user.clone()
}

/// The libraries that an allocator's package brings.
fn allocator(
    state: &mut ImageState,
    effect: &Effect,
    manager: Manager,
    package: &Package,
    place: &Place,
) {
    let mut library = Library {
        family: facts::Family::Other,
        path: PathPattern::new(""),
        origin: Origin::Package {
            name: package.name.clone(),
            dev: false,
        },
        version: package.version.clone(),
        needs: Vec::new(),
        min_glibc: None,
        libc: state.platform.libc.value().copied(),
        conditional: effect.context.conditional,
        place: place.clone(),
        step: state.step,
    };
    let of_release = match manager {
        Manager::Conda => None,
        _ => state
            .platform
            .release
            .value()
            .and_then(|release| release.package(&package.name)),
    };
    if let Some(known) = of_release {
        library.family = known.family;
        library.version.clone_from(&known.version);
        library.needs.clone_from(&known.needs);
        library.min_glibc.clone_from(&known.min_glibc);
        library.origin = Origin::Package {
            name: package.name.clone(),
            dev: known.dev,
        };
        for path in paths(known) {
            state.add_library(Library {
                path: PathPattern::new(path),
                ..library.clone()
            });
        }
        return;
    }
    let Some(summary) = facts::any_package(&package.name, manager) else {
        return;
    };
    library.family = summary.family;
    library.origin = Origin::Package {
        name: package.name.clone(),
        dev: summary.dev,
    };
    let files = facts::packaged_files(&package.name, manager).filter(|_| !summary.dev);
    for path in likely_paths(state, manager, summary.dev, files.as_deref()) {
        state.add_library(Library {
            path: PathPattern::new(path),
            ..library.clone()
        });
    }
}

/// Where a package of a known release puts its libraries; a hint only is taken as one.
fn paths(known: &facts::AllocatorPackage) -> Vec<String> {
    if !known.verified {
        return vec!["*/lib*.so*".into()];
    }
    let files = std::iter::once(&known.soname)
        .chain(&known.unversioned)
        .chain(&known.others);
    files.map(|file| format!("{}/{file}", known.dir)).collect()
}

/// Where a package's library lies when the release is not known.
fn likely_paths(
    state: &mut ImageState,
    manager: Manager,
    dev: bool,
    files: Option<&[&str]>,
) -> Vec<String> {
    let end = if dev { "lib*.so*" } else { "lib*.so.*" };
    let files = files.unwrap_or(&[]).iter().copied();
    let files: Vec<&str> = if files.len() == 0 {
        vec![end]
    } else {
        files.collect()
    };
    let below = |folder: &str| {
        let paths = files.iter().map(|file| format!("{folder}/{file}"));
        paths.collect::<Vec<_>>()
    };
    match manager {
        Manager::Conda => {
            let prefix = state
                .image
                .as_ref()
                .and_then(|image| image.python_prefix.clone());
            let prefix = prefix
                .filter(|prefix| prefix != "/usr" && prefix != "/usr/local")
                .unwrap_or_else(|| "*".into());
            state.search_dirs.push(format!("{prefix}/lib"));
            vec![format!("{prefix}/lib/lib*.so*"), "*/lib/lib*.so*".into()]
        }
        Manager::Apt => below("/usr/lib/{triplet}"),
        Manager::Apk | Manager::Pacman => below("/usr/lib"),
        _ => [below("/usr/lib64"), below("/usr/lib")].concat(),
    }
}

/// Packages go again, and their libraries with them.
pub(super) fn uninstall(state: &mut ImageState, packages: &[Package]) {
    fragile::uninstalled(state, packages);
    for at in 0..state.libraries.len() {
        let Some(library) = state.libraries.get(at) else {
            continue;
        };
        let Origin::Package { name, dev } = &library.origin else {
            continue;
        };
        let named = packages.iter().any(|package| package.name == *name);
        if named && *dev && library.path.file_name().contains(".so.") {
            // The library's own package stays when the development package goes.
            let origin = Origin::Linked;
            let library = library.clone();
            state.libraries.replace(at, Library { origin, ..library });
        }
    }
    let gone = |library: &Library| match &library.origin {
        Origin::Package { name, .. } => packages.iter().any(|package| package.name == *name),
        _ => false,
    };
    state.libraries.retain(|library| !gone(library));
}

/// A package that is an interpreter says that Python can run here.
fn python(state: &mut ImageState, manager: Manager, name: &str, place: &Place) {
    let Some(version) = interpreter(name) else {
        return;
    };
    if let Some(here) = state.python.value() {
        if here.version != version {
            // Several interpreters: which one runs is not known.
            several(state);
        }
        return;
    }
    state.distribution_python = manager != Manager::Conda && name.starts_with("python3");
    state.python = Fact::Known(
        Python {
            version,
            pypy: name.starts_with("pypy"),
        },
        place.clone(),
    );
}

/// Tools that bring interpreters of their own, whatever the image has.
pub(super) fn interpreters(state: &mut ImageState, text: &str) {
    const SIGNS: [&str; 8] = [
        "uv python ",
        "uv venv",
        "uv sync",
        "uv run",
        "pyenv install",
        "mise use",
        "asdf install",
        "update-alternatives",
    ];
    if SIGNS.iter().any(|sign| text.contains(sign)) {
        several(state);
    }
}

/// More than one interpreter: the version is not known any more.
fn several(state: &mut ImageState) {
    state.distribution_python = false;
    if let Fact::Known(python, _) | Fact::Assumed(python, _) = &mut state.python {
        python.version = None;
    }
}

/// The version in an interpreter's package name; `None` where it is no interpreter.
#[allow(clippy::option_option)]
fn interpreter(name: &str) -> Option<Option<(u8, u8)>> {
    if matches!(name, "pypy" | "pypy3") {
        return Some(None);
    }
    let rest = name.strip_prefix("python")?;
    let rest = rest
        .trim_end_matches("-minimal")
        .trim_end_matches("-full")
        .trim_end_matches("-slim")
        .trim_end_matches("-nogil")
        .trim_end_matches("-freethreading");
    if rest.is_empty() || rest == "3" {
        return Some(None);
    }
    let digits = rest.strip_prefix("3.").or_else(|| rest.strip_prefix('3'))?;
    digits.parse().ok().map(|minor| Some((3, minor)))
}

/// Any other command: what it says about Python and compilers.
pub(super) fn ran(state: &mut ImageState, words: &[Word], place: &Place) {
    let Some(program) = words.first().and_then(Word::literal) else {
        return;
    };
    let program = paths::file_name(&program);
    if matches!(
        program,
        "make"
            | "cmake"
            | "clang"
            | "cc"
            | "c++"
            | "ld"
            | "gcc"
            | "g++"
            | "cargo"
            | "ninja"
            | "meson"
            | "rustc"
            | "bazel"
            | "bundle"
            | "gem"
    ) {
        state.compiles = true;
    }
    let is_python = matches!(
        program,
        "pip" | "pip3" | "python" | "python3" | "uv" | "poetry" | "pipenv"
    ) || program
        .strip_prefix("python3.")
        .is_some_and(|minor| minor.trim_end_matches('t').parse::<u8>().is_ok());
    if is_python && state.python.value().is_none() && !state.platform.windows {
        let (line, path) = (place.line(), &place.file.path);
        state.python = Fact::Assumed(
            Python {
                version: None,
                pypy: false,
            },
            format!("`{program}` is used in line {line} of {path}"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::interpreter;

    #[test]
    fn interpreters_by_package_name() {
        for (name, expected) in [
            ("python3", Some(None)),
            ("python", Some(None)),
            ("python3.11", Some(Some((3, 11)))),
            ("python3.9-minimal", Some(Some((3, 9)))),
            ("python39", Some(Some((3, 9)))),
            ("python3.13-nogil", Some(Some((3, 13)))),
            ("python3.14-freethreading", Some(Some((3, 14)))),
            ("python3-pip", None),
            ("python3-dev", None),
            ("py3-numpy", None),
        ] {
            assert_eq!(interpreter(name), expected, "{name}");
        }
    }
}
